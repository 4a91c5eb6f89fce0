"""Changing many documents from the table: one question with the count, then a job."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from apps.documents.access import get_collection
from apps.documents.bulk.changes import (
    Action,
    NothingSelectedError,
    Selection,
    start_change,
)
from apps.documents.bulk.effects import describe_effects
from apps.documents.bulk.forms import ChangeForm
from apps.documents.listing.filters import DocumentFilter, read_filter
from apps.documents.models import Collection
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

NOTHING = "Nothing was changed: no document was selected that this can be done to."


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def change(request: WorkspaceRequest, *, collection_id: UUID) -> HttpResponse:
    """GET asks what exactly is meant and says what follows; POST begins with it."""
    collection = get_collection(request.workspace, collection_id)
    values = request.GET if request.method == "GET" else request.POST
    try:
        action = Action(values.get("action", ""))
    except ValueError:
        messages.error(request, "Choose what is to be done with the documents.")
        return redirect(_back_to(request, collection, values))
    selection = _read_selection(values)
    bound = values if request.method == "POST" else None
    form = ChangeForm(bound, collection=collection, action=action)
    if form.is_valid():
        try:
            start_change(collection, form.change(), selection, actor=request.actor)
        except NothingSelectedError:
            messages.error(request, NOTHING)
        return redirect(_back_to(request, collection, values))
    return _ask(request, collection, action, selection, form, values)


def _ask(
    request: WorkspaceRequest,
    collection: Collection,
    action: Action,
    selection: Selection,
    form: ChangeForm,
    values: QueryDict,
) -> HttpResponse:
    # The tag of the filter goes by another name than the one that is to be added.
    fields = ("document", "scope", "name", "state", "in-tag", "sort")
    carried = [(name, value) for name in fields for value in values.getlist(name)]
    return render(
        request,
        "documents/bulk/_ask.html" if request.htmx else "documents/bulk/ask.html",
        {
            "nav": "documents",
            "collection": collection,
            "action": action,
            "effects": describe_effects(collection, action, selection),
            "form": form,
            "carried": carried,
            "back": _back_to(request, collection, values),
        },
        status=422 if form.is_bound else 200,
    )


def _read_selection(values: QueryDict) -> Selection:
    if values.get("scope") == "all":
        return Selection(filter=_read_filter(values))
    ids = (_as_uuid(text) for text in values.getlist("document"))
    return Selection(ids=tuple(pk for pk in ids if pk))


def _read_filter(values: QueryDict) -> DocumentFilter:
    return read_filter({**values.dict(), "tag": values.get("in-tag", "")})


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _back_to(request: WorkspaceRequest, collection: Collection, values: QueryDict) -> str:
    """The part of the table that the change was asked for from."""
    chosen = _read_filter(values)
    path = reverse("documents:collection", args=[request.workspace.slug, collection.pk])
    query = urlencode(chosen.as_query())
    return f"{path}?{query}" if query else path
