"""Reading order, paragraphs, headings, lists and tables out of placed segments of text."""

from __future__ import annotations

import itertools
import re
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from parsing.boxed import Box, BoxedBuilder, find_compounds, joins_hyphenated
from parsing.pdf.chars import Segment
from parsing.pdf.columns import cells_under_header, place_cells
from parsing.pdf.geometry import from_frame
from parsing.types import BlockKind

_BULLET = re.compile(
    r"^(?:[\u2022\u2023\u25aa\u25e6\u25cf\u25cb\u25a0\u25a1\u2013\u2014*\u00b7\u27a2\u2713\uf0b7\u2043-]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])(?:\s|$)"
)
_SENTENCE_END = re.compile(r"[.!?:;\u3002\uff01\uff1f]['\"\u201d\u2019)\]]*$")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_BOLD_LEVEL = 4
MAX_SEGMENTS_FOR_LAYOUT = 6_000


@dataclass(slots=True)
class Row:
    """Segments on one baseline that belong together, left to right (or right to left)."""

    segments: list[Segment]

    @property
    def text(self) -> str:
        """Cells with a tab between them."""
        return "\t".join(segment.text for segment in self.segments)

    @property
    def x0(self) -> float:
        """Left edge in points."""
        return min(segment.x0 for segment in self.segments)

    @property
    def x1(self) -> float:
        """Right edge in points."""
        return max(segment.x1 for segment in self.segments)

    @property
    def y0(self) -> float:
        """Top edge in points."""
        return min(segment.y0 for segment in self.segments)

    @property
    def y1(self) -> float:
        """Bottom edge in points."""
        return max(segment.y1 for segment in self.segments)

    @property
    def size(self) -> float:
        """Font size in points of the longest segment."""
        return max(self.segments, key=lambda segment: len(segment.text)).size

    @property
    def is_apart(self) -> bool:
        """Whether it is a line of its own: cells side by side, or fields of a form."""
        return len(self.segments) > 1 or any(segment.is_field for segment in self.segments)

    @property
    def bold(self) -> bool:
        """Whether all of it is bold."""
        return all(segment.bold for segment in self.segments)


@dataclass(slots=True)
class Group:
    """Rows that make one block."""

    kind: BlockKind
    rows: list[Row]
    level: int = 0


def write_layout(
    builder: BoxedBuilder,
    segments: list[Segment],
    *,
    width: float,
    height: float,
    sizes: Counter[int],
) -> None:
    """Put the segments into `builder` as blocks. `sizes` counts characters by half points, over
    all pages so far: the most frequent size is the body's."""
    for segment in segments:
        sizes[round(segment.size * 2)] += len(segment.text)
    body = sizes.most_common(1)[0][0] / 2 if sizes else 10.0
    scale = (width or 1.0, height or 1.0)
    for turn in (0, 90, 270, 180):
        mine = [segment for segment in segments if segment.turn == turn]
        wide = width if turn in {0, 180} else height
        rows = make_rows(order_segments(mine, width=wide, least=4 if turn == 0 else 2))
        compounds = find_compounds([row.text for row in rows])
        for group in group_rows(rows, body=body):
            _write_group(builder, group, scale=scale, compounds=compounds)


def order_segments(segments: list[Segment], *, width: float, least: int = 4) -> list[Segment]:
    """Reading order: as in the file, unless that jumps about; then by cutting the page up.

    Fewer than `least` segments are left as they are.
    """
    flat = [segment for segment in segments if not segment.vertical]
    upright = [segment for segment in segments if segment.vertical]
    if len(flat) < least or len(flat) > MAX_SEGMENTS_FOR_LAYOUT:
        return flat + upright
    if _is_jumpy(flat, few=least < 4) or _is_interleaved(flat, width=width):
        flat = list(_cut(flat, depth=0))
    return flat + upright


