"""The results of a run: both sides with intervals, their difference, slices and single cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.datasets.models import Example
from apps.datasets.slices import DIMENSIONS, Slice, slices_of
from apps.lab.measuring import METRICS, LabMetric
from apps.lab.models import LabResult, LabRun
from measures.statistics import (
    Difference,
    Interval,
    bootstrap_mean,
    bootstrap_quantile,
    paired_bootstrap,
)

HEADLINE = "ndcg"
LEAST_OF_SLICE = 5
"""The smallest slice that is shown: with fewer cases, an interval means nothing."""
LISTED = 100
RESAMPLES_OF_SLICE = 500


@dataclass(frozen=True, slots=True)
class LabRow:
    """One metric: both sides with 95 % intervals, and the paired difference b - a."""

    label: str
    title: str
    explanation: str
    before: Interval
    after: Interval
    change: Difference

    @property
    def verdict(self) -> str:
        """better | worse | same; "same" if the difference could be chance."""
        if not self.change.is_significant:
            return "same"
        return "better" if self.change.estimate > 0 else "worse"


@dataclass(frozen=True, slots=True)
class LabSliceRow:
    """The headline metric on the cases of one slice."""

    slice: Slice
    dimension: str
    row: LabRow


@dataclass(frozen=True, slots=True)
class LabCase:
    """One example with both sides' headline values and the ranks of its expected passages."""

    example: Example
    before: float
    after: float
    ranks_before: tuple[int, ...]
    ranks_after: tuple[int, ...]

    @property
    def change(self) -> float:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class LabSummary:
    """Everything that the page shows. `wins` are cases with a better headline on side b."""

    num_cases: int
    rows: tuple[LabRow, ...] = ()
    slices: tuple[LabSliceRow, ...] = ()
    cases: tuple[LabCase, ...] = ()
    wins: int = 0
    losses: int = 0
    ties: int = 0
    latency: tuple[tuple[str, Interval | None, Interval | None], ...] = ()
    problems: tuple[str, ...] = ()


def summarise(run: LabRun) -> LabSummary:
    """Summarise a run in two queries; the intervals are the same every time."""
    results: dict[UUID, dict[str, LabResult]] = defaultdict(dict)
    for result in LabResult.objects.filter(run=run):
        results[result.example_id][result.side] = result
    pairs = {pk: (sides["a"], sides["b"]) for pk, sides in results.items() if len(sides) == 2}
    if not pairs:
        return LabSummary(0)
    examples = {e.pk: e for e in Example.objects.filter(pk__in=pairs)}
    cases = [_case(examples[pk], *pair) for pk, pair in pairs.items() if pk in examples]
    cases.sort(key=lambda case: (-abs(case.change), case.change, case.example.position))
    return LabSummary(
        num_cases=len(pairs),
        rows=tuple(row for metric in METRICS if (row := _row(metric, list(pairs.values())))),
        slices=tuple(_slices(examples, pairs)),
        cases=tuple(cases[:LISTED]),
        wins=sum(case.change > 0 for case in cases),
        losses=sum(case.change < 0 for case in cases),
        ties=sum(case.change == 0 for case in cases),
        latency=_latency(list(pairs.values())),
        problems=tuple({r.problem: None for pair in pairs.values() for r in pair if r.problem}),
    )


ResultPair = tuple[LabResult, LabResult]


def _row(
    metric: LabMetric, pairs: Sequence[ResultPair], *, resamples: int = 2_000
) -> LabRow | None:
    both = [(a.metrics[metric.name], b.metrics[metric.name]) for a, b in pairs
            if metric.name in a.metrics and metric.name in b.metrics]  # fmt: skip
    before, after = [a for a, _ in both], [b for _, b in both]
    first = bootstrap_mean(before, resamples=resamples)
    second = bootstrap_mean(after, resamples=resamples)
    change = paired_bootstrap(before, after, resamples=resamples)
    if first is None or second is None or change is None:
        return None
    return LabRow(metric.label, metric.title, metric.explanation, first, second, change)


def _slices(
    examples: Mapping[UUID, Example], pairs: Mapping[UUID, ResultPair]
) -> list[LabSliceRow]:
    members: dict[Slice, list[ResultPair]] = defaultdict(list)
    for pk, example in examples.items():
        for part in slices_of(example):
            members[part].append(pairs[pk])
    headline = next(metric for metric in METRICS if metric.name == HEADLINE)
    rows = []
    for part, among in sorted(members.items()):
        if LEAST_OF_SLICE <= len(among) < len(pairs):
            row = _row(headline, among, resamples=RESAMPLES_OF_SLICE)
            if row is not None:
                rows.append(LabSliceRow(part, DIMENSIONS[part.dimension], row))
    return rows


def _case(example: Example, before: LabResult, after: LabResult) -> LabCase:
    return LabCase(
        example,
        before.metrics.get(HEADLINE, 0.0),
        after.metrics.get(HEADLINE, 0.0),
        _ranks(before),
        _ranks(after),
    )


def _ranks(result: LabResult) -> tuple[int, ...]:
    return tuple(rank for rank, (_, _, hit) in enumerate(result.found, start=1) if hit)


def _latency(
    pairs: Sequence[ResultPair],
) -> tuple[tuple[str, Interval | None, Interval | None], ...]:
    rows = []
    for label, quantile in (("Time, median", 0.5), ("Time, 95 of 100", 0.95)):
        before, after = (
            bootstrap_quantile(
                [pair[side].duration_ms for pair in pairs],
                quantile,
                resamples=RESAMPLES_OF_SLICE,
            )
            for side in (0, 1)
        )
        rows.append((label, before, after))
    return tuple(rows)
