"""Pages of collections and their documents: the table, uploads, and what can be done to a row."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.disk.space import NO_ROOM, NoRoomError, describe_shortage
from apps.documents import services
from apps.documents.access import get_collection, get_document
from apps.documents.collections import (
    NameTakenError,
    create_collection,
    delete_collection,
    update_collection,
)
from apps.documents.forms import CollectionForm, UploadForm, UrlForm
from apps.documents.listing.cards import list_collection_rows
from apps.documents.listing.pages import render_collection, render_table
from apps.documents.models import Collection, Document
from apps.documents.storage import TooLargeError
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

CHANGED = "documents-changed"
"""The event that makes the table load itself again."""
NAME_TAKEN = "The workspace has a collection of this name already."
OUTCOMES = {
    "created": "“{name}” was uploaded.",
    "new_version": "“{name}” was uploaded as a new version.",
    "duplicate": "“{name}” is here already with the same content. Nothing was changed.",
}


# Collections


@require_http_methods(["GET", "POST"])
@workspace_view()
def collections(request: WorkspaceRequest) -> HttpResponse:
    """All collections; editors make new ones here."""
    if request.method == "GET":
        return _render_collections(request, CollectionForm())
    if not request.membership.has_role(Role.EDITOR):
        raise PermissionDenied
    form = CollectionForm(request.POST)
    if form.is_valid():
        try:
            collection = create_collection(
                request.workspace, actor=request.actor, **form.cleaned_data
            )
        except NameTakenError:
            form.add_error("name", NAME_TAKEN)
        else:
            return _to_collection(request, collection)
    return _render_collections(request, form, status=422)


def _render_collections(
    request: WorkspaceRequest, form: CollectionForm, *, status: int = 200
) -> HttpResponse:
    rows = list_collection_rows(request.workspace)
    return render(
        request,
        "documents/collections.html",
        {"nav": "documents", "collections": rows, "form": form, "shortage": describe_shortage()},
        status=status,
    )


@require_GET
@workspace_view()
def collection(request: WorkspaceRequest, *, collection_id: UUID) -> HttpResponse:
    """One collection's table. The whole page takes files."""
    return render_collection(request, get_collection(request.workspace, collection_id))


@require_GET
@workspace_view()
def table(request: WorkspaceRequest, *, collection_id: UUID) -> HttpResponse:
    """The table with its totals, asked for every second while something changes in it."""
    return render_table(request, get_collection(request.workspace, collection_id))


@require_POST
@workspace_view(role=Role.EDITOR)
def edit_collection(request: WorkspaceRequest, *, collection_id: UUID) -> HttpResponse:
    collection = get_collection(request.workspace, collection_id)
    form = CollectionForm(request.POST, prefix="edit")
    if form.is_valid():
        try:
            update_collection(collection, actor=request.actor, **form.cleaned_data)
        except NameTakenError:
            collection.refresh_from_db()
            form.add_error("name", NAME_TAKEN)
        else:
            return _to_collection(request, collection)
    return render_collection(request, collection, status=422, edit_form=form)


@require_POST
@workspace_view(role=Role.EDITOR)
def remove_collection(request: WorkspaceRequest, *, collection_id: UUID) -> HttpResponse:
    collection = get_collection(request.workspace, collection_id)
    delete_collection(collection, actor=request.actor)
    messages.success(request, f"The collection “{collection.name}” was deleted.")
    return redirect("documents:collections", slug=request.workspace.slug)


# Adding documents


@require_POST
@workspace_view(role=Role.EDITOR)
def upload(request: WorkspaceRequest, *, collection_id: UUID) -> HttpResponse:
    """One file. Scripts get JSON: 201 or 200 for a duplicate, or an error with its `detail`."""
    collection = get_collection(request.workspace, collection_id)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _refuse(request, collection, 422, "No file arrived. Choose one and try again.")
    file = form.cleaned_data["file"]
    try:
        outcome = services.add_upload(
            collection,
            file=file.chunks(),
            filename=form.cleaned_data["path"] or file.name,
            actor=request.actor,
        )
    except TooLargeError as error:
        limit = error.limit // 1_048_576
        return _refuse(
            request,
            collection,
            413,
            f"This file has more than {limit:,} MB, the most that is taken.",
        )
    except NoRoomError:
        return _refuse(request, collection, 507, NO_ROOM)
    if not _wants_json(request):
        messages.success(request, OUTCOMES[outcome.outcome].format(name=outcome.document.name))
        return _to_collection(request, collection)
    body = {
        "id": str(outcome.document.pk),
        "name": outcome.document.name,
        "state": outcome.version.state,
        "outcome": outcome.outcome,
    }
    return JsonResponse(body, status=200 if outcome.outcome == "duplicate" else 201)


def _refuse(
    request: WorkspaceRequest, collection: Collection, status: int, detail: str
) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse({"detail": detail}, status=status)
    messages.error(request, detail)
    return render_collection(request, collection, status=status)


def _wants_json(request: WorkspaceRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


@require_POST
@workspace_view(role=Role.EDITOR)
def fetch(request: WorkspaceRequest, *, collection_id: UUID) -> HttpResponse:
    """Take in a web page."""
    collection = get_collection(request.workspace, collection_id)
    form = UrlForm(request.POST)
    if form.is_valid():
        try:
            services.add_url(collection, url=form.cleaned_data["url"], actor=request.actor)
        except services.BadUrlError:
            form.add_error("url", "Only addresses that begin with http:// or https:// work.")
        else:
            return _to_collection(request, collection)
    return render_collection(request, collection, status=422, url_form=form)


# Rows


@require_POST
@workspace_view(role=Role.EDITOR)
def retry(request: WorkspaceRequest, *, document_id: UUID) -> HttpResponse:
    """Start again. On a row that has moved on meanwhile, nothing happens but showing that."""
    document = get_document(request.workspace, document_id)
    try:
        services.retry_document(document, actor=request.actor)
    except services.NotRetryableError:
        messages.error(request, "Only a document that failed or was cancelled can be tried again.")
    return _after(request, document)


@require_POST
@workspace_view(role=Role.EDITOR)
def cancel(request: WorkspaceRequest, *, document_id: UUID) -> HttpResponse:
    document = get_document(request.workspace, document_id)
    services.cancel_document(document, actor=request.actor)
    return _after(request, document)


@require_POST
@workspace_view(role=Role.EDITOR)
def delete(request: WorkspaceRequest, *, document_id: UUID) -> HttpResponse:
    """Gone at once; a worker clears away the rest."""
    document = get_document(request.workspace, document_id)
    services.delete_document(document, actor=request.actor)
    messages.success(request, f"“{document.name}” was deleted.")
    return _to_collection(request, document.collection)


def _after(request: WorkspaceRequest, document: Document) -> HttpResponse:
    """Word for htmx that the table should ask again; else the page."""
    if request.htmx:
        return HttpResponse(headers={"HX-Trigger": CHANGED})
    return _to_collection(request, document.collection)


def _to_collection(request: WorkspaceRequest, collection: Collection) -> HttpResponse:
    return redirect(reverse("documents:collection", args=[request.workspace.slug, collection.pk]))