def _is_jumpy(segments: list[Segment], *, few: bool) -> bool:
    """Whether the order often goes back up without going to a column further right."""
    bad = 0
    for before, after in itertools.pairwise(segments):
        height = max(before.y1 - before.y0, 1.0)
        goes_up = after.y0 < before.y0 - 0.7 * height
        if goes_up and after.x0 < before.x1 - height and after.x1 > before.x0 - 20 * height:
            bad += 1
    return bad > max(0 if few else 1, 0.02 * len(segments))


def _is_interleaved(segments: list[Segment], *, width: float) -> bool:
    """Two columns of prose written line by line across both: left, right, left, right."""
    pairs: list[float] = []
    lines: set[int] = set()
    for before, after in itertools.pairwise(segments):
        lines.add(before.line)
        wide = min(before.x1 - before.x0, after.x1 - after.x0) > 0.25 * width
        if before.line == after.line and after.x0 > before.x1 and wide:
            pairs.append(after.x0)
    if len(pairs) < 5 or len(pairs) < 0.4 * len(lines):
        return False
    return statistics.pstdev(pairs) < 0.03 * width


def _cut(segments: list[Segment], *, depth: int) -> Iterator[Segment]:
    """Recursive XY cut: along a gutter if one runs through, else along the widest blank band."""
    if len(segments) < 2 or depth > 40:
        yield from sorted(segments, key=lambda item: (round(item.y0), item.x0))
        return
    height = statistics.median(item.y1 - item.y0 for item in segments)
    gutter = _find_gap([(item.x0, item.x1) for item in segments], least=0.8 * height)
    if gutter is not None:
        left = [item for item in segments if item.x1 <= gutter]
        right = [item for item in segments if item.x1 > gutter]
        if _are_columns(left, right, height=height):
            yield from _cut(left, depth=depth + 1)
            yield from _cut(right, depth=depth + 1)
            return
    band = _find_gap([(item.y0, item.y1) for item in segments], least=0.1 * height)
    if band is None:
        yield from sorted(segments, key=lambda item: (round(item.y0 / max(height, 1)), item.x0))
        return
    yield from _cut([item for item in segments if item.y1 <= band], depth=depth + 1)
    yield from _cut([item for item in segments if item.y1 > band], depth=depth + 1)


def _are_columns(left: list[Segment], right: list[Segment], *, height: float) -> bool:
    """Columns of text have several lines each; the cells of a table row do not."""
    for side in (left, right):
        if len(side) < 3:
            return False
        if max(item.y1 for item in side) - min(item.y0 for item in side) < 3 * height:
            return False
        if statistics.median(len(item.text) for item in side) < 12:
            return False
    return True


def _find_gap(spans: list[tuple[float, float]], *, least: float) -> float | None:
    """Middle of the widest stretch that no span covers, if it is at least `least` wide."""
    best, place, reach = least, None, None
    for start, end in sorted(spans):
        if reach is not None and start - reach > best:
            best, place = start - reach, (start + reach) / 2
        reach = end if reach is None else max(reach, end)
    return place


def make_rows(segments: list[Segment]) -> list[Row]:
    """Rows of consecutive segments on the same baseline."""
    rows: list[Row] = []
    for segment in segments:
        if rows and _is_same_row(rows[-1], segment):
            rows[-1].segments.append(segment)
        else:
            rows.append(Row([segment]))
    return rows


def _is_same_row(row: Row, segment: Segment) -> bool:
    last = row.segments[-1]
    if last.vertical or segment.vertical or last.cells or segment.cells:
        return False
    overlap = min(last.y1, segment.y1) - max(last.y0, segment.y0)
    smaller = min(last.y1 - last.y0, segment.y1 - segment.y0)
    apart = segment.x0 >= last.x1 - 1 or segment.x1 <= last.x0 + 1
    return overlap > 0.5 * smaller and apart


