"""OpenDocument spreadsheets: cells as they are shown, which the file keeps beside their values."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from lxml import etree

from parsing.archive import SafeArchive
from parsing.inline import count_noun, join_notes
from parsing.markup import (
    get_attribute,
    iter_children,
    iter_named,
    local_name,
    parse_xml_leniently,
    refuse_entities,
)
from parsing.office.cell_formats import general
from parsing.office.odf_text import OdfStyles, OdfText, read_styles
from parsing.office.sheet import (
    MAX_CELLS,
    Sheet,
    covered,
    hidden_note,
    hidden_sheets_note,
    merge_labels,
    too_large,
    visible_rows,
)
from parsing.source import Source
from parsing.text import squeeze
from parsing.types import ParseError

_MAX_REPEATED_ROWS = 10_000
_HIDDEN = frozenset(("collapse", "filter"))
_CURRENCIES = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}


@dataclass(slots=True)
class _Table:
    name: str
    rows: dict[int, dict[int, str]] = field(default_factory=dict)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_spans: list[tuple[int, int]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    next_row: int = 0
    next_column: int = 0
    cells: int = 0
    formulas: int = 0
    shortened: int = 0


def read_ods(source: Source) -> tuple[list[Sheet], str]:
    """Visible sheets in the workbook's order, and a note on those left out."""
    archive = SafeArchive(source.file, limits=source.limits)
    if b"encryption-data" in (archive.read_optional("META-INF/manifest.xml") or b""):
        raise ParseError(
            "encrypted",
            "This workbook is protected by a password. Remove the password and upload it again.",
        )
    if "content.xml" not in archive:
        raise _damaged()
    data = archive.read_optional("styles.xml")
    text = OdfText(read_styles(parse_xml_leniently(data) if data else None))
    tables, hidden = _read_tables(archive.read("content.xml"), text)
    sheets = [_finish(table, source) for table in tables]
    return sheets, hidden_sheets_note(hidden)


def _read_tables(data: bytes, text: OdfText) -> tuple[list[_Table], list[str]]:
    """Tables row by row, so that no more than one row is in memory as a tree."""
    refuse_entities(data)
    tables: list[_Table] = []
    hidden: list[str] = []
    open_tables: list[_Table | None] = []
    events = etree.iterparse(
        io.BytesIO(data), events=("start", "end"), resolve_entities=False, load_dtd=False,
        no_network=True, huge_tree=True, remove_comments=True, remove_pis=True,
        tag=[f"{{*}}{name}" for name in ("style", "table", "table-row", "table-column", "shapes")],
    )  # fmt: skip
    row_depth = 0
    try:
        for event, element in events:
            name = local_name(element)
            if name == "table" and not row_depth:
                if event == "start":
                    open_tables.append(_open_table(element, text.styles, hidden))
                elif (table := open_tables.pop()) is not None:
                    tables.append(table)
                continue
            row_depth += (1 if event == "start" else -1) if name == "table-row" else 0
            if event == "end" and not row_depth:
                _read_part(element, name, open_tables[-1] if open_tables else None, text)
    except etree.XMLSyntaxError as error:
        raise _damaged() from error
    return tables, hidden


def _open_table(element: etree._Element, styles: OdfStyles, hidden: list[str]) -> _Table | None:
    name = get_attribute(element, "name")
    if styles.is_hidden("table", get_attribute(element, "style-name")):
        hidden.append(name)
        return None
    return _Table(name)


def _read_part(element: etree._Element, name: str, table: _Table | None, text: OdfText) -> None:
    if name == "style":
        text.styles.add(element)
        return
    if table is not None:
        if name == "table-column":
            _read_column(element, table)
        elif name == "table-row":
            _read_row(element, table, text)
        elif name == "shapes":
            lines = [text.inline(line) for line in iter_named(element, "p")]
            table.texts += [line for line in lines if line.strip()]
    element.clear()


def _repeat(element: etree._Element, name: str) -> int:
    value = get_attribute(element, name)
    return max(int(value), 1) if value.isdigit() else 1


