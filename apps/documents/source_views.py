"""Pages of one document: its source beside its passages, page images, the file, what changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from apps.core.text_diff import compare_texts
from apps.documents.access import get_document, get_readable_document
from apps.documents.doors import count_citations
from apps.documents.models import Document, DocumentVersion
from apps.documents.page_images import read_page_image
from apps.documents.screens import find_screen, plan_excerpt, plan_screens
from apps.documents.selectors import list_versions, read_text
from apps.documents.source import Highlight
from apps.documents.storage import locate_blob
from apps.documents.units import count_units
from apps.documents.viewer import (
    ImageUrl,
    find_passage,
    find_version,
    list_page_spans,
    name_location,
    read_parts,
)
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest

BLOCK = 256 * 1024
MAX_OFFSET = 2**31 - 1


@require_GET
@workspace_view()
def document(request: WorkspaceRequest, *, document_id: UUID) -> HttpResponse:
    """The source beside its passages; `?start=&end=` or `?passage=` is highlighted in it."""
    document = get_readable_document(request.workspace, document_id, reader=request.user)
    version = find_version(document, request.GET.get("version", ""))
    highlight = _read_highlight(request, version)
    spans = list_page_spans(version)
    screens = plan_screens(spans)
    number: str | int | None = request.GET.get("page")
    if highlight and not number:
        number = find_screen(screens, highlight.start) + 1
    page = Paginator(screens, 1).get_page(number)
    parts = page.object_list[0] if page.object_list else ()
    return render(
        request,
        "documents/document.html",
        {
            "nav": "documents",
            "document": document,
            "version": version,
            "num_units": count_units([version])[version.pk],
            "versions": list_versions(document),
            "page": page,
            "pages": read_parts(
                version, parts, highlight=highlight, image_url=_image_urls(request, version)
            ),
            "pages_to_check": [span.number for span in spans if span.is_to_check],
            "highlight": highlight,
            "used": count_citations(document.workspace_id, [document.pk]).get(document.pk, 0),
        },
    )


@require_GET
@workspace_view()
def source(request: WorkspaceRequest, *, document_id: UUID) -> HttpResponse:
    """The fragment beside a chat: the cited page and its neighbours, highlighted."""
    document = get_readable_document(request.workspace, document_id, reader=request.user)
    version = find_version(document, request.GET.get("version", ""))
    highlight = _read_highlight(request, version)
    start, end = (highlight.start, highlight.end) if highlight else (0, 0)
    parts = plan_excerpt(list_page_spans(version), start=start, end=end)
    pages = read_parts(version, parts, highlight=highlight, image_url=_image_urls(request, version))
    query = urlencode({"version": version.number, "start": start, "end": end})
    url = reverse("documents:document", args=[request.workspace.slug, document.pk])
    return render(
        request,
        "documents/_source.html",
        {
            "document": document,
            "version": version,
            "location": name_location(pages),
            "highlight": highlight,
            "url": f"{url}?{query}#highlight",
            "pages": pages,
        },
    )


@require_GET
@workspace_view()
def page_image(request: WorkspaceRequest, *, document_id: UUID, number: int) -> HttpResponse:
    """A page as PNG. The version is part of the address, so that browsers can keep it for good."""
    document = get_readable_document(request.workspace, document_id, reader=request.user)
    version = find_version(document, request.GET.get("version", ""))
    image = read_page_image(version, number=number)
    response = HttpResponse(image, content_type="image/png")
    if request.GET.get("version"):
        response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


@require_GET
@workspace_view()
def download(request: WorkspaceRequest, *, document_id: UUID) -> StreamingHttpResponse:
    """The file as it was uploaded, never to be opened in place: it may be anything."""
    document = get_readable_document(request.workspace, document_id, reader=request.user)
    version = find_version(document, request.GET.get("version", ""))
    path = locate_blob(version.blob)
    if not version.blob or not path.is_file():
        raise Http404
    name = PurePosixPath(version.filename).name
    return StreamingHttpResponse(
        _stream(path),
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": content_disposition_header(True, name) or "attachment",
            "Content-Length": str(path.stat().st_size),
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


async def _stream(path: Path) -> AsyncIterator[bytes]:
    # Asynchronous, because the server reads a plain iterator to its end before it sends anything.
    with path.open("rb") as file:
        while block := await asyncio.to_thread(file.read, BLOCK):
            yield block


@require_GET
@workspace_view()
def diff(request: WorkspaceRequest, *, document_id: UUID) -> HttpResponse:
    """What changed from the version before (or `?from=`) to the version `?to=`."""
    document = get_document(request.workspace, document_id)
    new = find_version(document, request.GET.get("to", ""))
    old = _find_older(document, new, request.GET.get("from", ""))
    result = compare_texts(read_text(old).text, read_text(new).text)
    return render(
        request,
        "documents/diff.html",
        {
            "nav": "documents",
            "document": document,
            "old": old,
            "new": new,
            "parts": result.parts,
            "added": result.added,
            "removed": result.removed,
            "is_cut": result.is_cut,
        },
    )


def _find_older(document: Document, new: DocumentVersion, requested: str) -> DocumentVersion:
    if requested:
        return find_version(document, requested)
    older = list_versions(document).filter(number__lt=new.number, num_chars__gt=0).first()
    if older is None:
        raise Http404
    return older


def _read_highlight(request: WorkspaceRequest, version: DocumentVersion) -> Highlight | None:
    """What the address asks for; malformed or impossible numbers highlight nothing."""
    passage = _read_number(request, "passage")
    if passage is not None:
        return find_passage(version, passage)
    start, end = _read_number(request, "start"), _read_number(request, "end")
    return Highlight(start, end) if start is not None and end and start < end else None


def _read_number(request: WorkspaceRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    if not (text.isascii() and text.isdigit()):
        return None
    return int(text) if len(text) <= 10 and int(text) <= MAX_OFFSET else None


def _image_urls(request: WorkspaceRequest, version: DocumentVersion) -> ImageUrl:
    def build(number: int) -> str:
        path = reverse(
            "documents:page_image", args=[request.workspace.slug, version.document_id, number]
        )
        return f"{path}?version={version.pk}"

    return build
