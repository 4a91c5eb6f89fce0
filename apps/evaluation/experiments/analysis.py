"""How an experiment's numbers relate: metrics to each other, and quality to cost and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.assistants.models import Release
from apps.core.charts import PointInput
from apps.evaluation.experiments.metrics import COST, LATENCY, Metric, find_metric, read_metrics
from apps.evaluation.experiments.values import load_item_values
from apps.evaluation.models import Experiment, Summary
from measures.paired import correlate
from measures.statistics import pareto_front

STEPS = (0.2, 0.5, 0.8)
"""Thresholds from which a correlation counts as weak, moderate or strong; each has its shade."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """A cell of the table; `heat` 0 to 3 is its shade."""

    shown: str
    heat: int


@dataclass(frozen=True, slots=True)
class CorrelationRow:
    metric: Metric
    cells: list[Correlation]


def measure_correlations(
    experiment: Experiment,
) -> tuple[list[Metric], list[list[float | None]]]:
    """Spearman's correlation of all metrics over the items, one query a metric.

    A row and a column for each metric that has numbers; None where one of the two is constant.
    """
    metrics = [m for m in read_metrics(experiment.evaluators) if m.key != COST]
    columns = [load_item_values(experiment, metric) for metric in metrics]
    kept = [n for n, column in enumerate(columns) if column]
    return [metrics[n] for n in kept], correlate([columns[n] for n in kept])


def correlate_metrics(experiment: Experiment) -> list[CorrelationRow]:
    """The correlation table, formatted and shaded for the analysis page."""
    metrics, table = measure_correlations(experiment)
    return [
        CorrelationRow(metric, [_cell(value) for value in row])
        for metric, row in zip(metrics, table, strict=True)
    ]


def _cell(value: float | None) -> Correlation:
    if value is None:
        return Correlation("\u2013", 0)
    return Correlation(f"{value:+.2f}", sum(abs(value) >= step for step in STEPS))


@dataclass(frozen=True, slots=True)
class TradeoffRow:
    """A release's cost and quality. `is_best`: no other release is better on both."""

    release: Release
    model: str
    quality: str
    bounds: str
    cost: str
    latency: str
    is_best: bool


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """Quality against cost, or against time if every release is free."""

    points: list[PointInput]
    rows: list[TradeoffRow]
    x_title: str
    y_title: str
    words: str


def plot_tradeoff(
    experiment: Experiment, releases: Sequence[Release], quality: Metric
) -> Tradeoff | None:
    """The Pareto front of the experiment's releases; None while there are no numbers yet."""
    cost, latency = (_always(experiment, key) for key in (COST, LATENCY))
    sums = {
        (row.release_id, row.metric): row
        for row in Summary.objects.filter(
            experiment=experiment, metric__in=[quality.key, COST, LATENCY]
        )
    }
    whole = [r for r in releases if (r.pk, quality.key) in sums and (r.pk, LATENCY) in sums]
    if not whole:
        return None
    is_free = not any(_mean(sums.get((r.pk, COST))) for r in whole)
    axis = LATENCY if is_free else COST
    pairs = [
        (_mean(sums.get((r.pk, axis))), _signed(quality, _mean(sums[r.pk, quality.key])))
        for r in whole
    ]
    front = set(pareto_front(pairs))
    scale = 100 if quality.is_share else 1
    points, rows = [], []
    for place, release in enumerate(whole):
        row = sums[release.pk, quality.key]
        points.append(
            PointInput(
                label=f"Release {release.number}",
                x=pairs[place][0] * (1 if is_free else 1000),
                y=_mean(row) * scale,
                low=(row.low or 0) * scale,
                high=(row.high or 0) * scale,
                is_marked=place in front,
            )
        )
        rows.append(
            TradeoffRow(
                release=release,
                model=release.endpoint_snapshot.get("model") or "built-in reader",
                quality=quality.show(row.mean),
                bounds=f"{quality.show(row.low)} to {quality.show(row.high)}",
                cost=cost.show(_mean(sums.get((release.pk, COST)))),
                latency=latency.show(_mean(sums.get((release.pk, LATENCY)))),
                is_best=place in front,
            )
        )
    best = [f"{row.release.number} ({row.model})" for row in rows if row.is_best]
    return Tradeoff(
        points,
        rows,
        x_title="ms for an answer" if is_free else "US dollars for 1,000 answers",
        y_title=f"{quality.label}{', %' if quality.is_share else ''}",
        words=_tell(best, len(rows), is_free=is_free),
    )


def _tell(best: Sequence[str], count: int, *, is_free: bool) -> str:
    what = "faster" if is_free else "cheaper"
    if len(best) == count:
        return f"Every release buys something: none is both better and {what} than another."
    names = ", ".join(best)
    if len(best) == 1:
        return f"Release {names} is the choice: no other is better or {what}."
    return f"Choose among releases {names}: every other is beaten by one of them in both."


def _always(experiment: Experiment, key: str) -> Metric:
    metric = find_metric(experiment.evaluators, key)
    assert metric is not None
    return metric


def _mean(row: Summary | None) -> float:
    return row.mean or 0.0 if row else 0.0


def _signed(metric: Metric, value: float) -> float:
    return value if metric.higher_is_better else -value
