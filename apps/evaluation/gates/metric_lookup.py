"""Which metrics a gate or a criterion can be about, and which one a key names."""

from __future__ import annotations

from dataclasses import replace

from apps.assistants.models import Assistant
from apps.evaluation.experiments.metrics import (
    OPERATIONAL,
    Metric,
    find_metric,
    freeze_evaluators,
    parse_key,
    read_metrics,
)
from apps.evaluation.models import Experiment
from measures.evaluators.base import SettingError
from measures.evaluators.registry import all_evaluators

RECENT = 20
"""Experiments whose metrics are offered; the newest."""


def list_gate_metrics(assistant: Assistant) -> list[Metric]:
    """What rules can be about: what the assistant's experiments measure, and time and cost."""
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
    """What was measured before, then every other evaluator as it comes."""
    measured = list_gate_metrics(assistant)
    taken = {metric.key for metric in measured}
    others = freeze_evaluators({"evaluator": n} for n in all_evaluators() if n not in taken)
    return measured + [m for m in read_metrics(others) if m.key not in taken]


def resolve_metric(assistant: Assistant, key: str) -> Metric:
    """The metric that a key names: as an experiment froze it last, or else as it would be now.

    Raises SettingError, which names the evaluator or the setting that does not exist.
    """
    if measured := _find_measured(assistant, key):
        return measured
    metric = parse_key(key)
    # Settings may be named in another order, or be the evaluator's own; the key is then another.
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
    """The metric of a rule that is there already; one that no longer resolves goes by its key.

    Its experiments may be gone with the settings that a long key stands for, and so may its
    evaluator. It must not be taken for the same evaluator with other settings.
    """
    try:
        return resolve_metric(assistant, key)
    except SettingError:
        pass
    try:
        metric = parse_key(key.partition("@")[0])
    except SettingError:
        metric = Metric(key, key, "custom")
    return replace(metric, key=key, label=key)
