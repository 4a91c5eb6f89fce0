"""Pages of an assistant's gates."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.assistants.access import get_assistant_by_slug
from apps.evaluation.access import get_experiment, get_gate_rule
from apps.evaluation.experiments.selectors import list_releases
from apps.evaluation.gates.forms import GateRuleForm
from apps.evaluation.gates.rules import (
    judge_release,
    list_rules,
    name_rule,
)
from apps.evaluation.gates.services import add_rule, remove_rule
from apps.evaluation.models import GateRule
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

CI = "python manage.py run_gate {slug} {assistant} --release 2"


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def gates(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """The rules that a release must pass before promotion; submitting the form adds one."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    form = GateRuleForm(assistant, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        values["threshold"] /= 100 if values["metric"].is_share else 1
        rule = add_rule(assistant, actor=request.actor, **values)
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
    return render(request, "evaluation/gates.html", context, status=status)


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
    """The gates' outcome for an experiment's releases, loaded after the page."""
    experiment = get_experiment(request.workspace.pk, experiment_id)
    rows = [
        {
            "release": release,
            "verdicts": (judged := judge_release(release, experiment=experiment)),
            "ok": all(verdict.ok for verdict in judged),
        }
        for release in list_releases(experiment)
        if release.pk != experiment.assistant.current_id
    ]
    context = {
        "experiment": experiment,
        "assistant": experiment.assistant,
        "rows": rows,
        "has_rules": bool(list_rules(experiment.assistant)),
    }
    return render(request, "evaluation/_verdicts.html", context)
