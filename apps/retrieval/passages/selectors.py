"""Reads a document's chunks, as people see and change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from apps.chunking.edits import PlacedChange
from apps.chunking.models import Chunk, ChunkEdit
from apps.chunking.planning import place_changes, read_changes
from apps.chunking.selectors import LostChange
from apps.chunking.spans import find_lines, find_paragraphs, find_sentences, strip_span
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import Document, DocumentVersion
from apps.retrieval.indexes.services import text_to_embed
from apps.retrieval.models import Index, IndexState
from apps.retrieval.passages.context_text import list_embedded, list_indexed
from apps.retrieval.postings.services import searchable_text

MAX_SHOWN = 200
MAX_PLACES = 80
SHORT_LINE = 50
"""In characters; the same as in the view of the source."""
OPEN = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class ChunkItem:
    """A chunk beside its source, or a stretch that is left out (`is_disabled`, no `id`).

    `text` includes the latest edit; `is_waiting` means that a job has yet to make it searchable.
    `edit_id` is set if somebody changed it. `number` counts from 1; it is 0 for a disabled one.
    """

    id: int | None
    number: int
    start: int
    end: int
    heading: str
    text: str
    first_page: int
    num_tokens: int
    tags: tuple[str, ...]
    edit_id: UUID | None
    is_edited: bool
    is_disabled: bool
    is_waiting: bool
    table_head: str | None = None


@dataclass(frozen=True, slots=True)
class ChunkList:
    """The chunks of part of a version; `lost` lists changes of the whole document."""

    items: tuple[ChunkItem, ...]
    lost: tuple[LostChange, ...]
    is_current: bool
    is_working: bool
    problem: str


def describe_chunks(version: DocumentVersion, *, start: int, end: int) -> ChunkList:
    """The chunks between two offsets of a version's full text, and those disabled there."""
    document = version.document
    rows = Chunk.objects.filter(version=version, start__lt=end, end__gt=start)
    rows = rows.filter(profile__in=_live_profiles(document))
    chunks = list(rows.select_related("edit").order_by("position")[:MAX_SHOWN])
    placement = place_changes(version, read_changes(document.pk))
    near = [placed for placed in placement.placed if placed.start < end and placed.end > start]
    items = [_describe(chunk, near) for chunk in chunks]
    items += [_describe_disabled(placed) for placed in near if placed.change.is_disabled]
    is_working, problem = _read_jobs(document)
    return ChunkList(
        items=tuple(sorted(items, key=lambda item: (item.start, item.end))),
        lost=tuple(
            LostChange(c.id, c.original, c.text, c.is_disabled, c.tags) for c in placement.lost
        ),
        is_current=version.pk == document.current_id,
        is_working=is_working,
        problem=problem,
    )


def _describe(chunk: Chunk, near: Sequence[PlacedChange]) -> ChunkItem:
    span = (chunk.start, chunk.end)
    change = next((p.change for p in near if (p.start, p.end) == span), None)
    text, tags = chunk.text, tuple(chunk.tags)
    is_waiting = False
    if change is not None:
        current_text = change.text or (change.original if change.is_fixed else text)
        is_waiting = current_text != chunk.text or not set(change.tags) <= set(tags)
        text, tags = current_text, change.tags or tags
    return ChunkItem(
        id=chunk.pk,
        number=chunk.position + 1,
        start=chunk.start,
        end=chunk.end,
        heading=chunk.heading,
        text=text,
        first_page=chunk.first_page,
        num_tokens=chunk.num_tokens,
        tags=tags,
        edit_id=change.id if change else chunk.edit_id,
        is_edited=bool(change.text if change else chunk.edit and chunk.edit.text),
        is_disabled=False,
        is_waiting=is_waiting,
        table_head=chunk.table_head,
    )


