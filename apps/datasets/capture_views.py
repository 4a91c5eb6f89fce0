"""Turns an answer into an example with one click in a chat or in the feedback list."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.chat.access import get_answer
from apps.chat.models import Message
from apps.datasets.access import get_dataset
from apps.datasets.capture import (
    Captured,
    PrivateSourceError,
    capture_answer,
    capture_feedback,
    refuse_private_sources,
)
from apps.datasets.models import Dataset
from apps.datasets.selectors import list_datasets
from apps.datasets.services import NameTakenError, TooManyError, create_dataset
from apps.feedback.access import get_feedback
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

FIRST_DATASET = "From conversations"


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def from_answer(request: WorkspaceRequest, *, message_id: UUID) -> HttpResponse:
    """GET: the datasets to choose from. POST: the answer into the chosen one."""
    answer = get_answer(request, message_id)
    return _capture(
        request, answer, lambda dataset: capture_answer(dataset, answer=answer, actor=request.actor)
    )


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def from_feedback(request: WorkspaceRequest, *, feedback_id: UUID) -> HttpResponse:
    """GET: the datasets to choose from. POST: the rated answer into the chosen one."""
    feedback = get_feedback(request.workspace.pk, feedback_id)
    return _capture(
        request,
        feedback.message,
        lambda dataset: capture_feedback(dataset, feedback=feedback, actor=request.actor),
    )


def _capture(
    request: WorkspaceRequest, answer: Message, capture: Callable[[Dataset], Captured]
) -> HttpResponse:
    try:
        refuse_private_sources(answer, user=request.user)
    except PrivateSourceError as error:
        status = 200 if request.method == "GET" else 422
        return render(request, "datasets/_refused.html", {"refusal": str(error)}, status=status)
    if request.method == "GET":
        context = {
            "datasets": list_datasets(request.workspace.pk),
            "action": request.path,
            "first_name": FIRST_DATASET,
        }
        return render(request, "datasets/_pick.html", context)
    dataset = _choose(request)
    if dataset is None:
        return HttpResponseBadRequest("This is not one of the datasets on the page.")
    try:
        captured = capture(dataset)
    except TooManyError:
        return HttpResponseBadRequest("The dataset is full.")
    except ValueError as error:
        return HttpResponseBadRequest(str(error))
    if request.htmx:
        picked: dict[str, object] = {"captured": captured, "dataset": dataset}
        return render(request, "datasets/_picked.html", picked)
    messages.success(request, _say(captured, dataset))
    return redirect(reverse("datasets:example", args=[request.workspace.slug, captured.example.pk]))


def _say(captured: Captured, dataset: Dataset) -> str:
    said = "Added to" if captured.is_new else "It is already in"
    if captured.is_changed:
        said = "What was said of the answer since has been taken over into"
    return f"{said} the draft of “{dataset.name}”. {captured.words}".strip()


def _choose(request: WorkspaceRequest) -> Dataset | None:
    """The chosen dataset, or a new first one if the workspace has none."""
    chosen = request.POST.get("dataset", "")
    if chosen == "new":
        try:
            return create_dataset(request.workspace, name=FIRST_DATASET, actor=request.actor)
        except NameTakenError:
            rows = list_datasets(request.workspace.pk)
            return next(row.dataset for row in rows if row.dataset.name == FIRST_DATASET)
    try:
        return get_dataset(request.workspace.pk, UUID(chosen))
    except ValueError:
        return None
