"""Reads of chunks and of what people changed about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from apps.chunking.edits import ChunkChange, locate
from apps.chunking.models import Chunk, ChunkEdit, ChunkingProfile
from apps.chunking.planning import read_changes
from apps.chunking.tables import find_tables
from apps.chunking.units import join_pages
from apps.documents.models import Document, Page

LEFT_OUT = "[…]"
"""Replaces disabled text in a parent."""

MAY_BE_TABLE = "|"

PARENTS = """
WITH child AS (
    SELECT id, version_id, parent_start, parent_end FROM chunking_chunk
    WHERE id = ANY(%(ids)s) AND workspace_id = %(workspace)s AND parent_start IS NOT NULL
)
SELECT child.id, child.version_id, version.document_id, child.parent_start, child.parent_end,
       min(page.number),
       string_agg(
           substr(page.text, greatest(child.parent_start - page.start, 0) + 1,
                  least(child.parent_end, page.end)
                      - greatest(child.parent_start, page.start)),
           E'\\n\\n' ORDER BY page.number)
FROM child
JOIN documents_documentversion version ON version.id = child.version_id
JOIN documents_page page ON page.version_id = child.version_id
    AND page.start < child.parent_end AND page."end" > child.parent_start
GROUP BY child.id, child.version_id, version.document_id, child.parent_start, child.parent_end
"""


@dataclass(frozen=True, slots=True)
class Parent:
    """The larger text in which a chunk is read: characters `start` to `end` of the full text.

    `text` includes people's edits, so its length may differ from the span's. `table_head` is like
    that of a chunk.
    """

    start: int
    end: int
    page: int
    text: str
    table_head: str | None = None


@dataclass(frozen=True, slots=True)
class LostChange:
    """A change whose stretch of text is missing from the version that people read."""

    id: UUID
    original: str
    text: str
    is_disabled: bool
    tags: tuple[str, ...]


def read_parents(chunk_ids: Sequence[int], *, workspace_id: UUID) -> dict[int, Parent]:
    """The larger texts to read, by chunk id; a chunk without one is not in the result.

    One round trip, and one more for each document in which somebody changed something.
    """
    if not chunk_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(PARENTS, {"ids": list(chunk_ids), "workspace": workspace_id})
        rows = cursor.fetchall()
    changed = _changed_documents({row[2] for row in rows})
    heads = read_table_heads([(row[1], row[3], row[4]) for row in rows if MAY_BE_TABLE in row[6]])
    return {
        chunk_id: Parent(
            start, end, page, _put_in(text, start, changed.get(document_id, [])),
            heads.get((version_id, start, end)),
        )
        for chunk_id, version_id, document_id, start, end, page, text in rows
    }  # fmt: skip


VersionSpan = tuple[UUID, int, int]
"""A version, and the characters of its full text from where to where."""


def read_table_heads(spans: Iterable[VersionSpan]) -> dict[VersionSpan, str]:
    """The table heads of spans of versions, read from their pages; those without are left out.

    One round trip for each version. A head that stands on an earlier page is not found.
    """
    by_version: dict[UUID, set[VersionSpan]] = defaultdict(set)
    for span in spans:
        by_version[span[0]].add(span)
    heads: dict[VersionSpan, str] = {}
    for version_id, wanted in by_version.items():
        low, high = min(start for _, start, _ in wanted), max(end for *_, end in wanted)
        pages = list(
            Page.objects.filter(version=version_id, end__gt=low, start__lt=high)
            .order_by("number")
            .values_list("start", "blocks", "text")
        )
        if not pages:
            continue
        origin = pages[0][0]
        tables = find_tables(
            [(start - origin, blocks) for start, blocks, _ in pages],
            join_pages([text for *_, text in pages]),
        )
        for span in wanted:
            head = tables.head_of(span[1] - origin, span[2] - origin)
            if head is not None:
                heads[span] = head
    return heads


def _changed_documents(document_ids: set[UUID]) -> dict[UUID, list[ChunkChange]]:
    fixed = ChunkEdit.objects.filter(document__in=document_ids, is_fixed=True)
    changed = set(fixed.values_list("document_id", flat=True))
    return {pk: [change for change in read_changes(pk) if change.is_fixed] for pk in changed}


def _put_in(text: str, start: int, changes: Sequence[ChunkChange]) -> str:
    """A parent's text, with people's changes applied."""
    stretches = [
        (span, change)
        for change in changes
        if (change.text or change.is_disabled) and (span := _find_in(text, start, change))
    ]
    for (first, last), change in sorted(stretches, key=lambda pair: pair[0], reverse=True):
        text = text[:first] + (LEFT_OUT if change.is_disabled else change.text) + text[last:]
    return text


def _find_in(text: str, start: int, change: ChunkChange) -> tuple[int, int] | None:
    """Where a change's stretch, or the part of it inside the parent, is in the parent's text."""
    offset = change.start - start
    first, last = max(offset, 0), min(offset + len(change.original), len(text))
    if first < last and text[first:last] == change.original[first - offset : last - offset]:
        return first, last
    at = locate(change.original, text, near=max(offset, 0))
    return None if at is None else (at, at + len(change.original))


def list_profiles(workspace_id: UUID) -> list[ChunkingProfile]:
    """The workspace's chunking profiles, the newest first."""
    return list(ChunkingProfile.objects.filter(workspace_id=workspace_id).order_by("-created_at"))


def find_profile(workspace_id: UUID, profile_id: str) -> ChunkingProfile | None:
    """The workspace's profile with this id; None for anything else."""
    try:
        pk = UUID(profile_id)
    except ValueError:
        return None
    return ChunkingProfile.objects.filter(workspace_id=workspace_id, pk=pk).first()


def list_readable(collection_id: UUID, *, limit: int = 200) -> list[Document]:
    """Documents of a collection that a preview can cut, by name."""
    return list(
        Document.objects.select_related("current")
        .filter(collection_id=collection_id, deleted_at=None, current__isnull=False)
        .order_by("name")[:limit]
    )


def locate_passage(version_id: UUID, passage_id: int) -> tuple[int, int] | None:
    """Where a passage stands in a version's full text; None if the version has it no longer."""
    return (
        Chunk.objects.filter(version=version_id, pk=passage_id).values_list("start", "end").first()
    )