def group_rows(rows: list[Row], *, body: float) -> Iterator[Group]:
    """Blocks: tables, headings, list items and paragraphs."""
    pitch = _usual_pitch(rows)
    at = 0
    while at < len(rows):
        if rows[at].segments[0].cells:
            yield Group("table", [rows[at]])
            at += 1
            continue
        end = _table_end(rows, at)
        if _is_table(rows[at:end]):
            yield Group("table", rows[at:end])
            at = end
            continue
        group = _start_group(rows[at], body=body)
        at += 1
        while at < len(rows) and not _begins_table(rows, at):
            if _starts_block(group, rows[at], pitch=pitch, body=body):
                break
            group.rows.append(rows[at])
            at += 1
        yield _settle_heading(group)


def _begins_table(rows: list[Row], at: int) -> bool:
    return bool(rows[at].segments[0].cells) or _is_table(rows[at : _table_end(rows, at)])


def _start_group(row: Row, *, body: float) -> Group:
    level = _heading_level(row, body=body)
    if level:
        return Group("heading", [row], level=level)
    return Group("list" if _BULLET.match(row.text) else "paragraph", [row])


def _settle_heading(group: Group) -> Group:
    """A heading of many words is large text, not a heading."""
    if group.kind == "heading":
        length = sum(len(row.text) for row in group.rows)
        too_long = length > (120 if group.level == _BOLD_LEVEL else 200)
        if too_long or len(group.rows) > 3 or not re.search(r"[^\W\d_]", group.rows[0].text):
            return Group("paragraph", group.rows)
    return group


def _heading_level(row: Row, *, body: float) -> int:
    text = row.text
    if len(text) > 160 or len(text) < 2 or body <= 0 or len(row.segments) > 2:
        return 0
    ratio = row.size / body
    if ratio >= 1.7:
        return 1
    if ratio >= 1.35:
        return 2
    if ratio >= 1.15:
        return 3
    short = len(text) < 90 and not _SENTENCE_END.search(text) and not text.endswith(",")
    if row.bold and short and ratio > 0.95 and text[0].isalnum() and len(row.segments) == 1:
        return _BOLD_LEVEL
    return 0


def _table_end(rows: list[Row], at: int) -> int:
    """End of the run of rows with several cells that begins at `at`."""
    end = at
    while end < len(rows) and len(rows[end].segments) >= 2:
        if end > at and rows[end].y0 < rows[end - 1].y0:
            break
        end += 1
    return end


def _is_table(rows: list[Row]) -> bool:
    """Three rows of two cells, or two rows of three."""
    return len(rows) >= 3 or (len(rows) == 2 and min(len(row.segments) for row in rows) >= 3)


def _usual_pitch(rows: list[Row]) -> float:
    """Usual distance from line to line, in line heights."""
    ratios = []
    for before, after in itertools.pairwise(rows):
        step = after.y0 - before.y0
        height = max(before.y1 - before.y0, 1.0)
        if 0.5 * height < step < 2.5 * height and abs(before.size - after.size) < 0.5:
            ratios.append(step / height)
    return min(max(statistics.median(ratios), 0.9), 2.2) if ratios else 1.2


def _starts_block(group: Group, row: Row, *, pitch: float, body: float) -> bool:
    last = group.rows[-1]
    level = _heading_level(row, body=body)
    if group.kind == "heading":
        return level != group.level or not _is_next_line(last, row, pitch=pitch)
    if level or _BULLET.match(row.text):
        return True
    if abs(row.size - last.size) > 0.2 * max(last.size, 1.0):
        return True
    height = max(last.y1 - last.y0, 1.0)
    if row.y0 < last.y0 - 0.5 * height:
        return not (row.text[:1].islower() and not _SENTENCE_END.search(last.text))
    if not _is_next_line(last, row, pitch=pitch):
        return True
    indents = row.x0 - last.x0 > 0.8 * height and row.x0 - last.x0 < 6 * height
    ended = bool(_SENTENCE_END.search(last.text))
    if indents and group.kind == "paragraph" and len(group.rows) >= 2 and ended:
        return True
    if not ended or last.x1 >= row.x1 or len(last.text) <= 3:
        return False
    width = max(max(item.x1 for item in group.rows), row.x1) - min(last.x0, row.x0)
    return last.x1 < row.x1 - 0.25 * width


