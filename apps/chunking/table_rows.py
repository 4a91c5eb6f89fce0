"""What the lines of a table say: their cells, the names of columns, each row in words. Pure.

Readers write a table as lines of cells between pipes, the header above a line of dashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from apps.chunking.spans import strip_span

NAME_CHARS = 60
"""Of a column's name in front of a value. It is repeated in every row."""
LABEL_CHARS = 80
MAX_HEADER_ROWS = 3

_SEPARATOR = re.compile(r"\|(?:\s*:?-{3,}:?\s*\|)+\s*$")
_PIPE = re.compile(r"(?<!\\)\|")
_DIGIT = re.compile(r"\d")
_PERIOD = re.compile(
    r"(?:(?:FY|CY|Q[1-4]|H[12]|fiscal|year)\b.{0,20})?(?:19|20)\d\d\b.{0,12}$|FY\s?\d\d\W*$"
    r"|\d{1,3}[- ](?:weeks?|months?|days?)\b.{0,20}$"
    r"|.*\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+\d{1,2}\b.{0,12}$",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"\((?![\d.,\s%]+\)).{1,40}\)$|(?:US|A|C)?[$€£¥%‰][’'’]?(?:000s?|m|bn|million|thousand)?$|in\b.{1,30}$"
    r"|(?:thousand|million|billion|EUR|USD|CHF|GBP|k€)s?\b.{0,20}$",
    re.IGNORECASE,
)

_IN_UNIT = re.compile(
    r"\bin\s+(?:(?-i:[A-Z]{3})\b|[$€£¥%‰]|(?:thousand|million|billion|tausend|millionen)s?\b"
    r"|per ?cent\b|(?:Mio|Mrd|Tsd)\b)[^;:)\n]{0,40}",
    re.IGNORECASE,
)
UNIT_LINES = 3
"""Lines above a table among which its unit is looked for."""


def is_separator(line: str) -> bool:
    """Whether a line parts a header from its rows."""
    return line.startswith("|") and _SEPARATOR.match(line) is not None


def split_cells(line: str) -> list[str]:
    """The texts of a row's cells, without the backslash before a pipe of their own."""
    parts = _PIPE.split(line)
    if parts and not parts[0].strip():
        del parts[0]
    if len(parts) > 1 and not parts[-1].strip():
        del parts[-1]
    return [part.strip().replace("\\|", "|") for part in parts]


def cut_cells(line: str) -> list[tuple[int, int, int]]:
    """(column, start, end) of each cell of a row that holds something.

    A cell reaches up to the next one, so that nothing of the row is left out; the first also has
    the pipe before it.
    """
    borders = [*(match.end() for match in _PIPE.finditer(line)), len(line)]
    filled = [
        (column, strip_span(line, start, end)[0])
        for column, (start, end) in enumerate(pairwise(borders))
        if line[start:end].strip(" |")
    ]
    starts = [0, *(start for _, start in filled[1:]), len(line)]
    return [
        (column, *strip_span(line, starts[number], starts[number + 1]))
        for number, (column, _) in enumerate(filled)
    ]


def begin_row(before: str) -> str:
    """The beginning of a row of which `before` has been cut off: its label, then empty cells."""
    pipes = len(_PIPE.findall(before))
    if pipes < 2:
        return "| "
    label = _PIPE.split(before)[1].strip()
    return f"| {shorten_label(label, LABEL_CHARS)} |{'  |' * (pipes - 2)} "


def read_header(lines: Sequence[str]) -> tuple[list[str], int]:
    """The columns' names, and how many lines they take. The second line is one of dashes.

    Rows below it with only years, periods, units or words are header rows too, if they have no
    label. A title over the whole table is no name of a column.
    """
    levels = [split_cells(lines[0])]
    used = 2
    for line in lines[2:-1]:
        cells = split_cells(line)
        if len(levels) == MAX_HEADER_ROWS or not _is_sublevel(cells, levels):
            break
        levels.append(cells)
        used += 1
    return _join(levels[is_title(levels[0]) and len(levels) > 1 :]), used


def _is_sublevel(cells: Sequence[str], levels: Sequence[Sequence[str]]) -> bool:
    label, filled = cells[0], [cell for cell in cells[1:] if cell]
    if not filled or any(len(cell) > NAME_CHARS for cell in filled):
        return False
    if all(_UNIT.match(cell) for cell in filled):
        return True
    is_open = not levels[0][0] or is_title(levels[0])
    may_name = not label or _UNIT.match(label) or (label.endswith(":") and len(filled) > 1)
    return bool(is_open and may_name) and all(
        _PERIOD.match(cell) or _UNIT.match(cell) or not _DIGIT.search(cell) for cell in filled
    )


def is_title(cells: Sequence[str]) -> bool:
    """Whether the first line of a header is a title over the whole table."""
    return len(cells) > 2 and bool(cells[0]) and not any(cells[1:])


def _join(levels: Sequence[Sequence[str]]) -> list[str]:
    width = max(map(len, levels))
    rows = [[*level, *[""] * (width - len(level))] for level in levels]
    if len(rows) > 1:
        rows = [_spread(row, rows) for row in rows]
    columns = (dict.fromkeys(row[x] for row in rows if row[x]) for x in range(width))
    return [" ".join(" ".join(column).split()) for column in columns]


