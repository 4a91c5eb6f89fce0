"""An assistant's guideline: criteria with rubric, examples, metric and what they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.assistants.models import Assistant
from apps.evaluation.experiments.metrics import Metric
from apps.evaluation.gates.metric_lookup import list_gate_metrics
from apps.evaluation.models import Criterion, Summary
from apps.workspaces.services import Actor, record_audit


class NameTakenError(Exception):
    """The guideline has a criterion of this name already."""


@dataclass(frozen=True, slots=True)
class CriterionRow:
    """A criterion with its metric, and the current release's latest value, if there is one."""

    criterion: Criterion
    metric: Metric | None
    shown: str


def list_criteria(assistant: Assistant) -> list[CriterionRow]:
    """The criteria in order, with the current release's latest values; three queries."""
    metrics = {metric.key: metric for metric in list_gate_metrics(assistant)}
    sums = Summary.objects.filter(
        experiment__assistant=assistant, release=assistant.current
    ).order_by("experiment__created_at")
    latest = dict(sums.values_list("metric", "mean"))  # the last of each metric stays
    return [
        CriterionRow(
            criterion,
            metrics.get(criterion.metric),
            metrics[criterion.metric].show(latest[criterion.metric])
            if criterion.metric in metrics and criterion.metric in latest
            else "",
        )
        for criterion in Criterion.objects.filter(assistant=assistant)
    ]


ENDS = "5 meets this fully, 1 not at all; 2 to 4 lie evenly between."


def make_judge(criterion: Criterion) -> dict[str, Any]:
    """A judge of this line, with its rubric and examples, for `freeze_evaluators`."""
    return {
        "evaluator": "judge_rubric",
        "settings": {
            "about": criterion.name,
            "criterion": criterion.name,
            "rubric": f"{criterion.rubric}\n\n{ENDS}",
            "good_example": criterion.good_example,
            "bad_example": criterion.bad_example,
        },
    }


@transaction.atomic
def save_criterion(
    assistant: Assistant,
    *,
    fields: dict[str, Any],
    actor: Actor,
    criterion: Criterion | None = None,
) -> Criterion:
    """Add a criterion at the end, or change one. Raises NameTakenError."""
    if criterion is None:
        last = Criterion.objects.filter(assistant=assistant).aggregate(last=Max("position"))
        criterion = Criterion(
            workspace_id=assistant.workspace_id,
            assistant=assistant,
            position=(last["last"] or 0) + 1,
        )
    for name, value in fields.items():
        setattr(criterion, name, value)
    try:
        with transaction.atomic():
            criterion.save()
    except IntegrityError as error:
        if "criterion_name" in str(error):
            raise NameTakenError from error
        raise
    record_audit(
        assistant.workspace_id,
        actor=actor,
        action="guideline.changed",
        subject=criterion,
        detail={"assistant": assistant.name, "criterion": criterion.name},
    )
    return criterion


@transaction.atomic
def remove_criterion(criterion: Criterion, *, actor: Actor) -> None:
    record_audit(
        criterion.workspace_id,
        actor=actor,
        action="guideline.removed",
        subject=criterion,
        detail={"criterion": criterion.name},
    )
    criterion.delete()
