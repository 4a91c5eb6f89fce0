"""Turns spans into chunks: trims them, adds heading paths and pages, halves what is too large."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from apps.chunking.spans import Span, strip_span
from apps.chunking.splitters import CONTEXT_TOKENS, Contexts, Piece
from apps.chunking.strategies.base import ChunkingSource
from apps.chunking.units import (
    CHARS_PER_TOKEN,
    HEADING_CHARS,
    PageText,
    find_regions,
    join_path,
    shorten,
)

_BLANK = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class _Heading:
    start: int
    end: int
    path: str


class Outline:
    """The headings of a document by their offsets, and its pages."""

    def __init__(self, pages: Sequence[PageText], text: str) -> None:
        self._text = text
        self._pages = list(pages)
        self._page_starts = [page.start for page in pages]
        self._headings = list(_read_headings(pages, text))
        self._heading_starts = [heading.start for heading in self._headings]

    def page_at(self, offset: int) -> int:
        """The number of the page that holds the character at `offset`."""
        return self._pages[max(bisect_right(self._page_starts, offset) - 1, 0)].number

    def path_of(self, start: int, end: int) -> str:
        """The heading path of a span, including the headings that it opens with."""
        number = bisect_right(self._heading_starts, start) - 1
        while number + 1 < len(self._headings) and self._opens(start, end, number):
            following = self._headings[number + 1]
            if following.start >= end:
                break
            between = self._text[self._headings[number].end : following.start]
            if between.strip():
                break
            number += 1
        return self._headings[number].path if number >= 0 else ""

    def _opens(self, start: int, end: int, number: int) -> bool:
        return number >= 0 and start <= self._headings[number].end <= end


def _read_headings(pages: Sequence[PageText], text: str) -> list[_Heading]:
    path: list[tuple[int, str]] = []
    headings = []
    for page in pages:
        for kind, level, raw_start, raw_end in find_regions(page):
            if kind != "heading":
                continue
            start, end = strip_span(text, raw_start, raw_end)
            if start == end:
                continue
            while path and path[-1][0] >= level:
                path.pop()
            path.append((level, shorten(" ".join(text[start:end].split()), HEADING_CHARS)))
            headings.append(_Heading(start, end, join_path([title for _, title in path])))
    return headings


def finish(
    source: ChunkingSource,
    spans: Sequence[Span],
    *,
    with_headings: bool = True,
    limit: int | None = None,
) -> list[Piece]:
    """Chunks from spans, in order. Empty ones are dropped, and what is too large is halved.

    No chunk has more than `limit` tokens, nor more than `source.room` with its heading path.
    """
    text = source.text
    stripped = [span for start, end in spans if (span := strip_span(text, start, end))[0] < span[1]]
    outline = Outline(source.pages, text)
    paths = [outline.path_of(*span) if with_headings else "" for span in stripped]
    unique = list(dict.fromkeys(paths))
    contexts = Contexts(unique, count_tokens=source.count_tokens)
    known = {path: number for number, path in enumerate(unique)}
    rooms = [
        min(limit or source.room, source.room - contexts.tokens[known[path]]) for path in paths
    ]
    fitted = zip(paths, _fit(source, stripped, rooms), strict=True)
    leaves = [(span, tokens, path) for path, parts in fitted for span, tokens in parts]
    pieces = []
    # Half of a chunk may lie within the overlap of the next, and then adds nothing.
    reached = 0
    for (start, end), tokens, path in sorted(leaves, key=lambda leaf: (leaf[0][0], -leaf[0][1])):
        if end > reached:
            reached = end
            pieces.append(
                Piece(
                    start=start, end=end, heading=contexts.paths[known[path]],
                    first_page=outline.page_at(start), last_page=outline.page_at(end - 1),
                    num_tokens=tokens,
                )
            )  # fmt: skip
    return pieces


_Fitted = list[tuple[Span, int]]


def _fit(source: ChunkingSource, spans: Sequence[Span], rooms: Sequence[int]) -> list[_Fitted]:
    """The parts of each span, with their tokens; a span that fits has one part."""
    parts: list[list[Span]] = [[span] for span in spans]
    counted: dict[Span, int] = {}
    waiting = list(dict.fromkeys(spans))
    while waiting:
        counts = source.count_tokens([source.tables.text_of(*span) for span in waiting])
        counted.update(zip(waiting, counts, strict=True))
        waiting = []
        for number, room in enumerate(rooms):
            halved: list[Span] = []
            for span in parts[number]:
                if _size(span, counted[span]) > room and span[1] - span[0] > 1:
                    halved += _halve(source.text, span)
                else:
                    halved.append(span)
            parts[number] = halved
            waiting += [span for span in halved if span not in counted]
        waiting = list(dict.fromkeys(waiting))
    return [[(span, counted[span]) for span in fitted] for fitted in parts]


def _size(span: Span, tokens: int) -> int:
    # A word of any length may be one unknown token to the model.
    return max(tokens, -(-(span[1] - span[0]) // CHARS_PER_TOKEN))


def _halve(text: str, span: Span) -> list[Span]:
    """Two parts, cut at the blank nearest to the middle, or in the middle where none is near."""
    start, end = span
    middle = (start + end) // 2
    reach = max((end - start) // 4, 1)
    before = [match.start() for match in _BLANK.finditer(text, middle - reach, middle)]
    after = _BLANK.search(text, middle, middle + reach)
    places = [*before[-1:], *([after.start()] if after else [])]
    cut = min(places, key=lambda place: abs(place - middle), default=middle)
    halves = (strip_span(text, start, cut), strip_span(text, cut, end))
    return [half for half in halves if half[0] < half[1]]


__all__ = ["CONTEXT_TOKENS", "Outline", "finish"]
