"""Reads for the dashboard and an experiment's page, without a query per row or per score."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Avg, Count, QuerySet
from django.utils import timezone

from apps.assistants.models import Assistant, Release
from apps.evaluation.experiments.metrics import Metric, read_metrics
from apps.evaluation.experiments.own_answers import find_self_measured, reads_expected
from apps.evaluation.models import (
    Experiment,
    ExperimentItem,
    ExperimentState,
    ItemState,
    Score,
    Summary,
)
from measures.paired import describe_counts

HISTORY = 2_000
"""Summaries read for sparklines and the chart over time; the newest ones."""
OWN_PLANS = 50
"""Experiments searched for the team's own evaluators; the newest ones."""
PACE_ITEMS = 40
"""The number of recent items from which the remaining time is estimated."""


@dataclass(frozen=True, slots=True)
class Line:
    """One release's result in the experiment's headline metric."""

    release: Release
    is_baseline: bool
    shown: str
    bounds: str
    words: str
    verdict: str


@dataclass(frozen=True, slots=True)
class ExperimentRow:
    """An experiment in the table. `trend` is oldest first and ends with this experiment.

    `is_self_measured`: the metric compares a release with answers that it wrote itself.
    """

    experiment: Experiment
    metric: Metric | None
    lines: list[Line]
    trend: list[float]
    trend_label: str
    percent: int
    is_self_measured: bool = False


def list_experiments(
    workspace_id: UUID, *, assistant: Assistant | None = None
) -> QuerySet[Experiment]:
    """The workspace's experiments, newest first; those of one assistant if one is given."""
    rows = Experiment.objects.filter(workspace_id=workspace_id)
    if assistant is not None:
        rows = rows.filter(assistant=assistant)
    return rows.select_related(
        "assistant", "dataset_version__dataset", "baseline", "created_by"
    ).order_by("-created_at", "-pk")


def view_rows(experiments: Sequence[Experiment]) -> list[ExperimentRow]:
    """A page of the table, in a fixed number of queries."""
    sums = _sums_of(experiments)
    trends = _trends_of(experiments)
    own = find_self_measured(experiments)
    return [
        _view_row(experiment, sums[experiment.pk], trends, has_own=experiment.pk in own)
        for experiment in experiments
    ]


def _sums_of(experiments: Iterable[Experiment]) -> dict[UUID, list[Summary]]:
    sums: dict[UUID, list[Summary]] = defaultdict(list)
    rows = Summary.objects.filter(experiment__in=list(experiments)).select_related("release")
    for row in rows.order_by("release__number"):
        sums[row.experiment_id].append(row)
    return sums


TrendKey = tuple[UUID, UUID, str]


def _trends_of(
    experiments: Sequence[Experiment],
) -> dict[TrendKey, list[tuple[dt.datetime, float]]]:
    """Best mean of each experiment over time, by assistant, dataset and metric."""
    rows = (
        Summary.objects.filter(
            experiment__assistant__in={e.assistant_id for e in experiments},
            metric__in={e.evaluators[0]["key"] for e in experiments if e.evaluators},
            mean__isnull=False,
        )
        .order_by("-experiment__created_at")
        .values_list(
            "experiment__assistant_id",
            "experiment__dataset_version__dataset_id",
            "metric",
            "experiment__created_at",
            "mean",
        )[:HISTORY]
    )
    lower = {e.evaluators[0]["key"] for e in experiments if _is_lower_better(e)}
    best: dict[TrendKey, dict[dt.datetime, float]] = defaultdict(dict)
    for assistant_id, dataset_id, metric, moment, mean in rows:
        known = best[assistant_id, dataset_id, metric]
        if mean is not None:
            better = min if metric in lower else max
            known[moment] = better(mean, known.get(moment, mean))
    return {key: sorted(moments.items()) for key, moments in best.items()}


def _is_lower_better(experiment: Experiment) -> bool:
    """Whether less is better in the headline metric."""
    metrics = experiment.evaluators
    return bool(metrics) and not metrics[0].get("higher_is_better", True)


