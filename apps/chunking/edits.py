"""Applies people's changes to freshly cut chunks. Pure: pieces and changes in, chunks out.

A stretch that somebody edited, split off, merged or disabled is a chunk of its own in every
chunking, and replaces whatever the splitter puts there. So text that was corrected or disabled
cannot be found through the overlap of a neighbour either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from apps.chunking.spans import Span, strip_span
from apps.chunking.splitters import Piece
from apps.chunking.units import CountTokens

SHORTEST_ANCHOR = 20
"""In characters. A shorter original could occur anywhere: it is matched in its old place only."""


@dataclass(frozen=True, slots=True)
class ChunkChange:
    """What was done to the stretch that read `original`, at `start`. See ChunkEdit."""

    id: UUID
    start: int
    original: str
    text: str = ""
    is_fixed: bool = True
    is_disabled: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlacedChange:
    """A change and where its stretch stands now."""

    change: ChunkChange
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class PlannedChunk:
    """A piece as it is stored: its own text or that of an edit, its tags and its table head."""

    piece: Piece
    text: str
    edit_id: UUID | None = None
    tags: tuple[str, ...] = ()
    table_head: str | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Changes, separated by whether the text that they were made to is still there."""

    placed: tuple[PlacedChange, ...]
    lost: tuple[ChunkChange, ...]


def hash_text(text: str) -> str:
    """The sha256 of a stretch, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def place(changes: Iterable[ChunkChange], text: str) -> Placement:
    """Find each change's stretch in a full text; where two would overlap, the newer one wins.

    `changes` are ordered from newest to oldest.
    """
    placed: list[PlacedChange] = []
    lost: list[ChunkChange] = []
    for change in changes:
        start = locate(change.original, text, near=change.start)
        stretch = (
            None if start is None else PlacedChange(change, start, start + len(change.original))
        )
        if stretch is None or (change.is_fixed and _meets(stretch, placed)):
            lost.append(change)
        else:
            placed.append(stretch)
    return Placement(tuple(sorted(placed, key=lambda stretch: stretch.start)), tuple(lost))


def _meets(stretch: PlacedChange, placed: Iterable[PlacedChange]) -> bool:
    return any(
        other.change.is_fixed and stretch.start < other.end and other.start < stretch.end
        for other in placed
    )


def locate(original: str, text: str, *, near: int) -> int | None:
    """Where a stretch is now: in its old place, or else at the nearest identical text."""
    if original and text.startswith(original, near):
        return near
    if len(original) < SHORTEST_ANCHOR:
        return None
    before = text.rfind(original, 0, near + len(original))
    after = text.find(original, near)
    places = [place for place in (before, after) if place >= 0]
    return min(places, key=lambda place: abs(place - near), default=None)


PageAt = Callable[[int], int]


def apply_changes(
    pieces: Sequence[Piece],
    placed: Sequence[PlacedChange],
    *,
    text: str,
    page_at: PageAt,
    count_tokens: CountTokens,
) -> list[PlannedChunk]:
    """The chunks to store, in order; `placed` is sorted by start."""
    fixed = [stretch for stretch in placed if stretch.change.is_fixed]
    tagging = [stretch for stretch in placed if stretch.change.tags]
    spans = [(stretch.start, stretch.end) for stretch in fixed]
    kept = [PlannedChunk(piece, "") for piece in pieces if not _touches(piece, spans)]
    kept += [PlannedChunk(piece, "") for piece in _trim(pieces, spans, text=text, page_at=page_at)]
    for stretch in fixed:
        if not stretch.change.is_disabled:
            piece = _pin(stretch, pieces, page_at=page_at)
            kept.append(PlannedChunk(piece, stretch.change.text, edit_id=stretch.change.id))
    kept.sort(key=lambda chunk: (chunk.piece.start, chunk.piece.end))
    named = [
        replace(
            chunk,
            text=chunk.text or text[chunk.piece.start : chunk.piece.end],
            tags=_tags_of(chunk.piece, tagging),
        )
        for chunk in kept
    ]
    return _count_anew(named, count_tokens=count_tokens)


def _touches(piece: Piece, spans: Sequence[Span]) -> bool:
    return any(piece.start < end and start < piece.end for start, end in spans)


def _trim(
    pieces: Sequence[Piece], spans: Sequence[Span], *, text: str, page_at: PageAt
) -> list[Piece]:
    """What remains of the pieces that fixed stretches touch, without text that others hold."""
    whole = [(piece.start, piece.end) for piece in pieces if not _touches(piece, spans)]
    left: list[Piece] = []
    for piece in pieces:
        if not _touches(piece, spans):
            continue
        for start, end in _subtract((piece.start, piece.end), spans):
            start, end = strip_span(text, start, end)
            others = (*whole, *((other.start, other.end) for other in left))
            if start >= end or any(a <= start and end <= b for a, b in others):
                continue
            left.append(
                replace(
                    piece, start=start, end=end, num_tokens=0, first_page=page_at(start),
                    last_page=page_at(end - 1),
                )
            )  # fmt: skip
    return left


def _subtract(span: Span, holes: Sequence[Span]) -> list[Span]:
    parts, position = [], span[0]
    for start, end in holes:
        if end <= position or start >= span[1]:
            continue
        if start > position:
            parts.append((position, start))
        position = max(position, end)
    if position < span[1]:
        parts.append((position, span[1]))
    return parts


def _pin(stretch: PlacedChange, pieces: Sequence[Piece], *, page_at: PageAt) -> Piece:
    """The chunk of a fixed stretch, with the heading and parent of the piece around it."""

    def shared(piece: Piece) -> int:
        return min(piece.end, stretch.end) - max(piece.start, stretch.start)

    home = max(pieces, key=shared, default=None)
    parent: tuple[int | None, int | None] = (None, None)
    if home is not None and home.parent_start is not None and home.parent_end is not None:
        parent = (min(home.parent_start, stretch.start), max(home.parent_end, stretch.end))
    return Piece(
        start=stretch.start,
        end=stretch.end,
        heading=home.heading if home else "",
        first_page=page_at(stretch.start),
        last_page=page_at(stretch.end - 1),
        num_tokens=0,
        parent_start=parent[0],
        parent_end=parent[1],
    )


def _tags_of(piece: Piece, tagging: Sequence[PlacedChange]) -> tuple[str, ...]:
    """Tags of the stretches that share more than half of the shorter text."""
    tags: dict[str, None] = {}
    for stretch in tagging:
        shared = min(piece.end, stretch.end) - max(piece.start, stretch.start)
        if shared * 2 > min(piece.end - piece.start, stretch.end - stretch.start):
            tags |= dict.fromkeys(stretch.change.tags)
    return tuple(tags)


def _count_anew(chunks: Sequence[PlannedChunk], *, count_tokens: CountTokens) -> list[PlannedChunk]:
    waiting = [number for number, p in enumerate(chunks) if not p.piece.num_tokens or p.edit_id]
    counts = count_tokens([chunks[number].text for number in waiting]) if waiting else []
    counted = list(chunks)
    for number, count in zip(waiting, counts, strict=True):
        chunk = chunks[number]
        counted[number] = replace(chunk, piece=replace(chunk.piece, num_tokens=count))
    return counted


def map_cut(text: str, at: int, *, original: str) -> int:
    """The offset in `original` that corresponds to `at` in `text`.

    It is the same unless the text was edited; then it is the blank nearest to the same fraction
    of the original."""
    if text == original:
        return at
    goal = round(len(original) * at / max(len(text), 1))
    blanks = [n for n, character in enumerate(original) if character.isspace()]
    return min(blanks, key=lambda place: abs(place - goal), default=goal)
