"""The page on which passages get a context from a model, with the cost before it starts."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.assistants.contexts import services as contexts
from apps.documents.access import get_collection
from apps.gateway.access import get_endpoint
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role


@require_GET
@workspace_view()
def page(request: WorkspaceRequest, *, collection_id: UUID) -> HttpResponse:
    """How many passages have a context, what the others would cost, and a few examples."""
    return _show(request, collection_id, "assistants/contexts.html")


@require_GET
@workspace_view()
def progress(request: WorkspaceRequest, *, collection_id: UUID) -> HttpResponse:
    """The part of the page that changes while a job runs."""
    return _show(request, collection_id, "assistants/_contexts.html")


def _show(request: WorkspaceRequest, collection_id: UUID, template: str) -> HttpResponse:
    collection = get_collection(request.workspace, collection_id)
    view = contexts.view_contexts(collection)
    context = {"nav": "documents", "tab": "contexts", "collection": collection, "view": view}
    return render(request, template, context)


@require_POST
@workspace_view(role=Role.EDITOR)
def start(request: WorkspaceRequest, *, collection_id: UUID) -> HttpResponse:
    """Describe the passages that wait with the chosen endpoint."""
    collection = get_collection(request.workspace, collection_id)
    try:
        endpoint_id = UUID(request.POST.get("endpoint", ""))
    except ValueError:
        messages.error(request, "Choose a model first.")
        return redirect("assistants:contexts", request.workspace.slug, collection.pk)
    endpoint = get_endpoint(request.workspace.pk, endpoint_id)
    contexts.start(collection, endpoint=endpoint, actor=request.actor)
    messages.success(request, "Begun. Questions are answered meanwhile as before.")
    return redirect("assistants:contexts", request.workspace.slug, collection.pk)


@require_POST
@workspace_view(role=Role.EDITOR)
def stop(request: WorkspaceRequest, *, collection_id: UUID) -> HttpResponse:
    """End it; what is described stays described."""
    collection = get_collection(request.workspace, collection_id)
    contexts.stop(collection)
    messages.success(request, "Stopped. You can go on at any time.")
    return redirect("assistants:contexts", request.workspace.slug, collection.pk)


@require_POST
@workspace_view(role=Role.EDITOR)
def remove(request: WorkspaceRequest, *, collection_id: UUID) -> HttpResponse:
    """Remove all contexts of the collection."""
    collection = get_collection(request.workspace, collection_id)
    contexts.start_removing(collection, actor=request.actor)
    messages.success(request, "The contexts are being removed.")
    return redirect("assistants:contexts", request.workspace.slug, collection.pk)
