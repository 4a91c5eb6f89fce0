"""Aggregates scores into the few numbers that pages show."""

from __future__ import annotations

from uuid import UUID

import numpy as np
from django.db import transaction

from apps.evaluation.experiments.metrics import Metric, has_version, read_metrics
from apps.evaluation.experiments.values import (
    Values,
    find_baseline_run,
    join_repeats,
    list_release_ids,
    load_values,
)
from apps.evaluation.models import Experiment, Summary
from measures.paired import Comparison, Key, compare, mean_spread
from measures.statistics import bootstrap_mean

DRAWS = 4_000_000
"""The budget of random draws for one interval: with many examples, fewer resamples suffice."""


def count_resamples(examples: int) -> int:
    """The number of resamples for this many examples."""
    return max(200, min(2_000, DRAWS // max(examples, 1)))


def refresh_summaries(experiment: Experiment) -> list[Summary]:
    """Recompute and store the experiment's summaries. Blocking; may be called at any time."""
    baseline_run = find_baseline_run(experiment)
    release_ids = list_release_ids(experiment)
    rows: list[Summary] = []
    for metric in read_metrics(experiment.evaluators):
        values = load_values(experiment, metric)
        baseline = _load_baseline(experiment, baseline_run, metric, values)
        for release_id in release_ids:
            if own := values.get(release_id):
                is_baseline = release_id == experiment.baseline_id
                against = None if is_baseline else baseline
                rows.append(_summarise(experiment, release_id, metric, own, against))
    with transaction.atomic():
        Experiment.objects.select_for_update().get(pk=experiment.pk)
        Summary.objects.filter(experiment=experiment).delete()
        return Summary.objects.bulk_create(rows)


def _load_baseline(
    experiment: Experiment,
    run: Experiment | None,
    metric: Metric,
    values: dict[UUID, Values],
) -> dict[UUID, float] | None:
    if run is None or experiment.baseline_id is None or not has_version(run.evaluators, metric):
        return None
    baseline = values if run.pk == experiment.pk else load_values(run, metric)
    return join_repeats(metric, baseline.get(experiment.baseline_id, []))


def _summarise(
    experiment: Experiment,
    release_id: UUID,
    metric: Metric,
    values: Values,
    baseline: dict[UUID, float] | None,
) -> Summary:
    means = join_repeats(metric, values)
    interval = bootstrap_mean(list(means.values()), resamples=count_resamples(len(means)))
    assert interval is not None
    p50, p95 = np.quantile([value for _, value in values], [0.5, 0.95])
    summary = Summary(
        workspace_id=experiment.workspace_id,
        experiment=experiment,
        release_id=release_id,
        metric=metric.key,
        count=len(values),
        mean=interval.estimate,
        low=interval.low,
        high=interval.high,
        p50=float(p50),
        p95=float(p95),
        spread=mean_spread(values),
    )
    if baseline:
        _note_change(summary, compare_values(baseline, means, metric))
    return summary


def compare_values(
    first: dict[Key, float], second: dict[Key, float], metric: Metric, *, confidence: float = 0.95
) -> Comparison:
    """Compare in the metric's own direction."""
    return compare(
        first,
        second,
        higher_is_better=metric.higher_is_better,
        confidence=confidence,
        resamples=count_resamples(min(len(first), len(second))),
    )


def _note_change(summary: Summary, comparison: Comparison) -> None:
    if comparison.difference is None:
        return
    summary.better, summary.worse, summary.same = (
        comparison.better,
        comparison.worse,
        comparison.same,
    )
    summary.change = comparison.difference.estimate
    summary.change_low = comparison.difference.low
    summary.change_high = comparison.difference.high
