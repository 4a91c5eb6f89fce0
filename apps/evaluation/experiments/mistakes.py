"""Wrong answers beside false refusals: the two ways to fail somebody whom the documents answer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.assistants.models import Release
from apps.evaluation.experiments.metrics import Metric, evaluator_needs, read_metrics
from apps.evaluation.experiments.observing import observe
from apps.evaluation.experiments.values import ANSWERED, load_item_values
from apps.evaluation.models import Experiment, ExperimentItem, ItemPassage
from measures.evaluators.base import Need
from measures.evaluators.retrieval import holds_answer


@dataclass(frozen=True, slots=True)
class Mistakes:
    """A release's answers to the questions that the documents answer, repetitions included.

    `asked` counts them all, `wrong` those answered with a score below the middle of the metric's
    scale (None without such a metric), `declined` those not answered, and `at_hand` those declined
    although the passage with the answer had been retrieved. `unknown` were declined, and nobody
    said which passage or words the answer is.
    """

    release: Release
    asked: int
    wrong: int | None
    declined: int
    at_hand: int
    unknown: int

    def share(self, count: int | None) -> str:
        """As `12.5 %`; empty where it cannot be told."""
        return f"{count / self.asked * 100:.1f} %" if self.asked and count is not None else ""

    @property
    def wrong_share(self) -> str:
        return self.share(self.wrong)

    @property
    def declined_share(self) -> str:
        return self.share(self.declined)


def find_correctness(experiment: Experiment) -> Metric | None:
    """The first metric of the plan that compares answers with the expected ones on a scale."""
    return next(
        (
            metric
            for metric in read_metrics(experiment.evaluators)
            if Need.EXPECTED_ANSWER in evaluator_needs(metric) and metric.higher_is_better
            if metric.low is not None and metric.high is not None
        ),
        None,
    )


def count_mistakes(experiment: Experiment, releases: Sequence[Release]) -> list[Mistakes]:
    """A row for each release; empty before anything is answered. At most five queries."""
    items = list(
        ExperimentItem.objects.filter(
            experiment=experiment, state__in=ANSWERED, example__is_answerable=True
        ).values_list("pk", "release_id", "is_declined")
    )
    if not items:
        return []
    asked = Counter(release_id for _, release_id, _ in items)
    wrong = _find_wrong(experiment)
    refused = {pk for pk, _, is_declined in items if is_declined}
    at_hand = _find_passages(refused)
    return [
        Mistakes(
            release=release,
            asked=asked[release.pk],
            wrong=None if wrong is None else sum(
                pk in wrong for pk, owner, no in items if owner == release.pk and not no
            ),
            declined=sum(no for _, owner, no in items if owner == release.pk),
            at_hand=sum(at_hand.get(pk) is True for pk, owner, _ in items if owner == release.pk),
            unknown=sum(
                pk in refused and at_hand.get(pk) is None
                for pk, owner, _ in items if owner == release.pk
            ),
        )
        for release in releases
    ]  # fmt: skip


def _find_wrong(experiment: Experiment) -> set[UUID] | None:
    metric = find_correctness(experiment)
    if metric is None or metric.low is None or metric.high is None:
        return None
    middle = (metric.low + metric.high) / 2
    values = load_item_values(experiment, metric)
    return {pk for pk, value in values.items() if value < middle}


def _find_passages(item_ids: set[UUID]) -> dict[UUID, bool | None]:
    """Whether each item had the passage with the answer; None where nobody said what it is."""
    passages: dict[UUID, list[ItemPassage]] = defaultdict(list)
    rows = ItemPassage.objects.filter(item_id__in=item_ids, turn=0).select_related("document")
    for row in rows.order_by("item_id", "number"):
        passages[row.item_id].append(row)
    items = ExperimentItem.objects.filter(pk__in=item_ids).select_related("example")
    return {item.pk: holds_answer(observe(item, passages[item.pk])) for item in items}
