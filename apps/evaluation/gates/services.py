"""Writes: add and remove gate rules."""

from __future__ import annotations

from django.db import transaction

from apps.assistants.models import Assistant
from apps.evaluation.experiments.metrics import Metric
from apps.evaluation.gates.rules import name_rule
from apps.evaluation.models import GateRule
from apps.workspaces.services import Actor, record_audit


@transaction.atomic
def add_rule(
    assistant: Assistant,
    *,
    metric: Metric,
    kind: str,
    statistic: str,
    threshold: float,
    confidence: float,
    actor: Actor,
) -> GateRule:
    """Add a rule for all future promotions. The threshold is in the metric's own unit."""
    rule = GateRule.objects.create(
        workspace_id=assistant.workspace_id,
        assistant=assistant,
        metric=metric.key,
        kind=kind,
        statistic=GateRule.Statistic.MEAN if kind == GateRule.Kind.NOT_WORSE else statistic,
        threshold=threshold,
        confidence=confidence,
        created_by=actor.user,
    )
    record_audit(
        assistant.workspace_id,
        actor=actor,
        action="gate.added",
        subject=rule,
        detail={"assistant": assistant.name, "rule": name_rule(rule)},
    )
    return rule


@transaction.atomic
def remove_rule(rule: GateRule, *, actor: Actor) -> None:
    """Remove a rule; releases are no longer checked against it."""
    record_audit(
        rule.workspace_id,
        actor=actor,
        action="gate.removed",
        subject=rule,
        detail={"assistant": rule.assistant.name, "rule": name_rule(rule)},
    )
    rule.delete()