def _spread(row: list[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A label that stands once belongs to all columns; of several, each to those on its right."""
    filled = [x for x, text in enumerate(row) if text]
    others = [other for other in rows if other is not row]
    named = [any(other[x] for other in others) for x in range(len(row))]
    if len(filled) == 1 and filled[0] > 0 and len(row) > 2:
        label = row[filled[0]]
        return [label if x and (row[x] or named[x]) else "" for x in range(len(row))]
    if row is rows[-1]:
        return row
    spread, label = [], ""
    for x, text in enumerate(row):
        label = text or (label if x and named[x] else "")
        spread.append(label)
    return spread


def is_section(cells: Sequence[str], columns: int) -> bool:
    """Whether a row is a label for the rows below it: it has a first cell and nothing else."""
    if not cells or not cells[0] or any(cells[1:]):
        return False
    return columns > 2 or (columns == 2 and cells[0].endswith(":"))


def name_cell(names: Sequence[str], column: int) -> str:
    """The name of a column in front of its values; empty if it has none."""
    return shorten_label(names[column], NAME_CHARS) if column < len(names) else ""


def describe_row(names: Sequence[str], cells: Sequence[str], section: str = "") -> str:
    """A row in words: `Zone NA: Sales 12,553; Growth 3.1%`."""
    label = f"{name_cell(names, 0)} {cells[0]}".strip() if cells[0] else ""
    pairs = [
        f"{name_cell(names, x)} {cell}".lstrip()
        for x, cell in enumerate(cells[1:], start=1)
        if cell
    ]
    above = section.rstrip(": ")
    lead = ", ".join(part for part in (above, label.rstrip(": ")) if part)
    if not pairs:
        return lead
    return f"{lead}: {'; '.join(pairs)}" if lead else "; ".join(pairs)


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row under the names of its columns. `section` is the label row that it stands below.

    A row with `is_label` is such a label itself.
    """

    names: tuple[str, ...]
    cells: tuple[str, ...]
    section: str = ""
    is_label: bool = False


def read_rows(text: str, head: str | None) -> list[TableRow]:
    """The rows of tables in a passage's text that hold values; `head` is its table head, if any."""
    if head is None:
        return []
    return [item for item in _walk(text, head) if isinstance(item, TableRow) and not item.is_label]


def describe_rows(text: str, head: str) -> str:
    """Table rows in words, a line each, under the header in `head` or in the text itself.

    Lines of other text stay as they are. Nothing of `head` becomes a line of its own.
    """
    out: list[str] = []
    unused: list[str] = []
    for item in _walk(text, head):
        if isinstance(item, str):
            out.append(item)
        elif isinstance(item, TableRow):
            out.append(describe_row(item.names, item.cells, item.section))
            unused = []
        else:
            out += _list_names(unused)
            unused = item
    return "\n".join([*out, *_list_names(unused)])


def _walk(text: str, head: str) -> Iterator[str | TableRow | list[str]]:
    """Lines of other text, names of columns where a header stands in the text, and rows."""
    lines = f"{head}{text}".split("\n")
    told = head.count("\n")
    names: list[str] = []
    section = ""
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.startswith("|"):
            if line.strip() and at > told:
                names, section = [], ""
            if at >= told:
                yield line
        elif at + 1 < len(lines) and is_separator(lines[at + 1]):
            # The head ends where the header does; a row of the text must not be taken for more.
            header = [*lines[at:told], ""] if at < told else lines[at : at + MAX_HEADER_ROWS + 2]
            before, (names, used) = names, read_header(header)
            yield names if at >= told else []
            section = section if names == before else ""
            at += used
            continue
        elif not is_separator(line):
            cells = split_cells(line)
            is_label = is_section(cells, len(names))
            if at >= told and cells:
                yield TableRow(tuple(names), tuple(cells), "" if is_label else section, is_label)
            section = cells[0] if is_label else section
        at += 1


def _list_names(names: Sequence[str]) -> list[str]:
    """A header under which no row follows still says what the table is about."""
    return ["; ".join(filter(None, names))] if any(names) else []


def quote_rows(text: str, head: str | None, start: int, end: int, *, heading: str = "") -> str:
    """`text[start:end]` with table rows in words, and the unit that stands above their table.

    `head` is the text's table head, if any; `heading` is looked in where the text names no unit.
    """
    quoted = text[start:end]
    if head is None:
        return quoted
    words = describe_rows(quoted, head + text[:start])
    if not quoted.lstrip().startswith("|"):
        return words
    unit = find_unit(text[:start]) or find_unit(heading)
    return f"{words} ({unit})" if unit and unit not in words else words


def find_unit(above: str) -> str:
    """The unit that one of the last lines above a table gives, or "": `in CHF, without VAT`."""
    lines = [line.strip(" .:") for line in above.splitlines() if line.strip()]
    while lines and lines[-1].startswith("|"):
        del lines[-1]
    for line in reversed(lines[-UNIT_LINES:]):
        if not line.startswith("|") and (match := _IN_UNIT.search(line)):
            return match[0].strip(" ,.")
    return ""


def embedded_text(text: str, head: str | None) -> str:
    """What is embedded and indexed of a passage's text; `head` is its table head, if any."""
    return text if head is None else describe_rows(text, head)


def readable_text(text: str, head: str | None) -> str:
    """What a model reads of a passage: its rows under the header of their table."""
    return f"{head}{text}" if head else text


def shorten_label(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: chars - 1].rstrip() + "…"


__all__ = [
    "LABEL_CHARS", "MAX_HEADER_ROWS", "TableRow", "begin_row", "cut_cells", "describe_row",
    "describe_rows", "embedded_text", "is_section", "is_separator", "is_title", "name_cell",
    "quote_rows", "read_header", "read_rows", "readable_text", "shorten_label", "split_cells",
]  # fmt: skip
