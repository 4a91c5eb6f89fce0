"""Chunks that follow a document's structure: its headings, pages, tables or code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from apps.chunking.splitters import Packer, Piece, Range, SplitParams, group_sections, open_packer
from apps.chunking.strategies.base import ChunkingSource, Strategy, Values, overlap_check
from apps.chunking.strategies.recursive import (
    overlap_parameter,
    read_split_params,
    size_parameter,
)
from apps.chunking.units import Border, Unit
from apps.core.options import Option

FAMILY = "Structure"
_DEFINITION = re.compile(
    r"(?:@|async\b|class\b|const\b|create\b|def\b|enum\b|export\b|fn\b|func\b|function\b|impl\b|"
    r"interface\b|let\b|module\b|namespace\b|package\b|private\b|proc\b|protected\b|pub\b|public\b|"
    r"static\b|struct\b|sub\b|template\b|trait\b|type\b|var\b)",
    re.IGNORECASE,
)


def cut_at_headings(source: ChunkingSource, values: Values) -> list[Piece]:
    """A chunk for each section down to a level; what is too large is cut evenly."""
    packer, params = _open(source, values)

    def starts(index: int) -> bool:
        unit, before = packer.units[index], packer.units[index - 1]
        return unit.is_heading and unit.level <= values["level"] and not before.is_heading

    groups = _join_small(packer, _group(packer.units, starts), values["minimum"], params)
    return packer.make_pieces([piece for group in groups for piece in packer.cut(group)])


def cut_at_pages(source: ChunkingSource, values: Values) -> list[Piece]:
    """A chunk for each page, slide or sheet; what is too large is cut evenly."""
    packer, params = _open(source, {**values, "overlap": 0})
    groups = _join_small(packer, group_pages(packer.units), values["minimum"], params)
    ranges = [piece for group in groups for piece in packer.cut(group)]
    return packer.make_pieces(share(packer, ranges, values["overlap"], lambda unit: unit.is_prose))


def group_pages(units: Sequence[Unit]) -> Iterator[Range]:
    """The units of each page."""
    return _group(units, lambda index: units[index].page != units[index - 1].page)


def cut_tables(source: ChunkingSource, values: Values) -> list[Piece]:
    """A fixed number of table rows to a chunk, with the table's header in the heading path.

    Text outside of tables is cut by sections."""
    packer, params = _open(source, {**values, "overlap": 30})
    ranges: list[Range] = []
    for first, last in _runs(packer.units, kind="table"):
        if packer.units[first].kind != "table":
            groups = list(group_sections(packer.units[first:last], params=params))
            for a, b in groups:
                ranges += packer.cut((first + a, first + b))
            continue
        ranges += _cut_rows(packer, _with_heading(packer.units, ranges, first), last, values)
    return packer.make_pieces(
        share(packer, ranges, values["overlap"], lambda unit: unit.kind == "table")
    )


def _cut_rows(packer: Packer, first: int, last: int, values: Values) -> Iterator[Range]:
    body = next(i for i in range(first, last) if packer.units[i].kind == "table")
    start = first
    # The header precedes the first rows and does not count as one.
    for end in range(body + 1 + values["rows"], last + values["rows"], values["rows"]):
        yield from packer.cut((start, min(end, last)))
        start = min(end, last)
        if start == last:
            return
    if start < last:
        yield from packer.cut((start, last))


def _with_heading(units: Sequence[Unit], ranges: list[Range], first: int) -> int:
    """Where a table begins, including headings right above it, which the chunk before gives up."""
    while first > 0 and units[first - 1].is_heading:
        first -= 1
        if ranges and ranges[-1][1] > first:
            start, _ = ranges.pop()
            if start < first:
                ranges.append((start, first))
    return first


def cut_code(source: ChunkingSource, values: Values) -> list[Piece]:
    """Whole functions and classes, as many as fit. Text around code is cut by sections."""
    packer, params = _open(source, {**values, "overlap": 0})
    ranges: list[Range] = []
    for first, last in _runs(packer.units, kind="code"):
        if packer.units[first].kind == "code":
            groups: Iterable[Range] = _group_definitions(packer, first, last)
        else:
            sections = group_sections(packer.units[first:last], params=params)
            groups = [(first + a, first + b) for a, b in sections]
        ranges += [piece for group in groups for piece in packer.cut(group)]
    return packer.make_pieces(
        share(packer, ranges, values["overlap"], lambda unit: unit.kind == "code")
    )


def _group_definitions(packer: Packer, first: int, last: int) -> Iterator[Range]:
    """Lines from one definition to the next, packed up to the target size."""
    start = block = first
    for index in range(first + 1, last + 1):
        if index < last and not _begins_definition(packer, index):
            continue
        if block > start and packer.size(start, index) > packer.params.target:
            yield start, block
            start = block
        block = index
    if start < last:
        yield start, last


def _begins_definition(packer: Packer, index: int) -> bool:
    unit, before = packer.units[index], packer.units[index - 1]
    if _indent(packer.text, unit) > 0 or unit.border < Border.LINE:
        return False
    if unit.border >= Border.PARAGRAPH:
        return True
    line = packer.text[unit.start : unit.start + 20]
    return _indent(packer.text, before) > 0 and bool(_DEFINITION.match(line))


def _indent(text: str, unit: Unit) -> int:
    return unit.start - (text.rfind("\n", 0, unit.start) + 1)


def _open(source: ChunkingSource, values: Values) -> tuple[Packer, SplitParams]:
    params = read_split_params(values, room=source.room)
    return open_packer(source.pages, params=params, count_tokens=source.count_tokens), params


def _group(units: Sequence[Unit], starts: Callable[[int], bool]) -> Iterator[Range]:
    """Ranges that begin wherever `starts(index)` is true."""
    first = 0
    for index in range(1, len(units)):
        if starts(index):
            yield first, index
            first = index
    if units:
        yield first, len(units)


def _runs(units: Sequence[Unit], *, kind: str) -> Iterator[Range]:
    """Ranges of one table or block of code each, and of the text between them."""

    def starts(index: int) -> bool:
        unit, before = units[index], units[index - 1]
        if (unit.kind == kind) != (before.kind == kind):
            return True
        return kind == "table" and unit.kind == kind and unit.border >= Border.PARAGRAPH

    return _group(units, starts)


def _join_small(
    packer: Packer, groups: Iterable[Range], minimum: int, params: SplitParams
) -> Iterator[Range]:
    """Groups below the minimum are joined with the next, provided that both fit into the target."""
    waiting: Range | None = None
    for first, last in groups:
        if waiting is None:
            waiting = (first, last)
        elif packer.size(*waiting) < minimum and packer.size(waiting[0], last) <= params.target:
            waiting = (waiting[0], last)
        else:
            yield waiting
            waiting = (first, last)
    if waiting is not None:
        yield waiting


def share(
    packer: Packer, ranges: Sequence[Range], count: int, may_repeat: Callable[[Unit], bool]
) -> list[Range]:
    """Ranges that each repeat up to `count` units from the end of the one before.

    Units are sentences, rows or lines. Only those for which `may_repeat` is true are repeated,
    and no more than fit into the chunk.
    """
    shared = list(ranges[:1])
    for (before, _), (first, last) in pairwise(ranges):
        start = first
        while (
            first - start < count
            and start - 1 > before
            and may_repeat(packer.units[start - 1])
            and may_repeat(packer.units[first])
            and packer.size(start - 1, last) <= packer.cap(start - 1, last)
        ):
            start -= 1
        shared.append((start, last))
    return shared


MINIMUM = Option(
    "minimum", "Join below", "whole", 60,
    "What holds less than this goes together with what follows.",
    0, 1000, unit="tokens",
)  # fmt: skip

STRATEGIES = (
    Strategy(
        key="headings",
        name="Sections",
        family=FAMILY,
        summary="One passage for each section, down to a level of headings; long ones are cut.",
        parameters=(
            Option(
                "level", "Down to level", "whole", 3,
                "Headings of this rank and above begin a passage.",
                1, 6, unit="levels",
            ),
            size_parameter(250), overlap_parameter(30, 500, "tokens"), MINIMUM,
        ),
        cut=cut_at_headings,
        check=overlap_check("target", "overlap"),
    ),
    Strategy(
        key="pages",
        name="Pages",
        family=FAMILY,
        summary="One passage for each page, slide or sheet, for documents whose pages stand "
        "alone; long ones are cut.",
        parameters=(size_parameter(250), overlap_parameter(0, 10, "sentences"), MINIMUM),
        cut=cut_at_pages,
    ),
    Strategy(
        key="tables",
        name="Table rows",
        family=FAMILY,
        summary="So many rows to a passage, each with the header of its table; text between "
        "tables follows headings and sentences.",
        parameters=(
            Option(
                "rows", "Rows", "whole", 8,
                "How many rows of a table a passage holds.",
                1, 200, unit="rows",
            ),
            overlap_parameter(0, 50, "rows"), size_parameter(250),
        ),
        cut=cut_tables,
        check=overlap_check("rows", "overlap"),
    ),
    Strategy(
        key="code",
        name="Functions and classes",
        family=FAMILY,
        summary="Keeps definitions of source code whole, as many as fit; text around them follows "
        "headings and sentences.",
        parameters=(size_parameter(250), overlap_parameter(0, 20, "lines")),
        cut=cut_code,
    ),
)  # fmt: skip

__all__ = ["STRATEGIES", "group_pages", "share"]
