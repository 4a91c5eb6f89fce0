"""Reads of the comparison page: two releases metric by metric, by slice and example by example."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet

from apps.assistants.models import Release
from apps.chat.models import RetrievedPassage
from apps.chat.selectors import SourceView, name_passages, view_source
from apps.core.markdown import CitationLink, render_answer
from apps.datasets.models import Example
from apps.datasets.slices import DIMENSIONS, Slice, slices_of
from apps.evaluation.experiments.metrics import Metric, read_metrics
from apps.evaluation.experiments.own_answers import (
    OwnAnswers,
    find_own_answers,
    reads_expected,
)
from apps.evaluation.experiments.summaries import compare_values
from apps.evaluation.experiments.values import Values, load_all_means
from apps.evaluation.models import Experiment, ExperimentItem, ItemPassage, Score
from apps.workspaces.links import link_policy
from apps.workspaces.models import Workspace
from measures.paired import (
    Comparison,
    Key,
    rank_worst_first,
    share_unstable,
)

Means = Mapping[UUID, float]
SMALLEST_SLICE = 3
"""Slices with fewer examples are left out, because their numbers mean little."""


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One metric compared across two releases.

    `own` counts the examples whose expected answer one of the two wrote; `without` is the
    comparison on all others, None if there are none of them.
    """

    metric: Metric
    first: str
    second: str
    change: str
    bounds: str
    comparison: Comparison
    own: int = 0
    without: ComparedRow | None = None

    @property
    def sureness(self) -> str:
        """The probability that the second release is better, in percent."""
        difference = self.comparison.difference
        if difference is None:
            return ""
        better = difference.p_better if self.metric.higher_is_better else 1 - difference.p_better
        return f"{better * 100:.0f} %"


def compare_metrics(experiment: Experiment, first: Release, second: Release) -> list[ComparedRow]:
    """Compare every metric that both releases have, in three queries."""
    metrics = read_metrics(experiment.evaluators)
    means = load_all_means(experiment, metrics, [first.pk, second.pk])
    own = find_own_answers(experiment, [first, second])
    rows = []
    for metric in metrics:
        before, after = means.get((metric.key, first.pk)), means.get((metric.key, second.pk))
        if before and after:
            rows.append(compare_metric(metric, before, after, own=own))
    return rows


def compare_metric(
    metric: Metric,
    before: Mapping[Key, float],
    after: Mapping[Key, float],
    *,
    own: OwnAnswers | None = None,
) -> ComparedRow:
    """The two means, and the paired difference over the examples that both have.

    With `own`, also the comparison without these examples, if the metric reads what is expected.
    """
    comparison = compare_values(dict(before), dict(after), metric)
    difference = comparison.difference
    count, without = 0, None
    if own and reads_expected(metric):
        count = own.count_in(key for key in before if key in after)
        if count:
            without = compare_metric(metric, own.without(before), own.without(after))
    return ComparedRow(
        metric=metric,
        first=metric.show(_mean(before)),
        second=metric.show(_mean(after)),
        change=metric.show_change(difference.estimate) if difference else "",
        bounds=metric.show_changes(difference.low, difference.high) if difference else "",
        comparison=comparison,
        own=count,
        without=without,
    )


def _mean(values: Mapping[Key, float]) -> float | None:
    return sum(values.values()) / len(values) if values else None


def order_releases(
    experiment: Experiment, first: Release, second: Release
) -> tuple[Release, Release]:
    """(promoted, candidate): every comparison is read as candidate minus promoted.

    Of two that were not promoted when the experiment was made, the second is the candidate.
    """
    if second.pk == experiment.baseline_id != first.pk:
        return second, first
    return first, second


@dataclass(frozen=True, slots=True)
class SliceRow:
    """A slice of the examples, and how the second release does on it."""

    slice: Slice
    count: int
    row: ComparedRow


def load_examples(experiment: Experiment) -> dict[UUID, Example]:
    """The experiment's examples, without their long texts; one query."""
    example_ids = ExperimentItem.objects.filter(experiment=experiment).values("example_id")
    rows = Example.objects.filter(pk__in=example_ids).only(
        "question", "tags", "language", "source_kind", "is_answerable"
    )
    return {example.pk: example for example in rows}


def compare_slices(
    metric: Metric, before: Means, after: Means, examples: Mapping[UUID, Example]
) -> list[tuple[str, list[SliceRow]]]:
    """The comparison on every sufficiently large slice, grouped by dimension."""
    members: dict[Slice, list[UUID]] = defaultdict(list)
    for key in before:
        if key in after and key in examples:
            for one in slices_of(examples[key]):
                members[one].append(key)
    by_dimension: dict[str, list[SliceRow]] = defaultdict(list)
    for part, keys in sorted(members.items(), key=lambda pair: (pair[0].dimension, -len(pair[1]))):
        if len(keys) >= SMALLEST_SLICE:
            row = compare_metric(
                metric, {key: before[key] for key in keys}, {key: after[key] for key in keys}
            )
            by_dimension[part.dimension].append(SliceRow(part, len(keys), row))
    return [
        (label, by_dimension[dimension])
        for dimension, label in DIMENSIONS.items()
        if len(by_dimension[dimension]) > 1 or (dimension == "tag" and by_dimension[dimension])
    ]


@dataclass(frozen=True, slots=True)
class ShownScore:
    """An evaluator's score of an answer, formatted for display."""

    metric: Metric
    shown: str
    label: str
    reason: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def checks(self) -> list[dict[str, Any]]:
        """A checklist's questions with their answers and reasons."""
        rows: list[dict[str, Any]] = self.details.get("answers", [])
        return rows if self.metric.evaluator == "judge_checklist" else []


