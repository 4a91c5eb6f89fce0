"""The first steps: the checklist, and the controls of those steps that stand in it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.assistants.forms import NewAssistantForm
from apps.assistants.services import create_assistant
from apps.assistants.suggestions.selectors import list_shown
from apps.core.disk.space import describe_shortage
from apps.datasets.forms import DatasetForm
from apps.datasets.services import NameTakenError as DatasetNameTakenError
from apps.datasets.services import create_dataset
from apps.documents.collections import NameTakenError, create_collection
from apps.documents.forms import CollectionForm
from apps.guide.services import dismiss_steps, resume_steps
from apps.guide.steps import (
    find_draft,
    find_first_assistant,
    find_first_collection,
    find_first_steps,
    find_own_answer,
    measure_reading,
)
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role


@require_GET
@workspace_view(role=Role.EDITOR)
def start(request: WorkspaceRequest) -> HttpResponse:
    return _render(request)


@require_GET
@workspace_view(role=Role.EDITOR)
def steps(request: WorkspaceRequest) -> HttpResponse:
    """The checklist and its count, asked for again while files are read."""
    return render(request, "guide/_update.html", _context(request))


def _render(request: WorkspaceRequest, *, form: Any = None) -> HttpResponse:
    context = _context(request) | {"shortage": describe_shortage()}
    if form is not None:
        context["form"] = form
    return render(request, "guide/start.html", context, status=422 if form else 200)


def _context(request: WorkspaceRequest) -> dict[str, Any]:
    """The steps with what the next one's control needs."""
    workspace = request.workspace
    first_steps = find_first_steps(workspace.pk)
    key = first_steps.next.key if first_steps.next else ""
    assistant = find_first_assistant(workspace.pk)
    draft = find_draft(workspace.pk) if key == "dataset" else None
    return {
        "nav": "start",
        "first_steps": first_steps,
        "next": key,
        "is_dismissed": request.membership.steps_dismissed_at is not None,
        "collection": find_first_collection(workspace.pk),
        "assistant": assistant,
        "reading": measure_reading(workspace.pk) if key in ("documents", "assistant") else None,
        "form": _make_form(request, key),
        "questions": list_shown(assistant)[:3] if assistant and key == "question" else [],
        "answer": (
            find_own_answer(workspace.pk, request.user) if key in ("source", "rating") else None
        ),
        "dataset": draft[0] if draft else None,
        "num_accepted": draft[1] if draft else 0,
    }


def _make_form(request: WorkspaceRequest, key: str) -> Any:
    if key == "collection":
        return CollectionForm()
    if key == "assistant":
        collection = find_first_collection(request.workspace.pk)
        chosen = [collection.pk] if collection else []
        return NewAssistantForm(request.workspace, initial={"collections": chosen})
    return DatasetForm() if key == "dataset" else None


# The controls


@require_POST
@workspace_view(role=Role.EDITOR)
def make_collection(request: WorkspaceRequest) -> HttpResponse:
    form = CollectionForm(request.POST)
    if form.is_valid():
        try:
            create_collection(request.workspace, actor=request.actor, **form.cleaned_data)
        except NameTakenError:
            form.add_error("name", "The workspace has a collection of this name already.")
        else:
            return redirect("guide:start", request.workspace.slug)
    return _render(request, form=form)


@require_POST
@workspace_view(role=Role.EDITOR)
def make_assistant(request: WorkspaceRequest) -> HttpResponse:
    form = NewAssistantForm(request.workspace, request.POST)
    if not form.is_valid():
        return _render(request, form=form)
    create_assistant(
        request.workspace,
        name=form.cleaned_data["name"],
        collections=list(form.cleaned_data["collections"]),
        actor=request.actor,
    )
    return redirect("guide:start", request.workspace.slug)


@require_POST
@workspace_view(role=Role.EDITOR)
def make_dataset(request: WorkspaceRequest) -> HttpResponse:
    """To the new dataset, whose page says how questions get into it."""
    form = DatasetForm(request.POST)
    if form.is_valid():
        try:
            dataset = create_dataset(request.workspace, actor=request.actor, **form.cleaned_data)
        except DatasetNameTakenError:
            form.add_error("name", "The workspace has a dataset of this name already.")
        else:
            return redirect("datasets:dataset", request.workspace.slug, dataset.pk)
    return _render(request, form=form)


@require_POST
@workspace_view(role=Role.EDITOR)
def dismiss(request: WorkspaceRequest) -> HttpResponse:
    dismiss_steps(request.membership)
    messages.success(request, "The first steps are put away. Ctrl-K or ⌘K finds them again.")
    return redirect("assistants:list", request.workspace.slug)


@require_POST
@workspace_view(role=Role.EDITOR)
def resume(request: WorkspaceRequest) -> HttpResponse:
    resume_steps(request.membership)
    return redirect("guide:start", request.workspace.slug)
