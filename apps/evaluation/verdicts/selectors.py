"""Reads an experiment's verdicts: the headline metric, candidate minus promoted, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.assistants.models import Release
from apps.evaluation.experiments.metrics import Metric, read_metrics
from apps.evaluation.experiments.own_answers import OwnAnswers, find_own_answers
from apps.evaluation.experiments.release_comparison import ComparedRow, compare_metric
from apps.evaluation.experiments.values import find_baseline_run, join_repeats, load_values
from apps.evaluation.models import Experiment

Means = Mapping[UUID, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A release by the headline metric, against the promoted one or the first of the experiment.

    A release that is measured alone has no `row`, and is mentioned only if it wrote what is
    expected.
    """

    candidate: Release
    against: Release | None
    metric: Metric
    row: ComparedRow | None
    own: OwnAnswers
    sentence: str
    caveat: str

    @property
    def outcome(self) -> str:
        """better | worse | same; empty for a release that is measured alone."""
        return self.row.comparison.verdict if self.row else ""


def view_verdicts(experiment: Experiment, releases: Sequence[Release]) -> list[Verdict]:
    """A verdict for each release but the one that the others are compared with."""
    metric = read_metrics(experiment.evaluators)[0]
    values = {
        release_id: join_repeats(metric, own)
        for release_id, own in load_values(experiment, metric).items()
    }
    against, before = _find_base(experiment, releases, metric, values)
    if against is None:
        return []
    others = [release for release in releases if release.pk != against.pk]
    if not others:
        return _judge_alone(experiment, against, metric, values.get(against.pk, {}))
    verdicts = []
    for release in others:
        after = values.get(release.pk, {})
        if before and after:
            own = find_own_answers(experiment, [against, release], metric=metric)
            row = compare_metric(metric, before, after, own=own)
            verdicts.append(_tell(experiment, release, against, metric, row, own))
    return verdicts


def _find_base(
    experiment: Experiment,
    releases: Sequence[Release],
    metric: Metric,
    values: Mapping[UUID, Means],
) -> tuple[Release | None, Means]:
    """The promoted release with its values, which may come from another experiment."""
    run = find_baseline_run(experiment)
    if run is None or experiment.baseline is None:
        first = releases[0] if releases else None
        return first, values.get(first.pk, {}) if first else {}
    base = experiment.baseline
    found = values if run.pk == experiment.pk else load_values_of(run, metric)
    return base, found.get(base.pk, {})


def load_values_of(experiment: Experiment, metric: Metric) -> dict[UUID, dict[UUID, float]]:
    """The metric's means by release and example."""
    loaded = load_values(experiment, metric)
    return {release_id: join_repeats(metric, own) for release_id, own in loaded.items()}


def _tell(
    experiment: Experiment,
    release: Release,
    against: Release,
    metric: Metric,
    row: ComparedRow,
    own: OwnAnswers,
) -> Verdict:
    names = f"release {release.number}", f"release {against.number}"
    if against.pk == experiment.baseline_id:
        names = names[0], f"{names[1]}, which was promoted"
    sentence = f"{tell_outcome(row, *names)}: {tell_difference(row)}."
    return Verdict(release, against, metric, row, own, sentence, _tell_caveat(row, own, *names))


def tell_outcome(row: ComparedRow, name: str, other: str) -> str:
    """`Release 2 is better than release 1`."""
    outcome = row.comparison.verdict
    if outcome == "same":
        return f"No clear difference between {name} and {other}"
    text = f"{name} is {outcome} than {other}"
    return text[0].upper() + text[1:]


def tell_difference(row: ComparedRow) -> str:
    """`Token F1 +3.1 points (+1.0 to +5.2 points), better on 31, worse on 12, ...`."""
    bounds = f" ({row.bounds})" if row.bounds and row.bounds != row.change else ""
    return f"{row.metric.label} {row.change}{bounds}, {row.comparison.words}"


def _tell_caveat(row: ComparedRow, own: OwnAnswers, name: str, other: str) -> str:
    """What own answers do to the comparison, and what holds without them; empty without any."""
    if row.without is None:
        return ""
    words = f"But {own.tell(row.own, row.comparison.count)}, which favours it."
    rest = row.without
    if not rest.comparison.count:
        return f"{words} Without them nothing is left to compare."
    outcome = tell_outcome(rest, name, other)
    return f"{words} Without them: {outcome[0].lower()}{outcome[1:]}, {tell_difference(rest)}."


def _judge_alone(
    experiment: Experiment, release: Release, metric: Metric, values: Means
) -> list[Verdict]:
    own = find_own_answers(experiment, [release], metric=metric)
    count = own.count_in(values)
    if not count:
        return []
    rest = own.without(values)
    shown = metric.show(sum(rest.values()) / len(rest)) if rest else "nothing is left to measure"
    sentence = (
        f"Release {release.number} has {metric.show(sum(values.values()) / len(values))} in "
        f"{metric.label}."
    )
    caveat = f"But {own.tell(count, len(values))}, which favours it. Without them: {shown}."
    return [Verdict(release, None, metric, None, own, sentence, caveat)]
