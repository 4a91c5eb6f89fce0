"""Reads for the pages of collections and documents: what a card or a table row shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery, Sum

from apps.documents.doors import count_citations, name_assistants
from apps.documents.models import Collection, Document, DocumentVersion, VersionState
from apps.documents.selectors import describe_documents, has_page_to_check, list_documents
from apps.documents.services import OPEN_STATES
from apps.workspaces.models import Workspace

FILTERS = {
    "ready": [VersionState.READY],
    "processing": list(OPEN_STATES),
    "failed": [VersionState.FAILED],
    "cancelled": [VersionState.CANCELLED],
}
"""What the state filter of the table offers, and the states that it stands for."""
TO_CHECK = "to-check"
"""Offered beside the states: documents of which a page needs a person."""


@dataclass(frozen=True, slots=True)
class Row:
    """A document in the table, with the version that was uploaded last. `percent`: 0 to 100."""

    document: Document
    version: DocumentVersion
    percent: int | None
    seconds_left: int | None
    used: int
    is_unfinished: bool
    pages_to_check: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Documents of a collection by the state of their newest version, and their passages."""

    documents: int
    passages: int
    working: int
    failed: int
    to_check: int


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """A collection on its card. `assistants` are the names of those that answer from it."""

    collection: Collection
    num_documents: int
    num_passages: int
    num_working: int
    num_failed: int
    assistants: tuple[str, ...]
    updated_at: dt.datetime | None


def filter_documents(
    collection: Collection, *, name_contains: str = "", state: str = ""
) -> QuerySet[Document]:
    """A collection's documents for the table; an unknown state filters nothing."""
    documents = list_documents(
        collection, name_contains=name_contains, is_to_check=state == TO_CHECK
    )
    if state in FILTERS:
        documents = documents.annotate(newest_state=_newest("state")).filter(
            newest_state__in=FILTERS[state]
        )
    return documents


def build_rows(documents: Iterable[Document]) -> list[Row]:
    """Rows for documents of `filter_documents`, with three queries."""
    described = describe_documents(documents)
    if not described:
        return []
    workspace_id = described[0].document.workspace_id
    uses = count_citations(workspace_id, [item.document.pk for item in described])
    return [
        Row(
            document=item.document,
            version=item.version,
            percent=round(item.progress.fraction * 100),
            seconds_left=item.progress.seconds_left,
            used=uses.get(item.document.pk, 0),
            is_unfinished=item.version.state in OPEN_STATES,
            pages_to_check=item.pages_to_check,
        )
        for item in described
    ]


def count_documents(collection: Collection) -> Totals:
    """The collection's totals, in one query."""
    documents = Document.objects.filter(collection=collection, deleted_at=None)
    totals = documents.annotate(
        newest_state=_newest("state"), newest_id=_newest("pk")
    ).aggregate(num_to_check=Count("pk", filter=Q(has_page_to_check())), **_counts())  # fmt: skip
    return Totals(
        documents=totals["num_documents"],
        passages=totals["num_passages"] or 0,
        working=totals["num_working"],
        failed=totals["num_failed"],
        to_check=totals["num_to_check"],
    )


def list_collection_rows(workspace: Workspace) -> list[CollectionRow]:
    """A workspace's collections by name, with three queries however many there are."""
    collections = Collection.objects.filter(workspace=workspace, deleted_at=None).order_by("name")
    counted = (
        Document.objects.filter(workspace=workspace, deleted_at=None)
        .annotate(newest_state=_newest("state"), newest_at=_newest("created_at"))
        .values("collection_id")
        .annotate(updated_at=Max("newest_at"), **_counts())
    )
    by_collection: dict[UUID, dict[str, Any]] = {row["collection_id"]: dict(row) for row in counted}
    assistants = name_assistants(workspace.pk)
    rows = []
    for collection in collections:
        row = by_collection.get(collection.pk, {})
        rows.append(
            CollectionRow(
                collection=collection,
                num_documents=row.get("num_documents", 0),
                num_passages=row.get("num_passages") or 0,
                num_working=row.get("num_working", 0),
                num_failed=row.get("num_failed", 0),
                assistants=tuple(assistants.get(collection.pk, ())),
                updated_at=row.get("updated_at"),
            )
        )
    return rows


def _newest(field: str) -> Subquery:
    versions = DocumentVersion.objects.filter(document=OuterRef("pk")).order_by("-number")
    return Subquery(versions.values(field)[:1])


def _counts() -> dict[str, Count | Sum]:
    return {
        "num_documents": Count("pk"),
        "num_passages": Sum("current__num_chunks"),
        "num_working": Count("pk", filter=Q(newest_state__in=FILTERS["processing"])),
        "num_failed": Count("pk", filter=Q(newest_state=VersionState.FAILED)),
    }