def _read_column(element: etree._Element, table: _Table) -> None:
    count = _repeat(element, "number-columns-repeated")
    if get_attribute(element, "visibility") in _HIDDEN:
        table.hidden_spans.append((table.next_column, table.next_column + count - 1))
    table.next_column += count


def _read_row(element: etree._Element, table: _Table, text: OdfText) -> None:
    count = _repeat(element, "number-rows-repeated")
    at, table.next_row = table.next_row, table.next_row + count
    texts: dict[int, str] = {}
    column = 0
    for cell in element:
        if local_name(cell) not in {"table-cell", "covered-table-cell"}:
            continue
        repeated = _repeat(cell, "number-columns-repeated")
        shown = "" if local_name(cell).startswith("covered") else _cell_text(cell, table, text)
        if shown:
            texts.update(dict.fromkeys(range(column, column + min(repeated, 1000)), shown))
            table.shortened += repeated > 1000
        right = column + _repeat(cell, "number-columns-spanned") - 1
        bottom = at + _repeat(cell, "number-rows-spanned") - 1
        if shown and (right > column or bottom > at):
            table.merges.append((at, column, bottom, right))
        column += repeated
    if get_attribute(element, "visibility") in _HIDDEN:
        table.hidden_rows |= set(range(at, at + min(count, _MAX_REPEATED_ROWS)))
    if texts:
        table.shortened += count > _MAX_REPEATED_ROWS
        for y in range(at, at + min(count, _MAX_REPEATED_ROWS)):
            table.rows[y] = dict(texts)
            table.cells += len(texts)
            if table.cells > MAX_CELLS:
                raise too_large()


def _cell_text(cell: etree._Element, table: _Table, text: OdfText) -> str:
    lines = [text.inline(line) for line in iter_children(cell, "p")]
    shown = squeeze(" ".join(lines)) or _value_text(cell)
    if not shown and get_attribute(cell, "formula") and not get_attribute(cell, "value-type"):
        table.formulas += 1
        shown = "=" + get_attribute(cell, "formula").partition(":")[2].lstrip("=")
    comments = [text.comment(item) for item in iter_children(cell, "annotation")]
    return " ".join([shown, *(f"[{comment}]" for comment in comments)]).strip()


def _value_text(cell: etree._Element) -> str:
    """The value of a cell whose writer left out the text that it shows."""
    kind, value = get_attribute(cell, "value-type"), get_attribute(cell, "value")
    if kind == "date":
        return get_attribute(cell, "date-value").removesuffix("T00:00:00").replace("T", " ")
    if kind == "boolean":
        return get_attribute(cell, "boolean-value").upper()
    if kind == "string":
        return get_attribute(cell, "string-value")
    if kind == "time":
        return get_attribute(cell, "time-value")
    try:
        number = float(value)
    except ValueError:
        return value
    if kind == "percentage":
        return general(round(number * 100, 10)) + "%"
    currency = get_attribute(cell, "currency") if kind == "currency" else ""
    return f"{_CURRENCIES.get(currency, currency)} {general(number, raw=value)}".strip()


def _finish(table: _Table, source: Source) -> Sheet:
    used = {x for row in table.rows.values() for x in row}
    hidden = covered(used, table.hidden_spans)
    notes = [hidden_note(sum(1 for y in table.rows if y in table.hidden_rows), len(hidden))]
    if len(used - hidden) > source.limits.columns:
        notes.append(f"Only the first {source.limits.columns:,} columns were read.")
        hidden |= set(sorted(used - hidden)[source.limits.columns :])
    if table.formulas:
        notes.append(
            f"{count_noun(table.formulas, 'formula')} without a stored result "
            f"{'is' if table.formulas == 1 else 'are'} shown as the formula itself."
        )
    if table.shortened:
        notes.append("Cells that repeat many thousand times were read in part.")
    merges = merge_labels(table.rows, table.merges, hidden_columns=hidden)
    rows = visible_rows(table.rows, table.hidden_rows, hidden, merges)
    return Sheet(table.name, rows, merges, table.texts, join_notes(*notes))


def _damaged() -> ParseError:
    return ParseError(
        "corrupt",
        "This workbook is damaged and cannot be read. "
        "Open it in the program that made it, save it again, and upload that copy.",
    )
