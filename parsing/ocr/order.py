"""Reading order of recognised lines, which come in no order at all.

Row by row, unless columns of prose stand side by side: a form or a table is read across.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from parsing.pdf.chars import Segment

_MAX_COLUMNS_DEEP = 6
_WIDE = 0.6
_LEAST_CHARS = 20
"""Half of a column's lines are longer; those of a form's labels or a table's cells are not."""


def order_lines(segments: list[Segment], *, depth: int = 0) -> Iterator[Segment]:
    """The segments as they are read; lines across a gutter part what stands above from below."""
    gutter = _find_gutter(segments) if depth < _MAX_COLUMNS_DEEP else None
    if gutter is None:
        for row in _find_rows(segments):
            yield from row
        return
    section: list[Segment] = []
    for segment in sorted(segments, key=lambda item: item.y0 + item.y1):
        if segment.x0 < gutter < segment.x1:
            yield from _order_columns(section, gutter, depth=depth + 1)
            yield segment
            section = []
        else:
            section.append(segment)
    yield from _order_columns(section, gutter, depth=depth + 1)


def _order_columns(section: list[Segment], gutter: float, *, depth: int) -> Iterator[Segment]:
    yield from order_lines([item for item in section if item.x1 <= gutter], depth=depth)
    yield from order_lines([item for item in section if item.x1 > gutter], depth=depth)


def _find_gutter(segments: list[Segment]) -> float | None:
    """Middle of the widest gap between columns of prose, not counting what lies right across."""
    if len(segments) < 6:
        return None
    width = max(item.x1 for item in segments) - min(item.x0 for item in segments)
    narrow = [item for item in segments if item.x1 - item.x0 < _WIDE * width]
    if not narrow:
        return None
    height = statistics.median(item.y1 - item.y0 for item in narrow)
    best, place, reach = 0.8 * height, None, None
    for start, end in sorted((item.x0, item.x1) for item in narrow):
        if reach is not None and start - reach > best:
            best, place = start - reach, (start + reach) / 2
        reach = end if reach is None else max(reach, end)
    if place is None:
        return None
    sides = (
        [item for item in narrow if item.x1 <= place],
        [item for item in narrow if item.x1 > place],
    )
    return place if all(_is_prose(side, height=height) for side in sides) else None


def _is_prose(lines: list[Segment], *, height: float) -> bool:
    if len(lines) < 3 or statistics.median(len(item.text) for item in lines) < _LEAST_CHARS:
        return False
    return max(item.y1 for item in lines) - min(item.y0 for item in lines) >= 3 * height


def _find_rows(segments: list[Segment]) -> Iterator[list[Segment]]:
    """Rows from above, each from left to right."""
    row: list[Segment] = []
    for segment in sorted(segments, key=lambda item: item.y0 + item.y1):
        if row:
            middle = statistics.fmean((item.y0 + item.y1) / 2 for item in row)
            height = min(segment.y1 - segment.y0, *(item.y1 - item.y0 for item in row))
            if (segment.y0 + segment.y1) / 2 - middle > 0.5 * height:
                yield sorted(row, key=lambda item: item.x0)
                row = []
        row.append(segment)
    if row:
        yield sorted(row, key=lambda item: item.x0)
