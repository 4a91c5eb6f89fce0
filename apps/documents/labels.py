"""What people say about a document so that searches can be narrowed: tags, metadata, its date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from django.db import transaction

from apps.documents import doors
from apps.documents.models import Document
from apps.workspaces.services import Actor, record_audit

MAX_TAGS = 50
MAX_METADATA = 50


@transaction.atomic
def label_document(
    document: Document,
    *,
    actor: Actor,
    tags: Sequence[str] | None = None,
    metadata: Mapping[str, str] | None = None,
    source_date: dt.date | None = None,
    clears_date: bool = False,
) -> Document:
    """Replace the labels that are not None. Names and tags are kept in lower case.

    Filters see it at once. Indexes that embed labels with passages follow a moment later.
    """
    before = (document.tags, document.metadata, document.source_date)
    if tags is not None:
        document.tags = list(dict.fromkeys(tag.strip().lower() for tag in tags if tag.strip()))
    if metadata is not None:
        document.metadata = {name.strip().lower(): value for name, value in metadata.items()}
    if source_date is not None or clears_date:
        document.source_date = source_date
    document.save(update_fields=["tags", "metadata", "source_date"])
    record_audit(
        document.workspace_id,
        actor=actor,
        action="document.labelled",
        subject=document,
        detail={"name": document.name},
    )
    if before != (document.tags, document.metadata, document.source_date):
        doors.follow_labels(document.workspace_id, document.pk)
    return document
