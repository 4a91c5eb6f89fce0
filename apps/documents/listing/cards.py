"""Reads for the page of all collections: what a card shows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Q, Sum

from apps.documents.doors import name_assistants
from apps.documents.listing.filters import STATES
from apps.documents.models import Collection, Document
from apps.documents.selectors import list_collections, of_newest
from apps.workspaces.models import Workspace


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


def list_collection_rows(workspace: Workspace) -> list[CollectionRow]:
    """A workspace's collections by name, with three queries however many there are."""
    collections = list_collections(workspace)
    counted = (
        Document.objects.filter(workspace=workspace, deleted_at=None)
        .annotate(newest_state=of_newest("state"), newest_at=of_newest("created_at"))
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


def _counts() -> dict[str, Count | Sum]:
    return {
        "num_documents": Count("pk"),
        "num_passages": Sum("current__num_chunks"),
        "num_working": Count("pk", filter=Q(newest_state__in=STATES["working"])),
        "num_failed": Count("pk", filter=Q(newest_state__in=STATES["failed"])),
    }
