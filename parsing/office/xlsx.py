"""Sheets of an XLSX workbook, read as a stream: what each cell shows, and what is hidden."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from lxml import etree
from openpyxl.formula.translate import Translator, TranslatorError

from parsing.inline import count_noun, join_notes, with_address
from parsing.markup import (
    find_child,
    get_attribute,
    iter_named,
    local_name,
)
from parsing.office.cell_formats import BUILTIN, format_number, format_text
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
from parsing.office.sheet_tables import column_letters
from parsing.office.xlsx_parts import (
    cell_looks,
    drawing_texts,
    read_comments,
    read_strings,
    rich_text,
    stream_elements,
    unescape,
)
from parsing.ooxml import Package, relation_id
from parsing.source import Source

_MAX_CACHED = 200_000
_REFERENCE = re.compile(r"([A-Za-z]{1,3})(\d{1,7})$")
_RANGE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?$")
_HYPERLINK = re.compile(r'\bHYPERLINK\(\s*"([^"]+)"(?:\s*[,;]\s*"([^"]*)")?', re.IGNORECASE)
_MIDNIGHT = re.compile(r"T00:00:00(?:\.0+)?Z?$")
_TAGS = (
    "row", "cols", "mergeCell", "hyperlink", "autoFilter", "conditionalFormatting", "tablePart",
    "picture",
)  # fmt: skip


@dataclass(slots=True)
class _Book:
    """What all sheets of a workbook share."""

    package: Package
    strings: list[str]
    formats: list[str]
    is_1904: bool
    recalculates: bool
    looks: list[str] = field(default_factory=list)
    cache: dict[tuple[str, int], str] = field(default_factory=dict)


@dataclass(slots=True)
class _Draft:
    """A sheet while it is read: rows and columns are counted from 0."""

    name: str
    rows: dict[int, dict[int, str]] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    shared: dict[str, tuple[str, str]] = field(default_factory=dict)
    formulas: int = 0
    blanked: int = 0
    is_filtered: bool = False
    white: set[tuple[int, int]] = field(default_factory=set)
    tiny: set[tuple[int, int]] = field(default_factory=set)
    is_coloured: bool = False


def read_xlsx(source: Source) -> tuple[list[Sheet], str]:
    """Visible sheets in the workbook's order, and a note on those left out."""
    package = Package(source)
    main = package.main_part("xl/workbook.xml")
    root = package.parse(main)
    book = _open_book(package, main, root)
    relations = {relation.id: relation for relation in package.relations(main)}
    sheets: list[Sheet] = []
    hidden: list[str] = []
    for element in iter_named(root, "sheet"):
        relation = relations.get(relation_id(element))
        if relation is None or relation.target not in package.archive:
            continue
        name = get_attribute(element, "name")
        if get_attribute(element, "state") in {"hidden", "veryHidden"}:
            hidden.append(name)
        elif relation.kind in {"worksheet", "chartsheet"}:
            sheets.append(_read_sheet(book, relation.target, name, source))
    return sheets, hidden_sheets_note(hidden)


def _open_book(package: Package, main: str, root: etree._Element) -> _Book:
    strings: list[str] = []
    formats: list[str] = []
    looks: list[str] = []
    for part in package.related(main, "sharedStrings"):
        strings = read_strings(package.archive.read(part))
    for part in package.related(main, "styles"):
        styles = package.parse_optional(part)
        formats = _read_formats(styles) if styles is not None else []
        looks = cell_looks(styles) if styles is not None else []
    properties = find_child(root, "workbookPr")
    calculation = find_child(root, "calcPr")
    return _Book(
        package,
        strings,
        formats,
        is_1904=properties is not None and _is_true(get_attribute(properties, "date1904")),
        recalculates=calculation is not None
        and _is_true(get_attribute(calculation, "fullCalcOnLoad")),
        looks=looks,
    )


def _is_true(value: str) -> bool:
    return value.lower() in {"1", "true", "on"}


def _read_formats(styles: etree._Element) -> list[str]:
    codes = dict(BUILTIN)
    for item in iter_named(styles, "numFmt"):
        number = get_attribute(item, "numFmtId")
        if number.isdigit():
            codes[int(number)] = get_attribute(item, "formatCode")
    group = find_child(styles, "cellXfs")
    keys = [get_attribute(item, "numFmtId") for item in group] if group is not None else []
    return [codes.get(int(key), "General") if key.isdigit() else "General" for key in keys]


