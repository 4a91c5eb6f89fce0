"""Pages of an assistant's gates and guideline."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.assistants.access import get_assistant_by_slug
from apps.assistants.models import Assistant
from apps.datasets.selectors import list_frozen_versions
from apps.evaluation.access import get_criterion, get_experiment, get_gate_rule
from apps.evaluation.experiments.forms import CriterionForm, DemandForm, GateRuleForm, ModelsForm
from apps.evaluation.experiments.metrics import Metric, freeze_evaluators, read_metrics
from apps.evaluation.experiments.plans import PlanError
from apps.evaluation.experiments.selection import Demand, compare_models, list_candidates
from apps.evaluation.experiments.selectors import list_releases
from apps.evaluation.gates.rules import (
    add_rule,
    judge_release,
    list_gate_metrics,
    list_rules,
    name_rule,
    remove_rule,
)
from apps.evaluation.models import GateRule
from apps.evaluation.review.guidelines import (
    NameTakenError,
    list_criteria,
    remove_criterion,
    save_criterion,
)
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role
from measures.evaluators.registry import all_evaluators

CI = "python manage.py run_gate {slug} {assistant} --release 2"
NAME_TAKEN = "The guideline has a criterion of this name already."


def list_choices(assistant: Assistant) -> list[Metric]:
    """What was measured before, then every other evaluator as it comes."""
    measured = list_gate_metrics(assistant)
    taken = {metric.key for metric in measured}
    others = freeze_evaluators({"evaluator": n} for n in all_evaluators() if n not in taken)
    return measured + [m for m in read_metrics(others) if m.key not in taken]


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def gates(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """The rules that a release must pass before it answers; sending adds one."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    metrics = {metric.key: metric for metric in list_choices(assistant)}
    choices = [(key, metric.label) for key, metric in metrics.items()]
    form = GateRuleForm(choices, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        metric = metrics[values.pop("metric")]
        values["threshold"] /= 100 if metric.is_share else 1
        rule = add_rule(assistant, metric=metric, actor=request.actor, **values)
        messages.success(request, f"From now on: {name_rule(rule)}.")
        return redirect("evaluation:gates", request.workspace.slug, assistant.slug)
    context: dict[str, Any] = {
        "nav": "assistants",
        "tab": "evaluate",
        "assistant": assistant,
        "rules": [{"rule": rule, "name": name_rule(rule)} for rule in list_rules(assistant)],
        "form": form,
        "ci_command": CI.format(slug=request.workspace.slug, assistant=assistant.slug),
    }
    status = 422 if form.errors else 200
    return render(request, "evaluation/gates/gates.html", context, status=status)


@require_POST
@workspace_view(role=Role.EDITOR)
def remove_gate(request: WorkspaceRequest, assistant_slug: str, rule_id: UUID) -> HttpResponse:
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    rule: GateRule = get_gate_rule(assistant, rule_id)
    remove_rule(rule, actor=request.actor)
    messages.success(request, "The rule is gone.")
    return redirect("evaluation:gates", request.workspace.slug, assistant.slug)


@require_GET
@workspace_view(role=Role.EDITOR)
def verdicts(request: WorkspaceRequest, experiment_id: UUID) -> HttpResponse:
    """What the gates say of an experiment's releases; loaded beside the page."""
    found = get_experiment(request.workspace.pk, experiment_id)
    rows = [
        {
            "release": release,
            "verdicts": (judged := judge_release(release, experiment=found)),
            "ok": all(verdict.ok for verdict in judged),
        }
        for release in list_releases(found)
        if release.pk != found.assistant.current_id
    ]
    context = {
        "experiment": found,
        "assistant": found.assistant,
        "rows": rows,
        "has_rules": bool(list_rules(found.assistant)),
    }
    return render(request, "evaluation/gates/_verdicts.html", context)


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def models(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """Which model: those that fit the demands, measured on a dataset of the team's own."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    form = ModelsForm(request.workspace, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = compare_models(
                assistant,
                list(form.cleaned_data["endpoints"]),
                with_reader=form.cleaned_data["with_reader"],
                version=form.cleaned_data["dataset_version"],
                actor=request.actor,
            )
        except PlanError as error:
            form.add_error(None, error.message)
        else:
            return redirect("evaluation:experiment", request.workspace.slug, made.pk)
    demands = DemandForm(request.GET)
    demand = Demand(**demands.cleaned_data) if demands.is_valid() else Demand()
    context = {
        "nav": "assistants",
        "tab": "evaluate",
        "assistant": assistant,
        "demands": demands,
        "candidates": list_candidates(request.workspace.pk, demand),
        "form": form,
        "has_datasets": list_frozen_versions(request.workspace.pk).exists(),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "evaluation/gates/models.html", context, status=status)


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def guideline(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """What a good answer is, line by line; sending adds a line."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    choices = [(metric.key, metric.label) for metric in list_choices(assistant)]
    form = CriterionForm(choices, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            save_criterion(assistant, fields=form.cleaned_data, actor=request.actor)
        except NameTakenError:
            form.add_error("name", NAME_TAKEN)
        else:
            return redirect("evaluation:guideline", request.workspace.slug, assistant.slug)
    context = {
        "nav": "assistants",
        "tab": "evaluate",
        "assistant": assistant,
        "rows": list_criteria(assistant),
        "form": form,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "evaluation/gates/guideline.html", context, status=status)


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def criterion(request: WorkspaceRequest, assistant_slug: str, criterion_id: UUID) -> HttpResponse:
    """Change a line of the guideline."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    found = get_criterion(assistant, criterion_id)
    choices = [(metric.key, metric.label) for metric in list_choices(assistant)]
    initial = {name: getattr(found, name) for name in CriterionForm.base_fields}
    form = CriterionForm(choices, request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            save_criterion(
                assistant, fields=form.cleaned_data, actor=request.actor, criterion=found
            )
        except NameTakenError:
            form.add_error("name", NAME_TAKEN)
        else:
            return redirect("evaluation:guideline", request.workspace.slug, assistant.slug)
    context = {
        "nav": "assistants",
        "tab": "evaluate",
        "assistant": assistant,
        "criterion": found,
        "form": form,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "evaluation/gates/criterion.html", context, status=status)


@require_POST
@workspace_view(role=Role.EDITOR)
def remove_line(request: WorkspaceRequest, assistant_slug: str, criterion_id: UUID) -> HttpResponse:
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    remove_criterion(get_criterion(assistant, criterion_id), actor=request.actor)
    return redirect("evaluation:guideline", request.workspace.slug, assistant.slug)
