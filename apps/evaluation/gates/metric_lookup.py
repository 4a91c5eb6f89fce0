"""Which metrics a gate or a criterion can be about."""

from __future__ import annotations

from apps.assistants.models import Assistant
from apps.evaluation.experiments.metrics import (
    OPERATIONAL,
    Metric,
    freeze_evaluators,
    read_metrics,
)
from apps.evaluation.models import Experiment
from measures.evaluators.registry import all_evaluators


def list_gate_metrics(assistant: Assistant) -> list[Metric]:
    """What rules can be about: what the assistant's experiments measure, and time and cost."""
    plans = (
        Experiment.objects.filter(assistant=assistant)
        .order_by("-created_at")
        .values_list("evaluators", flat=True)[:20]
    )
    found: dict[str, Metric] = {}
    for evaluators in plans:
        for metric in read_metrics(evaluators):
            found.setdefault(metric.key, metric)
    for metric in OPERATIONAL:
        found.setdefault(metric.key, metric)
    return list(found.values())


def list_choices(assistant: Assistant) -> list[Metric]:
    """What was measured before, then every other evaluator as it comes."""
    measured = list_gate_metrics(assistant)
    taken = {metric.key for metric in measured}
    others = freeze_evaluators({"evaluator": n} for n in all_evaluators() if n not in taken)
    return measured + [m for m in read_metrics(others) if m.key not in taken]
