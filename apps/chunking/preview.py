"""How a document would be cut, before anything is stored. Pure except for the embedding model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from apps.chunking.histogram import Histogram, plot_histogram
from apps.chunking.profiles import name_setting
from apps.chunking.splitters import Piece
from apps.chunking.strategies import ChunkingSource, Strategy, Values
from apps.chunking.units import PageText

MAX_CHARS = 40_000
MAX_CHARS_EMBEDDED = 15_000
"""The limit for strategies that embed every sentence while somebody waits."""

TINY = 20
"""In tokens; a smaller chunk says too little to be found by its meaning."""

UNLIMITED = 10**9


@dataclass(frozen=True, slots=True)
class DrawnSegment:
    """A run of the text that lies in the same chunks: none, one, or several that overlap.

    `number` is that of the chunk that begins here, or 0; `tone` tells neighbours apart.
    """

    text: str
    is_shared: bool
    is_inside: bool
    tone: int
    number: int
    tokens: int
    heading: str
    parent: int
    """The number of the parent that begins here, or 0."""


@dataclass(frozen=True, slots=True)
class Preview:
    """How one setting cuts a document, with figures about the chunks."""

    strategy: Strategy
    values: Values
    name: str
    pieces: tuple[Piece, ...]
    segments: tuple[DrawnSegment, ...]
    histogram: Histogram
    room: int
    num_tiny: int
    num_oversize: int
    """Chunks that, at the size asked for, would be more than the model reads."""
    num_parents: int
    chars_read: int
    is_part: bool
    took_ms: float

    @property
    def num_passages(self) -> int:
        return len(self.pieces)

    @property
    def tokens(self) -> tuple[int, int, int]:
        """The smallest, the median and the largest chunk, in tokens."""
        sizes = sorted(piece.num_tokens for piece in self.pieces) or [0]
        return sizes[0], sizes[len(sizes) // 2], sizes[-1]

    @property
    def repeated_percent(self) -> int:
        """The share of the characters that stand in more than one chunk, 0 to 100."""
        total = sum(len(s.text) for s in self.segments if s.is_inside)
        shared = sum(len(s.text) for s in self.segments if s.is_shared)
        return round(100 * shared / total) if total else 0


def make_preview(source: ChunkingSource, *, strategy: Strategy, values: Values) -> Preview:
    """Cut the beginning of a document, up to MAX_CHARS (fewer where sentences are embedded).

    `values` are complete and checked. Raises what the strategy raises.
    """
    limit = MAX_CHARS_EMBEDDED if strategy.uses_embedder else MAX_CHARS
    pages = _first_pages(source.pages, limit)
    part = replace(source, pages=pages)
    started = time.perf_counter()
    pieces = strategy.cut(part, values)
    took_ms = (time.perf_counter() - started) * 1000
    parents = list(dict.fromkeys(p.parent_start for p in pieces if p.parent_start is not None))
    return Preview(
        strategy=strategy,
        values=values,
        name=name_setting(strategy.key, values),
        pieces=tuple(pieces),
        segments=tuple(draw(part.text, pieces)),
        histogram=plot_histogram([piece.num_tokens for piece in pieces], limit=source.room),
        room=source.room,
        num_tiny=sum(piece.num_tokens < TINY for piece in pieces),
        num_oversize=_count_oversize(part, strategy, values),
        num_parents=len(parents),
        chars_read=len(part.text),
        is_part=len(part.text) < len(source.text),
        took_ms=took_ms,
    )


def _first_pages(pages: Sequence[PageText], limit: int) -> list[PageText]:
    """Whole pages up to the limit; of the one that crosses it, the beginning."""
    kept = []
    for page in pages:
        if page.start >= limit:
            break
        room = limit - page.start
        kept.append(page if len(page.text) <= room else replace(page, text=page.text[:room]))
    return kept


def _count_oversize(source: ChunkingSource, strategy: Strategy, values: Values) -> int:
    """How many chunks had to be smaller than asked for, because of what the model reads."""
    if strategy.uses_embedder:
        return 0
    free = strategy.cut(replace(source, room=UNLIMITED), values)
    counts = source.count_tokens([piece.heading for piece in free])
    return sum(
        piece.num_tokens + count > source.room for piece, count in zip(free, counts, strict=True)
    )


def draw(text: str, pieces: Sequence[Piece]) -> list[DrawnSegment]:
    """The whole text in runs, cut wherever a chunk or a parent begins or ends."""
    cuts = {0, len(text)}
    for piece in pieces:
        cuts |= {piece.start, piece.end}
        if piece.parent_start is not None:
            cuts.add(piece.parent_start)
    starts = {piece.start: number for number, piece in enumerate(pieces, 1)}
    spans = {piece.parent_start for piece in pieces if piece.parent_start is not None}
    parents = {start: number for number, start in enumerate(sorted(spans), 1)}
    segments = []
    first = 0
    for start, end in pairwise(sorted(cuts)):
        while first < len(pieces) and pieces[first].end <= start:
            first += 1
        inside = _covering(pieces, first, start, end)
        number = starts.get(start, 0)
        segments.append(
            DrawnSegment(
                text=text[start:end],
                is_shared=len(inside) > 1,
                is_inside=bool(inside),
                tone=(inside[-1] % 2) if inside else 0,
                number=number,
                tokens=pieces[number - 1].num_tokens if number else 0,
                heading=pieces[number - 1].heading if number else "",
                parent=parents.get(start, 0),
            )
        )
    return segments


def _covering(pieces: Sequence[Piece], first: int, start: int, end: int) -> list[int]:
    """Indices of the chunks that hold all of a run, from `first` on."""
    covering = []
    for index in range(first, len(pieces)):
        if pieces[index].start > start:
            break
        if pieces[index].end >= end:
            covering.append(index)
    return covering