def _view_row(
    experiment: Experiment,
    sums: Sequence[Summary],
    trends: dict[TrendKey, list[tuple[dt.datetime, float]]],
    *,
    has_own: bool,
) -> ExperimentRow:
    metrics = read_metrics(experiment.evaluators)
    metric = metrics[0] if experiment.evaluators else None
    key = (
        experiment.assistant_id,
        experiment.dataset_version.dataset_id,
        metric.key if metric else "",
    )
    trend = [mean for moment, mean in trends.get(key, []) if moment <= experiment.created_at]
    label = ""
    if metric and trend:
        label = f"{metric.label} over time: {metric.show(trend[0])} to {metric.show(trend[-1])}"
    return ExperimentRow(
        experiment=experiment,
        metric=metric,
        lines=[
            view_line(experiment, metric, row)
            for row in sums
            if metric is not None and row.metric == metric.key
        ],
        trend=trend[-12:],
        trend_label=label,
        percent=_percent(experiment),
        is_self_measured=has_own and metric is not None and reads_expected(metric),
    )


def view_line(experiment: Experiment, metric: Metric, row: Summary) -> Line:
    """A release's number in words."""
    return Line(
        release=row.release,
        is_baseline=row.release_id == experiment.baseline_id,
        shown=metric.show(row.mean),
        bounds=show_bounds(metric, row.low, row.high),
        words=describe_counts(row.better, row.worse, row.same),
        verdict=read_verdict(metric, row.change_low, row.change_high),
    )


def show_bounds(metric: Metric, low: float | None, high: float | None) -> str:
    """`67.1 to 75.3 %`; empty if there is no interval or both ends look the same."""
    if low is None or high is None or metric.show(low) == metric.show(high):
        return ""
    if metric.is_share:
        return f"{low * 100:.1f} to {high * 100:.1f} %"
    return f"{metric.show(low)} to {metric.show(high)}"


def read_verdict(metric: Metric, low: float | None, high: float | None) -> str:
    """better | worse | same | "": the conclusion that the interval of a difference supports."""
    if low is None or high is None:
        return ""
    if low <= 0 <= high:
        return "same"
    return "better" if (low > 0) == metric.higher_is_better else "worse"


def _percent(experiment: Experiment) -> int:
    if not experiment.total:
        return 0
    return int(100 * (experiment.done + experiment.failed) / experiment.total)


@dataclass(frozen=True, slots=True)
class Point:
    """An experiment in the chart over time."""

    label: str
    value: float | None


def list_history(assistant: Assistant, metric: Metric, *, dataset_id: UUID) -> list[Point]:
    """The best release's mean in each of the assistant's experiments on a dataset, oldest first."""
    rows = (
        Summary.objects.filter(
            experiment__assistant=assistant,
            experiment__dataset_version__dataset_id=dataset_id,
            metric=metric.key,
            mean__isnull=False,
            **only_version(metric),
        )
        .order_by("-experiment__created_at")
        .values_list("experiment__created_at", "mean")[:HISTORY]
    )
    best: dict[dt.datetime, float] = {}
    for moment, mean in rows:
        better = max if metric.higher_is_better else min
        if mean is not None:
            best[moment] = better(mean, best.get(moment, mean))
    scale = 100 if metric.is_share else 1
    return [
        Point(f"{moment:%d %b %H:%M}", round(value * scale, 2))
        for moment, value in sorted(best.items())[-30:]
    ]


def only_version(metric: Metric) -> dict[str, Any]:
    """Conditions for summaries by the evaluator as this metric has it; none for time and cost."""
    if not metric.evaluator:
        return {}
    plan = [{"key": metric.key, "version": metric.version}]
    return {"experiment__evaluators__contains": plan}


@dataclass(frozen=True, slots=True)
class Cell:
    """A release's result in one metric."""

    release: Release
    summary: Summary | None
    shown: str
    bounds: str
    change: str
    words: str
    verdict: str


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A metric with a cell for each release, in the order of the releases."""

    metric: Metric
    cells: list[Cell]
    spreads: list[str]


@dataclass(frozen=True, slots=True)
class Component:
    """The metrics of one part of the pipeline."""

    name: str
    rows: list[MetricRow]


def list_releases(experiment: Experiment) -> list[Release]:
    """The experiment's releases, by number."""
    return list(experiment.releases.select_related("prompt_version").order_by("number"))


def view_components(experiment: Experiment, releases: Sequence[Release]) -> list[Component]:
    """The experiment's results, grouped by part of the pipeline, in one query."""
    sums = {
        (row.metric, row.release_id): row for row in Summary.objects.filter(experiment=experiment)
    }
    components: dict[str, list[MetricRow]] = {}
    for metric in read_metrics(experiment.evaluators):
        cells = [_view_cell(metric, r, sums.get((metric.key, r.pk))) for r in releases]
        if not any(cell.summary for cell in cells) and metric.column:
            continue
        spreads = [
            metric.show(cell.summary.spread)
            if cell.summary and cell.summary.spread is not None
            else ""
            for cell in cells
        ]
        components.setdefault(metric.component, []).append(MetricRow(metric, cells, spreads))
    return [Component(name, rows) for name, rows in components.items()]


