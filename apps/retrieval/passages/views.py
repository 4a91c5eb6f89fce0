"""Pages that change a passage: its text and tags, its extent, whether it can be found."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.chunking.models import Chunk
from apps.documents.models import Document
from apps.retrieval.passages import edits
from apps.retrieval.passages.access import get_chunk, get_edit
from apps.retrieval.passages.selectors import list_split_places, read_original, read_searched_texts
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

SOON = "It can be found in a moment."


@require_GET
@workspace_view(role=Role.EDITOR)
def passage(request: WorkspaceRequest, *, passage_id: int) -> HttpResponse:
    """The editor of a passage; rendered as a fragment for the dialog."""
    return _render(request, get_chunk(request.workspace, passage_id))


def _render(
    request: WorkspaceRequest,
    chunk: Chunk,
    *,
    text: str | None = None,
    tags: str | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    return render(
        request,
        "retrieval/passages/_editor.html" if request.htmx else "retrieval/passages/passage.html",
        {
            "nav": "documents",
            "chunk": chunk,
            "document": chunk.version.document,
            "text": edits.read_wanted(chunk) if text is None else text,
            "tags": ", ".join(chunk.tags) if tags is None else tags,
            "original": read_original(chunk),
            "searched": read_searched_texts(chunk.version.document, [chunk]).get(chunk.pk),
            "places": list_split_places(chunk.text),
            "problem": problem,
            "back": _place(request, chunk.version.document, chunk.start, chunk.end),
        },
        status=status,
    )


@require_POST
@workspace_view(role=Role.EDITOR)
def edit(request: WorkspaceRequest, *, passage_id: int) -> HttpResponse:
    """Save text and tags, or show them again with the reason why they cannot be saved."""
    chunk = get_chunk(request.workspace, passage_id)
    text, tags = request.POST.get("text", ""), request.POST.get("tags", "")
    try:
        tag_list = [tag for tag in tags.split(",") if tag.strip()]
        if text.replace("\r\n", "\n").strip() != edits.read_wanted(chunk):
            edits.edit_chunk(chunk, text=text, actor=request.actor)
        if tag_list != list(chunk.tags):
            edits.tag_chunk(chunk, tags=tag_list, actor=request.actor)
    except edits.EditError as error:
        return _render(request, chunk, text=text, tags=tags, problem=str(error), status=422)
    messages.success(request, f"Passage {chunk.position + 1} was saved. {SOON}")
    return _back(request, chunk)


@require_POST
@workspace_view(role=Role.EDITOR)
def split(request: WorkspaceRequest, *, passage_id: int) -> HttpResponse:
    chunk = get_chunk(request.workspace, passage_id)
    at = request.POST.get("at", "")
    place = int(at) if at.isascii() and at.isdigit() and len(at) < 8 else 0
    return _do(
        request,
        chunk,
        lambda: edits.split_chunk(chunk, at=place, actor=request.actor),
        f"Passage {chunk.position + 1} was split. {SOON}",
    )


@require_POST
@workspace_view(role=Role.EDITOR)
def merge(request: WorkspaceRequest, *, passage_id: int) -> HttpResponse:
    chunk = get_chunk(request.workspace, passage_id)
    return _do(
        request,
        chunk,
        lambda: edits.merge_chunk(chunk, actor=request.actor),
        f"Passage {chunk.position + 1} was merged with the next. {SOON}",
    )


@require_POST
@workspace_view(role=Role.EDITOR)
def disable(request: WorkspaceRequest, *, passage_id: int) -> HttpResponse:
    chunk = get_chunk(request.workspace, passage_id)
    return _do(
        request,
        chunk,
        lambda: edits.disable_chunk(chunk, actor=request.actor),
        f"Passage {chunk.position + 1} is disabled: nobody finds it any more.",
    )


@require_POST
@workspace_view(role=Role.EDITOR)
def revert(request: WorkspaceRequest, *, edit_id: UUID) -> HttpResponse:
    """Undo a change; a disabled passage can be found again."""
    chunk_edit = get_edit(request.workspace, edit_id)
    edits.revert_edit(chunk_edit, actor=request.actor)
    messages.success(request, "The change was taken back.")
    return redirect(_place(request, chunk_edit.document, chunk_edit.start, chunk_edit.end))


def _do(
    request: WorkspaceRequest, chunk: Chunk, change: Callable[[], object], done: str
) -> HttpResponse:
    try:
        change()
    except edits.EditError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return _back(request, chunk)


def _back(request: WorkspaceRequest, chunk: Chunk) -> HttpResponse:
    return redirect(_place(request, chunk.version.document, chunk.start, chunk.end))


def _place(request: WorkspaceRequest, document: Document, start: int, end: int) -> str:
    path = reverse("documents:document", args=[request.workspace.slug, document.pk])
    return f"{path}?{urlencode({'start': start, 'end': end})}#highlight"