@dataclass(frozen=True, slots=True)
class AnswerSide:
    """One release's answer to an example: the first repetition, with the mean of all."""

    release: Release
    item: ExperimentItem | None
    html: str
    shown: str
    scores: list[ShownScore]
    sources: list[SourceView]


@dataclass(frozen=True, slots=True)
class Duel:
    """An example with both answers. `gain` is the second's, so that more is better."""

    example: Example
    gain: float
    outcome: str
    sides: tuple[AnswerSide, AnswerSide]


OUTCOMES = {"worse": "Worse", "better": "Better", "same": "No difference"}


def rank_examples(
    metric: Metric,
    before: Means,
    after: Means,
    *,
    outcome: str,
    only: set[UUID] | None,
) -> list[tuple[UUID, float]]:
    """(example, gain), greatest loss first, or greatest win first if only wins are requested."""
    ranked = rank_worst_first(before, after, higher_is_better=metric.higher_is_better)
    ranked = [pair for pair in ranked if only is None or pair[0] in only]
    if outcome == "better":
        return [pair for pair in reversed(ranked) if pair[1] > 0]
    if outcome == "worse":
        return [pair for pair in ranked if pair[1] < 0]
    if outcome == "same":
        return [pair for pair in ranked if pair[1] == 0]
    return ranked


def members_of(part: str, examples: Mapping[UUID, Example]) -> set[UUID] | None:
    """The examples in a slice given as `dimension:value`; None if no slice is given."""
    dimension, _, value = part.partition(":")
    if dimension not in DIMENSIONS:
        return None
    part_slice = Slice(dimension, value)
    return {key for key, example in examples.items() if part_slice in slices_of(example)}


def view_duels(
    experiment: Experiment,
    releases: tuple[Release, Release],
    ranked: Sequence[tuple[UUID, float]],
    *,
    metric: Metric,
    means: tuple[Means, Means],
    workspace: Workspace,
) -> list[Duel]:
    """A page of examples with both answers, passages and reasons, in five queries."""
    ids = [key for key, _ in ranked]
    examples = {example.pk: example for example in Example.objects.filter(pk__in=ids)}
    items = {
        (item.example_id, item.release_id): item
        for item in ExperimentItem.objects.filter(
            experiment=experiment, example__in=ids, release__in=releases, repetition=1
        )
    }
    scores = load_scores(experiment, list(items.values()))
    passages = load_passages(list(items.values()))
    duels = []
    for key, gain in ranked:
        first, second = (
            view_side(
                release,
                items.get((key, release.pk)),
                shown=metric.show(own.get(key)),
                scores=scores,
                passages=passages,
                workspace=workspace,
            )
            for release, own in zip(releases, means, strict=True)
        )
        outcome = "same" if gain == 0 else "better" if gain > 0 else "worse"
        duels.append(Duel(examples[key], gain, outcome, (first, second)))
    return duels


def view_side(
    release: Release,
    item: ExperimentItem | None,
    *,
    shown: str,
    scores: Mapping[UUID, list[ShownScore]],
    passages: Mapping[UUID, list[ItemPassage]],
    workspace: Workspace,
) -> AnswerSide:
    """One answer with its citations as links."""
    if item is None:
        return AnswerSide(release, None, "", shown, [], [])
    # The two snapshots have the same columns.
    stored = cast(list[RetrievedPassage], passages.get(item.pk, []))
    places = name_passages(stored)
    sources = [
        view_source(passage, workspace, place=places[passage.version_id, passage.page])
        for passage in stored
    ]
    links = {
        s.number: CitationLink(s.number, s.url, s.label, s.source_url)
        for s in sources
        if s.passage.is_cited
    }
    html = render_answer(item.answer, citations=links, links=link_policy(workspace))
    return AnswerSide(release, item, html, shown, scores.get(item.pk, []), sources)


def load_scores(
    experiment: Experiment, items: Sequence[ExperimentItem]
) -> dict[UUID, list[ShownScore]]:
    """The evaluators' scores of these items, in the order of the plan."""
    metrics = {metric.key: metric for metric in read_metrics(experiment.evaluators)}
    order = {key: place for place, key in enumerate(metrics)}
    scores: dict[UUID, list[ShownScore]] = defaultdict(list)
    rows = Score.objects.filter(item__in=items, turn=0)
    for row in sorted(rows, key=lambda row: order.get(row.metric, len(order))):
        if metric := metrics.get(row.metric):
            shown = ShownScore(metric, metric.show(row.value), row.label, row.reason, row.details)
            scores[row.item_id].append(shown)
    return scores


def load_passages(items: Sequence[ExperimentItem]) -> dict[UUID, list[ItemPassage]]:
    """The passages retrieved for these items, in order."""
    passages: dict[UUID, list[ItemPassage]] = defaultdict(list)
    rows: QuerySet[ItemPassage] = ItemPassage.objects.filter(item__in=items, turn=0)
    for row in rows.select_related("document", "version").order_by("item_id", "number"):
        passages[row.item_id].append(row)
    return passages


@dataclass(frozen=True, slots=True)
class Stability:
    """How much a release's answers change when a question is repeated."""

    release: Release
    unstable: int
    repeated: int


def view_stability(
    experiment: Experiment, releases: Sequence[Release], values: Mapping[UUID, Values]
) -> list[Stability]:
    """For each release, the number of questions whose repetitions score differently."""
    if experiment.repeats < 2:
        return []
    return [Stability(release, *share_unstable(values.get(release.pk, []))) for release in releases]