def _read_sheet(book: _Book, part: str, name: str, source: Source) -> Sheet:
    draft = _Draft(name)
    cells, before = 0, -1
    for element in stream_elements(book.package.archive.read(part), *_TAGS):
        tag = local_name(element)
        if tag == "row":
            before = _read_row(book, draft, element, before)
            cells += len(element)
            if cells > MAX_CELLS:
                raise too_large()
        else:
            _read_other(draft, element, tag)
    addresses = book.package.addresses(part)
    for place, key in draft.links:
        _change(draft, place, lambda text, key=key: with_address(text, addresses.get(key, "")))
    for place, comment in read_comments(book.package, part).items():
        _change(draft, place, lambda text, comment=comment: f"{text} [{comment}]".strip())
    return _finish(draft, source, texts=drawing_texts(book.package, part))


def _read_other(draft: _Draft, element: etree._Element, tag: str) -> None:
    if tag == "cols":
        for column in element:
            first, last = get_attribute(column, "min"), get_attribute(column, "max")
            flat = get_attribute(column, "width") == "0"
            if (
                first.isdigit()
                and last.isdigit()
                and (flat or _is_true(get_attribute(column, "hidden")))
            ):
                draft.hidden_columns.append((int(first) - 1, int(last) - 1))
    elif tag == "mergeCell":
        match = _RANGE.match(get_attribute(element, "ref"))
        if match and match[3]:
            draft.merges.append(
                (int(match[2]) - 1, column_index(match[1]),
                 int(match[4]) - 1, column_index(match[3]))
            )  # fmt: skip
    elif tag == "hyperlink":
        key = relation_id(element)
        place = get_attribute(element, "ref").partition(":")[0]
        if key and place:
            draft.links.append((place, key))
    elif tag in {"conditionalFormatting", "tablePart", "picture"}:
        draft.is_coloured = True  # a ground may lie under cells that have none of their own
    elif tag == "autoFilter":
        draft.is_filtered = draft.is_filtered or find_child(element, "filterColumn") is not None


@lru_cache(maxsize=20_000)
def column_index(letters: str) -> int:
    """Column of its letters, counted from 0."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def _read_row(book: _Book, draft: _Draft, row: etree._Element, before: int) -> int:
    """Read the cells of a row; its number is returned, since files may leave it out."""
    reference = row.get("r") or ""
    number = int(reference) - 1 if reference.isdigit() else before + 1
    if _is_true(row.get("hidden") or "") or row.get("ht") == "0":
        draft.hidden_rows.add(number)
    texts: dict[int, str] = {}
    column = -1
    for cell in row:
        match = _REFERENCE.match(cell.get("r") or "")
        column = column_index(match[1]) if match else column + 1
        text = _read_cell(book, draft, cell, (number, column))
        if text:
            texts[column] = _looking(book, draft, cell, text, (number, column))
    if texts:
        draft.rows[number] = texts
    return number


def _looking(
    book: _Book, draft: _Draft, cell: etree._Element, text: str, at: tuple[int, int]
) -> str:
    """A cell's text as its font makes it look: struck out, tiny, or white on no ground."""
    style = cell.get("s") or ""
    look = book.looks[int(style)] if style.isdigit() and int(style) < len(book.looks) else ""
    if look in {"white", "tiny"}:
        (draft.white if look == "white" else draft.tiny).add(at)
    return f"(struck out: {text})" if look == "struck" else text


def _read_cell(book: _Book, draft: _Draft, cell: etree._Element, at: tuple[int, int]) -> str:
    value: str | None = None
    formula: etree._Element | None = None
    inline: etree._Element | None = None
    for child in cell:
        name = local_name(child)
        if name == "v":
            value = child.text
        elif name == "f":
            formula = child
        elif name == "is":
            inline = child
    kind = cell.get("t") or "n"
    style = cell.get("s") or ""
    index = int(style) if style.isdigit() else 0
    if inline is not None:
        text = _format_text(book, draft, rich_text(inline), index)
    elif formula is not None and _lacks_result(book, kind, value):
        return _formula_text(draft, formula, f"{column_letters(at[1])}{at[0] + 1}")
    elif not value:
        return ""
    else:
        text = _value_text(book, draft, kind, value, index)
    if formula is not None and formula.text and "HYPERLINK" in formula.text.upper():
        match = _HYPERLINK.search(formula.text)
        text = with_address(text, match[1]) if match else text
    return text


def _lacks_result(book: _Book, kind: str, value: str | None) -> bool:
    """No stored result, or the nought that writers put where they leave counting to Excel."""
    if not value:
        return kind != "str"
    return book.recalculates and kind == "n" and value == "0"


