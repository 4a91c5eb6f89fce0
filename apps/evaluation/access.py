"""Checked access to experiments and what belongs to them. Missing and forbidden look the same."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from apps.assistants.models import Assistant, Release
from apps.evaluation.models import Criterion, Experiment, ExperimentItem, GateRule


def get_experiment(workspace_id: UUID, experiment_id: UUID) -> Experiment:
    """The workspace's experiment with its assistant, dataset and baseline, or Http404."""
    experiment = (
        Experiment.objects.select_related(
            "assistant__current", "dataset_version__dataset", "baseline", "created_by"
        )
        .filter(workspace_id=workspace_id, pk=experiment_id)
        .first()
    )
    if experiment is None:
        raise Http404
    return experiment


def get_item(experiment: Experiment, item_id: UUID) -> ExperimentItem:
    """An item of the experiment with its example, release and trace, or Http404."""
    item = (
        experiment.items.select_related("example", "release__prompt_version", "trace")
        .filter(pk=item_id)
        .first()
    )
    if item is None:
        raise Http404
    return item


def get_experiment_release(experiment: Experiment, number: str) -> Release:
    """One of the experiment's releases, by its number as text, or Http404."""
    if number.isdecimal() and len(number) < 9:
        release = experiment.releases.filter(number=int(number)).first()
        if release is not None:
            return release
    raise Http404


def get_gate_rule(assistant: Assistant, rule_id: UUID) -> GateRule:
    """A rule of the assistant, or Http404."""
    rule = GateRule.objects.filter(assistant=assistant, pk=rule_id).first()
    if rule is None:
        raise Http404
    return rule


def get_criterion(assistant: Assistant, criterion_id: UUID) -> Criterion:
    """A line of the assistant's guideline, or Http404."""
    criterion = Criterion.objects.filter(assistant=assistant, pk=criterion_id).first()
    if criterion is None:
        raise Http404
    return criterion