def _is_next_line(last: Row, row: Row, *, pitch: float) -> bool:
    height = max(last.y1 - last.y0, row.y1 - row.y0, 1.0)
    step = row.y0 - last.y0
    return -0.5 * height < step <= 1.3 * pitch * height


def _write_group(
    builder: BoxedBuilder, group: Group, *, scale: tuple[float, float], compounds: frozenset[str]
) -> None:
    builder.start_block(group.kind, level=group.level)
    first = group.rows[0].segments[0]
    if first.cells is not None:
        _write_cells(builder, first.cells, scale=scale, has_header=first.has_header)
        builder.end_block()
        return
    edges = _column_edges(group.rows)
    before: Row | None = None
    segments = [row.segments for row in group.rows]
    places = place_cells(segments) if group.kind == "table" else None
    named = cells_under_header(segments, places) if places else None
    if named:
        _write_cells(builder, named, scale=scale, has_header=True)
        builder.end_block()
        return
    for number, (row, (left, right)) in enumerate(
        zip(group.rows, [edges[0], *edges], strict=False)
    ):
        separator = "\n"
        if before is not None and group.kind != "table":
            full = before.x1 > right - 0.2 * (right - left) or group.kind == "heading"
            in_cells = row.is_apart or before.is_apart
            separator = " " if full and not in_cells else "\n"
            if _CJK.match(before.text[-1]) and _CJK.match(row.text[0]) and full:
                separator = ""
            if joins_hyphenated(before.text, row.text, compounds=compounds):
                builder.drop_hyphen()
                separator = ""
            elif before.text.endswith("-") and row.text[0].isalpha() and full:
                separator = ""
        columns = places[number] if places else range(len(row.segments))
        for at, segment in enumerate(row.segments):
            blank = columns[at] - (columns[at - 1] if at else 0)
            between = ("" if at else separator) + "\t" * blank
            if before is None and not at and blank:  # the first line of a block has no separator
                builder.add_line("\t" * blank, None, separator="")
                between = ""
            builder.add_line(segment.text, _fraction(segment, scale), separator=between)
        before = row
    builder.end_block()


def _write_cells(
    builder: BoxedBuilder,
    rows: list[list[list[Segment]]],
    *,
    scale: tuple[float, float],
    has_header: bool,
) -> None:
    """A ruled table with bars between its cells, so that a blank one keeps its column."""
    for number, row in enumerate(rows):
        builder.add_line("|", None, separator="\n" if number else "")
        for cell in row:
            for segment in cell:
                text = segment.text.replace("|", "\\|")
                place = _fraction(segment, scale) if segment.x1 > segment.x0 else None
                builder.add_line(text, place, separator=" ")
            builder.add_line("|", None, separator=" " if cell else "  ")
        if has_header and not number:
            builder.add_line("|" + " --- |" * len(row), None, separator="\n")


def _column_edges(rows: list[Row]) -> list[tuple[float, float]]:
    """Left and right edge, for each row, of the column of rows it stands in."""
    edges: list[tuple[float, float]] = []
    column: list[Row] = []
    for row in [*rows, None]:
        if column and (row is None or row.y0 < column[-1].y0):
            edge = min(item.x0 for item in column), max(item.x1 for item in column)
            edges += [edge] * len(column)
            column = []
        if row is not None:
            column.append(row)
    return edges


def _fraction(segment: Segment, scale: tuple[float, float]) -> Box:
    width, height = scale
    place = (segment.x0, segment.y0, segment.x1, segment.y1)
    x0, y0, x1, y1 = from_frame(place, segment.turn, width, height)
    return x0 / width, y0 / height, x1 / width, y1 / height
