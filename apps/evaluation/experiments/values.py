"""Reads of raw values: one query per metric, whatever the size of the experiment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, TypeAlias
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from apps.evaluation.experiments.metrics import Metric, evaluator_needs
from apps.evaluation.models import (
    Experiment,
    ExperimentItem,
    ExperimentState,
    ItemState,
    Score,
)
from measures.evaluators.base import Need
from measures.evaluators.functional import pass_at_k
from measures.paired import Key, mean_by_example

Values: TypeAlias = list[tuple[UUID, float]]
"""(example, value) for each item that has one; an example has one entry per repetition."""
ANSWERED = (ItemState.ANSWERED, ItemState.DONE, ItemState.WITHDRAWN)


def load_values(experiment: Experiment, metric: Metric) -> dict[UUID, Values]:
    """A metric's values by release."""
    rows: QuerySet[Any, Any]
    if metric.column:
        rows = ExperimentItem.objects.filter(
            experiment=experiment, state__in=ANSWERED, **{f"{metric.column}__isnull": False}
        ).values_list("release_id", "example_id", metric.column)
    else:
        rows = Score.objects.filter(
            experiment=experiment, metric=metric.key, turn=0, value__isnull=False
        ).values_list("item__release_id", "item__example_id", "value")
    by_release: dict[UUID, Values] = defaultdict(list)
    for release_id, example_id, value in rows.iterator(chunk_size=10_000):
        by_release[release_id].append((example_id, float(value or 0.0)))
    return by_release


ALL_SCORES = """
SELECT s.metric, i.release_id, array_agg(i.position), array_agg(s.value)
FROM evaluation_score s JOIN evaluation_experimentitem i ON i.id = s.item_id
WHERE s.experiment_id = %(experiment)s AND s.turn = 0 AND s.value IS NOT NULL
    AND i.release_id = ANY(%(releases)s)
GROUP BY 1, 2
"""
ALL_COLUMNS = """
SELECT release_id, array_agg(position), array_agg(duration_ms), array_agg(first_token_ms),
    array_agg(cost::float8)
FROM evaluation_experimentitem
WHERE experiment_id = %(experiment)s AND state = ANY(%(states)s) AND release_id = ANY(%(releases)s)
GROUP BY 1
"""
COLUMNS = ("duration_ms", "first_token_ms", "cost")


def load_all_means(
    experiment: Experiment, metrics: Sequence[Metric], releases: Sequence[UUID]
) -> dict[tuple[str, UUID], dict[int, float]]:
    """Every metric's values by (key, release), keyed by the example's position.

    Two queries whose rows are arrays, because a comparison of all metrics reads every score.
    """
    parameters: dict[str, Any] = {
        "experiment": experiment.pk, "releases": list(releases), "states": list(ANSWERED),
    }  # fmt: skip
    pairs_by_key: dict[tuple[str, UUID], list[tuple[int, float]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(ALL_SCORES, parameters)
        for key, release_id, positions, values in cursor.fetchall():
            pairs_by_key[key, release_id] = list(zip(positions, values, strict=True))
        cursor.execute(ALL_COLUMNS, parameters)
        for release_id, positions, *columns in cursor.fetchall():
            for name, values in zip(COLUMNS, columns, strict=True):
                pairs = zip(positions, values, strict=True)
                pairs_by_key[name, release_id] = [pair for pair in pairs if pair[1] is not None]
    return {
        (metric.key, release_id): join_repeats(
            metric, pairs_by_key[metric.column or metric.key, release_id]
        )
        for metric in metrics
        for release_id in releases
        if (metric.column or metric.key, release_id) in pairs_by_key
    }


def join_repeats(metric: Metric, values: Sequence[tuple[Key, float]]) -> dict[Key, float]:
    """One value per example: the mean of its repetitions, or pass@k for metrics that ask for it.

    With n repetitions of which c pass, pass@k is the unbiased estimate of Chen et al. (2021).
    With fewer than k it is the mean: the evaluator then took its samples from the example.
    """
    tries = metric.settings.get("k", 1) if Need.TESTS in evaluator_needs(metric) else 1
    if tries == 1:
        return mean_by_example(values)
    groups: dict[Key, list[float]] = defaultdict(list)
    for key, value in values:
        groups[key].append(value)
    return {key: _pass_at(repeats, tries) for key, repeats in groups.items()}


def _pass_at(repeats: Sequence[float], tries: int) -> float:
    if len(repeats) < tries:
        return sum(repeats) / len(repeats)
    value = pass_at_k(len(repeats), sum(one == 1 for one in repeats), tries)
    assert value is not None
    return value


def load_item_values(experiment: Experiment, metric: Metric) -> dict[UUID, float]:
    """A metric's values by item."""
    rows: QuerySet[Any, Any]
    if metric.column:
        rows = ExperimentItem.objects.filter(
            experiment=experiment, state__in=ANSWERED, **{f"{metric.column}__isnull": False}
        ).values_list("id", metric.column)
    else:
        rows = Score.objects.filter(
            experiment=experiment, metric=metric.key, turn=0, value__isnull=False
        ).values_list("item_id", "value")
    return {item_id: float(value or 0.0) for item_id, value in rows.iterator(chunk_size=10_000)}


def find_baseline_run(experiment: Experiment) -> Experiment | None:
    """Where the baseline ran on the same examples: this experiment, or the newest other one."""
    if experiment.baseline_id is None:
        return None
    if experiment.releases.filter(pk=experiment.baseline_id).exists():
        return experiment
    return (
        Experiment.objects.filter(
            workspace_id=experiment.workspace_id,
            dataset_version_id=experiment.dataset_version_id,
            releases=experiment.baseline_id,
            state=ExperimentState.DONE,
        )
        .exclude(pk=experiment.pk)
        .order_by("-created_at")
        .first()
    )


def list_release_ids(experiment: Experiment) -> Sequence[UUID]:
    """The experiment's releases, ordered by number."""
    return list(experiment.releases.order_by("number").values_list("pk", flat=True))
