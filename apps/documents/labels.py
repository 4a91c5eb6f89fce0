"""What people say about a document so that searches can be narrowed: tags, metadata, its date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from django.db import transaction

from apps.core.text import storable
from apps.documents import doors
from apps.documents.models import Document
from apps.workspaces.services import Actor, record_audit

MAX_TAGS = 50
MAX_METADATA = 50
TAG_CHARS = 80


class TooManyTagsError(Exception):
    """A document has MAX_TAGS tags already."""


def clean_tag(text: str) -> str:
    """A tag as it is kept: in lower case and without empty levels, as "hr/leave"."""
    levels = [" ".join(level.split()) for level in storable(text).lower().split("/")]
    return "/".join(level for level in levels if level)


def tag_of_folder(name: str) -> str:
    """The tag of a document that was uploaded with its folders, as "hr/leave" of "HR/Leave/a.md".

    The deepest folders are left out where the tag would be too long.
    """
    folders = clean_tag(name.rpartition("/")[0])
    while len(folders) > TAG_CHARS:
        folders = folders.rpartition("/")[0]
    return folders


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
        document.tags = list(dict.fromkeys(kept for tag in tags if (kept := clean_tag(tag))))
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


@transaction.atomic
def change_tag(document: Document, *, actor: Actor, tag: str, is_removed: bool = False) -> bool:
    """Add a tag or take it away; False if there was nothing to do. Raises TooManyTagsError."""
    locked = Document.objects.select_for_update(no_key=True).get(pk=document.pk)
    if (tag in locked.tags) != is_removed:
        return False
    if not is_removed and len(locked.tags) >= MAX_TAGS:
        raise TooManyTagsError
    others = [known for known in locked.tags if known != tag]
    label_document(locked, actor=actor, tags=others if is_removed else [*others, tag])
    return True
