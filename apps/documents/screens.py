"""Cuts a document's pages into screens of bounded size. Pure: offsets in, offsets out.

A slide is short and a log file is one page of megabytes; both must open at once, at any passage.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_CHARS = 40_000
MAX_PAGES = 20
CONTEXT_CHARS = 6_000


@dataclass(frozen=True, slots=True)
class PageSpan:
    """Where page `number` stands in the version's full text, and whether it needs a person."""

    number: int
    start: int
    end: int
    is_to_check: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """The characters `start` to `end` of the full text, all on page `number`."""

    number: int
    start: int
    end: int


Screen = tuple[Part, ...]


def plan_screens(
    pages: Iterable[PageSpan], *, max_chars: int = MAX_CHARS, max_pages: int = MAX_PAGES
) -> list[Screen]:
    """All pages in order, at most `max_chars` characters and `max_pages` parts to a screen."""
    screens: list[Screen] = []
    current: list[Part] = []
    size = 0
    for part in _cut(pages, max_chars):
        length = part.end - part.start
        if current and (size + length > max_chars or len(current) == max_pages):
            screens.append(tuple(current))
            current, size = [], 0
        current.append(part)
        size += length
    if current:
        screens.append(tuple(current))
    return screens


def _cut(pages: Iterable[PageSpan], max_chars: int) -> Iterable[Part]:
    for page in pages:
        # An empty page (a scan without text) is one part too: its image or its note is shown.
        starts = range(page.start, max(page.end, page.start + 1), max_chars)
        for start in starts:
            yield Part(page.number, start, min(start + max_chars, page.end))


def find_screen(screens: Sequence[Screen], offset: int) -> int:
    """The index of the screen that shows the character at `offset`; the last one beyond the end."""
    for index, screen in enumerate(screens):
        if offset < screen[-1].end:
            return index
    return max(len(screens) - 1, 0)


def plan_excerpt(
    pages: Sequence[PageSpan], *, start: int, end: int, context: int = CONTEXT_CHARS
) -> Screen:
    """The pages of a passage and their neighbours, cut to `context` characters around it."""
    touched = [
        index
        for index, page in enumerate(pages)
        if page.start < max(end, start + 1) and start <= page.end
    ]
    if not touched:
        return ()
    chosen = pages[max(touched[0] - 1, 0) : touched[-1] + 2]
    first, last = start - context, end + context
    return tuple(
        Part(page.number, max(page.start, first), min(page.end, last))
        for page in chosen
        if page.start <= last and page.end >= first
    )