def _formula_text(draft: _Draft, formula: etree._Element, place: str) -> str:
    """The formula itself; one shared with other cells is moved to its own place."""
    key, text = formula.get("si") or "", formula.text or ""
    if formula.get("t") == "shared" and key:
        if text:
            draft.shared[key] = (text, place)
        elif key in draft.shared:
            text = _move(*draft.shared[key], place)
    draft.formulas += 1
    match = _HYPERLINK.match(text)
    if match:
        return with_address(match[2] or match[1], match[1])
    return f"={text}" if text else "[formula without a stored result]"


def _move(text: str, origin: str, place: str) -> str:
    try:
        return str(Translator(f"={text}", origin=origin).translate_formula(place))[1:]
    except (TranslatorError, ValueError, IndexError):
        return text


def _value_text(book: _Book, draft: _Draft, kind: str, value: str, index: int) -> str:
    if kind == "s":
        at = int(value) if value.strip().isdigit() else -1
        text = book.strings[at] if 0 <= at < len(book.strings) else ""
        return _format_text(book, draft, text, index)
    if kind == "b":
        return "TRUE" if value.strip() == "1" else "FALSE"
    if kind == "d":
        return _MIDNIGHT.sub("", value).replace("T", " ")
    if kind in {"str", "e"}:
        return unescape(value)
    cached = book.cache.get((value, index))
    if cached is None:
        cached = _number_text(book, value, index)
        if len(book.cache) < _MAX_CACHED:
            book.cache[(value, index)] = cached
    if not cached:
        draft.blanked += 1
    return cached


def _number_text(book: _Book, value: str, index: int) -> str:
    try:
        number = float(value)
    except ValueError:
        return value
    code = book.formats[index] if 0 <= index < len(book.formats) else "General"
    return format_number(number, code, raw=value.strip(), is_1904=book.is_1904)


def _format_text(book: _Book, draft: _Draft, text: str, index: int) -> str:
    code = book.formats[index] if 0 < index < len(book.formats) else ""
    if not code or code == "General":
        return text
    shown = format_text(text, code)
    if text and not shown:
        draft.blanked += 1
    return shown


def _change(draft: _Draft, place: str, change: object) -> None:
    match = _REFERENCE.match(place)
    if not match or not callable(change):
        return
    row, column = int(match[2]) - 1, column_index(match[1])
    text = change(draft.rows.get(row, {}).get(column, ""))
    if text:
        draft.rows.setdefault(row, {})[column] = text


def _leave_out_unseen(draft: _Draft) -> list[str]:
    """Take out tiny cells, and white ones on no ground of their own; what is said of them."""
    notes = []
    white = set() if draft.is_coloured else draft.white
    for places, what in ((white, "white text on white"), (draft.tiny, "text too small to be seen")):
        for y, x in places:
            draft.rows.get(y, {}).pop(x, None)
            if not draft.rows.get(y, {"": ""}):
                del draft.rows[y]
        if places:
            verb = "was" if len(places) == 1 else "were"
            notes.append(f"{count_noun(len(places), 'cell')} with {what} {verb} left out.")
    return notes


def _finish(draft: _Draft, source: Source, *, texts: list[str]) -> Sheet:
    """Without what is hidden, and with labels in all the places that they cover."""
    notes = _leave_out_unseen(draft)
    hidden_rows = [at for at in draft.rows if at in draft.hidden_rows]
    columns = {x for row in draft.rows.values() for x in row}
    hidden_columns = covered(columns, draft.hidden_columns)
    merges = merge_labels(draft.rows, draft.merges, hidden_columns=hidden_columns)
    notes.append(hidden_note(len(hidden_rows), len(hidden_columns), filtered=draft.is_filtered))
    if draft.formulas:
        notes.append(
            f"{count_noun(draft.formulas, 'formula')} without a stored result "
            f"{'is' if draft.formulas == 1 else 'are'} shown as the formula itself."
        )
    if draft.blanked:
        notes.append(
            f"{count_noun(draft.blanked, 'cell')} whose number format shows nothing "
            f"{'was' if draft.blanked == 1 else 'were'} left out."
        )
    shown = sorted(columns - hidden_columns)
    if len(shown) > source.limits.columns:
        notes.append(f"Only the first {source.limits.columns:,} columns were read.")
        hidden_columns |= set(shown[source.limits.columns :])
    rows = visible_rows(draft.rows, draft.hidden_rows, hidden_columns, merges)
    return Sheet(draft.name, rows, merges, texts, join_notes(*notes))
