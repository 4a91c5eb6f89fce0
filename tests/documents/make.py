"""Documents for tests of pages, written as rows: no worker runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.chunking.models import Chunk
from apps.documents.collections import create_collection
from apps.documents.models import Collection, Document, DocumentVersion, Page, VersionState
from apps.documents.selectors import PAGE_SEPARATOR
from apps.retrieval.indexes.services import ensure_live_index
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor


def make_collection(workspace: Workspace, name: str = "Handbook") -> Collection:
    return create_collection(workspace, name=name, actor=Actor())


def make_document(
    collection: Collection,
    name: str = "leave.md",
    pages: Sequence[str] = ("Leave is 25 days.",),
    **fields: Any,
) -> Document:
    """A document that is ready; `fields` are of its version."""
    document = Document.objects.create(
        workspace_id=collection.workspace_id, collection=collection, name=name
    )
    add_version(document, pages, **fields)
    return document


def add_version(document: Document, pages: Sequence[str], **fields: Any) -> DocumentVersion:
    """The next version, with its pages and a passage for each; if ready, it is the current one."""
    values: dict[str, Any] = {
        "state": VersionState.READY,
        "filename": document.name,
        "num_chunks": len(pages),
        "pages_total": len(pages),
        "num_chars": len(PAGE_SEPARATOR.join(pages)),
        **fields,
    }
    version = DocumentVersion.objects.create(
        workspace_id=document.workspace_id,
        document=document,
        number=document.versions.count() + 1,
        **values,
    )
    profile = ensure_live_index(document.collection).profile
    start = 0
    for number, text in enumerate(pages, 1):
        end = start + len(text)
        common = {"workspace_id": document.workspace_id, "version": version}
        Page.objects.create(**common, number=number, text=text, start=start, end=end)
        Chunk.objects.create(
            **common, profile=profile, position=number - 1, text=text, start=start, end=end,
            first_page=number, last_page=number, num_tokens=len(text.split()),
        )  # fmt: skip
        start = end + len(PAGE_SEPARATOR)
    if version.state == VersionState.READY:
        document.current = version
        document.save(update_fields=["current"])
    return version
