"""Pages of an assistant's guideline."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.assistants.access import get_assistant_by_slug
from apps.evaluation.access import get_criterion
from apps.evaluation.gates.metric_lookup import list_choices
from apps.evaluation.review.forms import CriterionForm
from apps.evaluation.review.guidelines import (
    NameTakenError,
    list_criteria,
    remove_criterion,
    save_criterion,
)
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

NAME_TAKEN = "The guideline has a criterion of this name already."


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def guideline(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """The assistant's guideline; submitting the form adds a criterion."""
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
    return render(request, "evaluation/guideline.html", context, status=status)


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def criterion(request: WorkspaceRequest, assistant_slug: str, criterion_id: UUID) -> HttpResponse:
    """Change a criterion of the guideline."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    criterion = get_criterion(assistant, criterion_id)
    choices = [(metric.key, metric.label) for metric in list_choices(assistant)]
    initial = {name: getattr(criterion, name) for name in CriterionForm.base_fields}
    form = CriterionForm(choices, request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            save_criterion(
                assistant, fields=form.cleaned_data, actor=request.actor, criterion=criterion
            )
        except NameTakenError:
            form.add_error("name", NAME_TAKEN)
        else:
            return redirect("evaluation:guideline", request.workspace.slug, assistant.slug)
    context = {
        "nav": "assistants",
        "tab": "evaluate",
        "assistant": assistant,
        "criterion": criterion,
        "form": form,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "evaluation/criterion.html", context, status=status)


@require_POST
@workspace_view(role=Role.EDITOR)
def remove_line(request: WorkspaceRequest, assistant_slug: str, criterion_id: UUID) -> HttpResponse:
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    remove_criterion(get_criterion(assistant, criterion_id), actor=request.actor)
    return redirect("evaluation:guideline", request.workspace.slug, assistant.slug)
