"""The chunks that a version should have: pages cut by a profile, with people's changes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from apps.chunking.cutting import cut_pages
from apps.chunking.edits import ChunkChange, Placement, PlannedChunk, apply_changes, place
from apps.chunking.models import Chunk, ChunkEdit, ChunkingProfile
from apps.chunking.profiles import read_values
from apps.chunking.splitters import Piece
from apps.chunking.tables import Tables, find_tables
from apps.chunking.units import PageText, join_pages
from apps.core.embedder import get_embedder
from apps.documents.models import DocumentVersion, Page

HEADING_CHARS = 500


@dataclass(frozen=True, slots=True)
class CutVersion:
    """A version as a profile cuts it, before anybody's changes."""

    text: str
    page_starts: tuple[tuple[int, int], ...]
    """(start, number) of each page."""
    pieces: tuple[Piece, ...]
    tables: Tables | None = None

    def page_at(self, offset: int) -> int:
        """The number of the page that holds the character at `offset`."""
        index = bisect_right(self.page_starts, (offset, 2**31)) - 1
        return self.page_starts[max(index, 0)][1]


def read_pages(version: DocumentVersion) -> list[PageText]:
    """The version's pages with their texts and blocks, in order."""
    rows = Page.objects.filter(version=version).order_by("number")
    return [
        PageText(number=number, text=text, start=start, blocks=blocks)
        for number, text, start, blocks in rows.values_list("number", "text", "start", "blocks")
    ]


def read_changes(document_id: UUID) -> list[ChunkChange]:
    """What people changed in a document, the newest first."""
    edits = ChunkEdit.objects.filter(document_id=document_id).order_by("-updated_at", "-id")
    return [
        ChunkChange(
            id=edit.pk, start=edit.start, original=edit.original, text=edit.text,
            is_fixed=edit.is_fixed, is_disabled=edit.is_disabled, tags=tuple(edit.tags),
        )
        for edit in edits
    ]  # fmt: skip


def cut_version(version: DocumentVersion, *, profile: ChunkingProfile) -> CutVersion:
    """Cut the version's pages. Blocking, and slow for strategies that embed sentences."""
    return cut_texts(read_pages(version), profile=profile)


def cut_texts(pages: Sequence[PageText], *, profile: ChunkingProfile) -> CutVersion:
    """Cut pages that have been read already. Blocking, like `cut_version`."""
    pieces = cut_pages(pages, splitter=profile.splitter, values=read_values(profile))
    text = join_pages([page.text for page in pages])
    return CutVersion(
        text=text,
        page_starts=tuple((page.start, page.number) for page in pages),
        pieces=tuple(pieces),
        tables=find_tables([(page.start, page.blocks) for page in pages], text),
    )


def place_changes(version: DocumentVersion, changes: Sequence[ChunkChange]) -> Placement:
    """Where the changes apply in this version, and which no longer have a place."""
    if not changes:
        return Placement((), ())
    return place(changes, join_pages([page.text for page in read_pages(version)]))


def compose(cut: CutVersion, changes: Sequence[ChunkChange]) -> list[PlannedChunk]:
    """The chunks to store, in order."""
    planned = apply_changes(
        cut.pieces,
        place(changes, cut.text).placed,
        text=cut.text,
        page_at=cut.page_at,
        count_tokens=get_embedder().count_tokens,
    )
    if not cut.tables:
        return planned
    heads = [cut.tables.head_of(chunk.piece.start, chunk.piece.end) for chunk in planned]
    return [
        chunk if head is None else replace(chunk, table_head=head)
        for chunk, head in zip(planned, heads, strict=True)
    ]


def build_chunk(
    planned: PlannedChunk, *, version: DocumentVersion, profile: ChunkingProfile, position: int
) -> Chunk:
    """The unsaved row of a chunk."""
    piece = planned.piece
    return Chunk(
        workspace_id=version.workspace_id,
        version=version,
        profile=profile,
        position=position,
        text=planned.text,
        heading=piece.heading[:HEADING_CHARS],
        table_head=planned.table_head,
        start=piece.start,
        end=piece.end,
        first_page=piece.first_page,
        last_page=piece.last_page,
        num_tokens=piece.num_tokens,
        parent_start=piece.parent_start,
        parent_end=piece.parent_end,
        edit_id=planned.edit_id,
        tags=list(planned.tags),
    )
