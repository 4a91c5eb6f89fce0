"""Which metrics a gate or a criterion can be about, and which one a key names."""

from __future__ import annotations

from dataclasses import replace

from apps.assistants.models import Assistant
from apps.core.options import OptionError
from apps.evaluation.experiments.metrics import (
    OPERATIONAL,
    Metric,
    find_metric,
    freeze_evaluators,
    parse_key,
    read_metrics,
)
from apps.evaluation.models import Experiment
from measures.evaluators.registry import all_evaluators

RECENT = 20
"""The number of newest experiments whose metrics are offered."""


def list_gate_metrics(assistant: Assistant) -> list[Metric]:
    """Metrics for rules: those of the assistant's recent experiments, and time and cost."""
    plans = (
        Experiment.objects.filter(assistant=assistant)
        .order_by("-created_at")
        .values_list("evaluators", flat=True)[:RECENT]
    )
    metrics: dict[str, Metric] = {}
    for evaluators in plans:
        for metric in read_metrics(evaluators):
            metrics.setdefault(metric.key, metric)
    for metric in OPERATIONAL:
        metrics.setdefault(metric.key, metric)
    return list(metrics.values())


def list_choices(assistant: Assistant) -> list[Metric]:
    """Metrics measured before, then every other evaluator with its default settings."""
    measured = list_gate_metrics(assistant)
    taken = {metric.key for metric in measured}
    others = freeze_evaluators({"evaluator": n} for n in all_evaluators() if n not in taken)
    return measured + [m for m in read_metrics(others) if m.key not in taken]


def resolve_metric(assistant: Assistant, key: str) -> Metric:
    """The metric that a key names: as last frozen by an experiment, or as it would be frozen now.

    Raises OptionError, which names the evaluator or the setting that does not exist.
    """
    if measured := _find_measured(assistant, key):
        return measured
    metric = parse_key(key)
    # Settings in another order, or equal to the defaults, normalise to a different key.
    return _find_measured(assistant, metric.key) or metric


def _find_measured(assistant: Assistant, key: str) -> Metric | None:
    if operational := find_metric([], key):
        return operational
    newest = (
        Experiment.objects.filter(assistant=assistant, evaluators__contains=[{"key": key}])
        .order_by("-created_at")
        .first()
    )
    return find_metric(newest.evaluators, key) if newest else None


def describe_metric(assistant: Assistant, key: str) -> Metric:
    """The metric of an existing rule; if it no longer resolves, the key serves as its label.

    The experiments that knew a shortened key's settings may have been deleted, or the evaluator
    removed. Such a rule must not be shown as the same evaluator with other settings.
    """
    try:
        return resolve_metric(assistant, key)
    except OptionError:
        pass
    try:
        metric = parse_key(key.partition("@")[0])
    except OptionError:
        metric = Metric(key, key, "custom")
    return replace(metric, key=key, label=key)