def _view_cell(metric: Metric, release: Release, row: Summary | None) -> Cell:
    if row is None:
        return Cell(release, None, metric.show(None), "", "", "", "")
    return Cell(
        release=release,
        summary=row,
        shown=metric.show(row.mean),
        bounds=show_bounds(metric, row.low, row.high),
        change=metric.show_change(row.change) if row.change is not None else "",
        words=describe_counts(row.better, row.worse, row.same),
        verdict=read_verdict(metric, row.change_low, row.change_high),
    )


@dataclass(frozen=True, slots=True)
class ExperimentProgress:
    """How far an experiment is."""

    percent: int
    seconds_left: float | None
    per_minute: float | None
    num_withdrawn: int
    errors: list[tuple[str, int]]


def view_progress(experiment: Experiment) -> ExperimentProgress:
    """Progress, pace and the most frequent errors."""
    pace = _measure_pace(experiment) if experiment.state == ExperimentState.RUNNING else None
    left = experiment.total - experiment.done - experiment.failed
    errors = (
        ExperimentItem.objects.filter(experiment=experiment, state=ItemState.FAILED)
        .values_list("error")
        .annotate(count=Count("pk"))
        .order_by("-count")[:5]
        if experiment.failed
        else []
    )
    return ExperimentProgress(
        percent=_percent(experiment),
        seconds_left=left / pace if pace and left else None,
        per_minute=pace * 60 if pace else None,
        num_withdrawn=0
        if experiment.is_open
        else experiment.items.filter(state=ItemState.WITHDRAWN).count(),
        errors=list(errors),
    )


def _measure_pace(experiment: Experiment) -> float | None:
    """Items per second, from when the latest ones finished; None if there are too few."""
    ends = list(
        ExperimentItem.objects.filter(experiment=experiment, finished_at__isnull=False)
        .order_by("-finished_at")
        .values_list("finished_at", flat=True)[:PACE_ITEMS]
    )
    if len(ends) < 2 or ends[-1] is None:
        return None
    seconds = (timezone.now() - ends[-1]).total_seconds()
    return len(ends) / seconds if seconds > 0 else None


@dataclass(frozen=True, slots=True)
class TurnRow:
    """The mean of a metric at one turn of the conversations, for each release."""

    metric: Metric
    turn: int
    shown: list[str]


def view_turns(experiment: Experiment, releases: Sequence[Release]) -> list[TurnRow]:
    """Results per turn, if whole conversations were asked; one query."""
    if not experiment.with_turns:
        return []
    means: dict[tuple[str, int], dict[UUID, float]] = defaultdict(dict)
    rows = (
        Score.objects.filter(experiment=experiment, turn__gt=0, value__isnull=False)
        .values_list("metric", "turn", "item__release_id")
        .annotate(mean=Avg("value"))
    )
    for key, turn, release_id, mean in rows:
        means[key, turn][release_id] = mean
    metrics = {metric.key: metric for metric in read_metrics(experiment.evaluators)}
    return [
        TurnRow(metrics[key], turn, [metrics[key].show(by_release.get(r.pk)) for r in releases])
        for (key, turn), by_release in sorted(means.items())
        if key in metrics
    ]


def last_own_settings(workspace_id: UUID) -> dict[str, dict[str, Any]]:
    """The settings last used for each of the workspace's own evaluators, by evaluator name."""
    settings: dict[str, dict[str, Any]] = {}
    plans = Experiment.objects.filter(workspace_id=workspace_id).order_by("-created_at")
    for evaluators in plans.values_list("evaluators", flat=True)[:OWN_PLANS]:
        for metric in read_metrics(evaluators):
            if metric.group == "custom":
                settings.setdefault(metric.evaluator, dict(metric.settings))
    return settings


def list_summaries(experiment: Experiment) -> QuerySet[Summary]:
    """All summaries with their releases."""
    return (
        Summary.objects.filter(experiment=experiment)
        .select_related("release", "experiment")
        .order_by("release__number", "pk")
    )


def list_items(experiment: Experiment) -> QuerySet[ExperimentItem]:
    """Items with their questions and scores, in the order of the plan."""
    return (
        experiment.items.select_related("release", "example")
        .prefetch_related("scores")
        .order_by("repetition", "position", "release__number")
    )
