"""A page of a source as it is shown: its text in segments, its image, what is highlighted.

Pure: a page's text, blocks and boxes in, pieces for the template out. Offsets that come in count
characters of the version's full text; blocks and boxes count from the start of their page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from apps.documents.tables.finding import Table
from apps.documents.tables.layout import Content, iter_runs, lay_out

HEADING, TABLE, CODE = "heading", "table", "code"
FULL_LINE = 50
"""Characters in a line from which its break is taken to come from the edge of a window."""
STARTS_ANEW = re.compile(r"[-*\u2022#|>+]|\d+[.)]|[a-zA-Z][.)]\s")


@dataclass(frozen=True, slots=True)
class Highlight:
    """The characters `start` to `end` of the full text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of text of one kind. `anchor` is an id that links can point at, or empty."""

    text: str
    is_heading: bool = False
    is_marked: bool = False
    is_first_mark: bool = False
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Rect:
    """A highlighted place on a page's image, in points from its top left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class PageView:
    """One page, or a part of a long one. Without an image, `width` and `height` are 0."""

    number: int
    label: str
    note: str
    content: Content[Segment]
    rects: tuple[Rect, ...] = ()
    image_url: str = ""
    width: float = 0.0
    height: float = 0.0
    is_cited: bool = False
    is_to_check: bool = False

    @property
    def has_first_mark(self) -> bool:
        """Whether the highlight begins here, so that exactly one element carries its anchor."""
        return any(segment.is_first_mark for segment in iter_runs(self.content))


def join_wrapped_lines(text: str, *, headings: Iterable[tuple[int, int]]) -> str:
    """The text with spaces for the line breaks inside of its paragraphs, of the same length.

    Only what looks like running text is joined: long lines, followed by one that begins neither
    with space nor like a list item or a table row. `headings` are (start, end) in this text.
    """
    fixed = {edge for start, end in headings for edge in (start - 1, end)}
    pieces = text.split("\n")
    joined = [pieces[0]]
    position = len(pieces[0])
    for line, following in pairwise(pieces):
        flows = (
            len(line) >= FULL_LINE
            and following[:1].strip() != ""
            and not STARTS_ANEW.match(following)
            and not {"\t", "|"} & set(line + following)
            and position not in fixed
        )
        joined.append((" " if flows else "\n") + following)
        position += 1 + len(following)
    return "".join(joined)


def split_segments(
    text: str,
    *,
    offset: int,
    headings: Iterable[tuple[int, int]],
    highlight: Highlight | None,
    is_first: bool = True,
) -> tuple[Segment, ...]:
    """Cut `text`, which stands at `offset`, at headings and at the highlight's ends.

    `headings` are (start, end) in the full text. `is_first` says that no earlier page holds the
    beginning of the highlight, so that exactly one segment of a document is the first mark.
    """
    end = offset + len(text)
    spans = [(max(a, offset), min(b, end)) for a, b in headings if a < end and b > offset]
    mark = (highlight.start, highlight.end) if highlight else (0, 0)
    cuts = {offset, end, *(edge for span in spans for edge in span)}
    cuts |= {edge for edge in mark if offset < edge < end}
    edges = sorted(cuts)
    segments: list[Segment] = []
    for start, stop in pairwise(edges):
        is_marked = mark[0] <= start and stop <= mark[1]
        segments.append(
            Segment(
                text=text[start - offset : stop - offset],
                is_heading=any(a <= start and stop <= b for a, b in spans),
                is_marked=is_marked,
                is_first_mark=is_first and is_marked,
            )
        )
        is_first = is_first and not is_marked
    return tuple(segments)


def lay_out_segments(segments: Sequence[Segment], tables: Sequence[Table]) -> Content[Segment]:
    """Segments of a source in prose and tables; the highlight's anchor is never lost."""
    return lay_out(segments, tables, clip=_clip_segment, is_marked=lambda item: item.is_marked)


def _clip_segment(segment: Segment, text: str, is_first: bool) -> Segment | None:
    is_first_mark, anchor = segment.is_first_mark and is_first, segment.anchor if is_first else ""
    if not (text or is_first_mark or anchor):
        return None
    return replace(segment, text=text, is_first_mark=is_first_mark, anchor=anchor)


def place_rects(
    boxes: Sequence[Sequence[float]],
    *,
    page_start: int,
    width: float,
    height: float,
    highlight: Highlight,
) -> tuple[Rect, ...]:
    """Where a highlight stands on the page's image, line by line.

    A box is [start, end, x0, y0, x1, y1] of a line. Of a line that is highlighted in part, the
    part's share of the characters is its share of the width: close enough to lead the eye.
    """
    rects = []
    for start, end, x0, y0, x1, y1 in boxes:
        first = max(highlight.start - page_start, start)
        last = min(highlight.end - page_start, end)
        if last <= first or end <= start:
            continue
        share = (x1 - x0) / (end - start)
        left = x0 + (first - start) * share
        right = x0 + (last - start) * share
        rects.append(
            Rect(
                x=round(left * width, 2),
                y=round(y0 * height, 2),
                width=round((right - left) * width, 2),
                height=round((y1 - y0) * height, 2),
            )
        )
    return tuple(rects)