def _describe_disabled(placed: PlacedChange) -> ChunkItem:
    return ChunkItem(
        id=None,
        number=0,
        start=placed.start,
        end=placed.end,
        heading="",
        text=placed.change.text or placed.change.original,
        first_page=0,
        num_tokens=0,
        tags=placed.change.tags,
        edit_id=placed.change.id,
        is_edited=bool(placed.change.text),
        is_disabled=True,
        is_waiting=False,
    )


def _read_jobs(document: Document) -> tuple[bool, str]:
    """Whether changes are being made searchable, and why the last job failed, if it did."""
    jobs = Job.objects.filter(
        workspace=document.workspace_id,
        kind=JobKind.REINDEX_PASSAGES,
        key__startswith=f"{document.pk}:",
    ).order_by("-created_at")
    states = list(jobs.values_list("state", "reason")[:20])
    if any(state in OPEN for state, _ in states):
        return True, ""
    failed = states and states[0][0] == JobState.FAILED
    return False, states[0][1] if failed else ""


def list_split_places(text: str) -> list[tuple[int, str]]:
    """(offset, beginning) of the sentences and lines at which a chunk can be split in two."""
    starts = {
        strip_span(text, *sentence)[0]
        for paragraph in find_paragraphs(text, 0, len(text))
        for sentence in find_sentences(text, *paragraph)
    }
    # A break after a long line only wraps the text, and is no place to cut.
    for (first, last), (start, _) in pairwise(find_lines(text, 0, len(text))):
        if last - first < SHORT_LINE:
            starts.add(start)
    places = sorted(start for start in starts if text[:start].strip() and text[start:].strip())
    return [(start, " ".join(text[start : start + 120].split())) for start in places[:MAX_PLACES]]


def list_edited_texts(version: DocumentVersion, *, start: int, end: int) -> list[str]:
    """The texts of edited chunks that replace these characters, in the live index."""
    rows = Chunk.objects.filter(
        version=version, start__lt=end, end__gt=start, edit__isnull=False
    ).exclude(edit__text="")
    rows = rows.filter(profile__in=_live_profiles(version.document))
    return list(rows.order_by("start").values_list("text", flat=True))


def list_current_chunks(document: Document) -> QuerySet[Chunk]:
    """The chunks of the document's current version in the live index, in reading order."""
    rows = Chunk.objects.filter(version=document.current_id, profile__in=_live_profiles(document))
    return rows.order_by("position")


def _live_profiles(document: Document) -> QuerySet[Any]:
    """The profile of the live index. Other profiles have chunks of the same document."""
    live = Index.objects.filter(collection=document.collection_id, state=IndexState.LIVE)
    return live.values("profile_id")


@dataclass(frozen=True, slots=True)
class SearchedText:
    """What stands for a chunk in the live index: `embedded` is what its vector is made from,
    `indexed` what its words are counted in. Both begin with labels, headings and context."""

    embedded: str = ""
    indexed: str = ""


def read_searched_texts(document: Document, chunks: Sequence[Chunk]) -> dict[int, SearchedText]:
    """By id, what the live index of the document's collection has of these chunks."""
    index = Index.objects.filter(
        collection=document.collection_id, state=IndexState.LIVE, discarded_at=None
    ).first()
    if index is None:
        return {}
    rows = Chunk.objects.filter(
        pk__in=[chunk.pk for chunk in chunks], profile=index.profile_id, version__document=document
    )
    embedded, indexed = list_embedded(rows, index=index), list_indexed(rows, index=index)
    return {
        pk: SearchedText(text_to_embed(above, words), searchable_text(above, text))
        for (pk, words, above), (_, text, _) in zip(embedded, indexed, strict=True)
    }


def list_edits(document_id: UUID) -> list[ChunkEdit]:
    """People's changes to a document, in the order of the text."""
    return list(ChunkEdit.objects.filter(document=document_id).order_by("start"))


def read_original(chunk: Chunk) -> str:
    """The source's text in place of an edited chunk; empty if the chunk was not edited."""
    return chunk.edit.original if chunk.edit is not None and chunk.edit.text else ""
