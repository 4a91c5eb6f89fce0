"""Sheets of an XLSX workbook, read as a stream: what each cell shows, and what is hidden."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from lxml import etree
from openpyxl.formula.translate import Translator, TranslatorError

from parsing.grid import column_letters
from parsing.inline import count_noun, join_notes, lowered, raised, with_address
from parsing.markup import (
    find_child,
    get_attribute,
    iter_children,
    iter_named,
    local_name,
    refuse_entities,
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
from parsing.ooxml import Package, relation_id
from parsing.source import Source
from parsing.text import squeeze
from parsing.types import ParseError

_MAX_CACHED = 200_000
_REFERENCE = re.compile(r"([A-Za-z]{1,3})(\d{1,7})$")
_RANGE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?$")
_HYPERLINK = re.compile(r'\bHYPERLINK\(\s*"([^"]+)"(?:\s*[,;]\s*"([^"]*)")?', re.IGNORECASE)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_MIDNIGHT = re.compile(r"T00:00:00(?:\.0+)?Z?$")
_TAGS = ("row", "cols", "mergeCell", "hyperlink", "autoFilter")


@dataclass(slots=True)
class _Book:
    """What all sheets of a workbook share."""

    package: Package
    strings: list[str]
    formats: list[str]
    is_1904: bool
    recalculates: bool
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
    for part in package.related(main, "sharedStrings"):
        strings = _read_strings(package.archive.read(part))
    for part in package.related(main, "styles"):
        styles = package.parse_optional(part)
        formats = _read_formats(styles) if styles is not None else []
    properties = find_child(root, "workbookPr")
    calculation = find_child(root, "calcPr")
    return _Book(
        package,
        strings,
        formats,
        is_1904=properties is not None and _is_true(get_attribute(properties, "date1904")),
        recalculates=calculation is not None
        and _is_true(get_attribute(calculation, "fullCalcOnLoad")),
    )


def _is_true(value: str) -> bool:
    return value.lower() in {"1", "true", "on"}


def _stream(data: bytes, *names: str) -> Iterator[etree._Element]:
    """Elements of those names as soon as they end; what is behind them is forgotten."""
    refuse_entities(data)
    events = etree.iterparse(
        io.BytesIO(data),
        events=("end",),
        tag=[f"{{*}}{name}" for name in names],
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for _, element in events:
            yield element
            element.clear()
            parent = element.getparent()
            while parent is not None and element.getprevious() is not None:
                del parent[0]
    except etree.XMLSyntaxError as error:
        raise ParseError(
            "corrupt",
            "A sheet of this workbook is damaged and cannot be read. "
            "Open it in the program that made it, save it again, and upload that copy.",
        ) from error


def _read_strings(data: bytes) -> list[str]:
    return [_rich_text(item) for item in _stream(data, "si")]


def _rich_text(item: etree._Element) -> str:
    """Text of a string with its runs; raised and lowered runs are marked, readings left out."""
    out = ""
    for child in item:
        name = local_name(child)
        if name == "t":
            out += child.text or ""
        elif name == "r":
            text = "".join(part.text or "" for part in iter_children(child, "t"))
            mark = next(iter_named(child, "vertAlign"), None)
            place = get_attribute(mark, "val") if mark is not None else ""
            if place == "superscript":
                text = raised(text, out)
            elif place == "subscript":
                text = lowered(text, out)
            out += text
    return _unescape(out)


def _unescape(text: str) -> str:
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda match: chr(int(match.group(1), 16)), text)


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
    for element in _stream(book.package.archive.read(part), *_TAGS):
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
    for place, comment in _read_comments(book.package, part).items():
        _change(draft, place, lambda text, comment=comment: f"{text} [{comment}]".strip())
    return _finish(draft, source, texts=_drawing_texts(book.package, part))


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
        found = _RANGE.match(get_attribute(element, "ref"))
        if found and found[3]:
            draft.merges.append(
                (int(found[2]) - 1, column_index(found[1]),
                 int(found[4]) - 1, column_index(found[3]))
            )  # fmt: skip
    elif tag == "hyperlink":
        key = relation_id(element)
        place = get_attribute(element, "ref").partition(":")[0]
        if key and place:
            draft.links.append((place, key))
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
    given = row.get("r") or ""
    number = int(given) - 1 if given.isdigit() else before + 1
    if _is_true(row.get("hidden") or "") or row.get("ht") == "0":
        draft.hidden_rows.add(number)
    texts: dict[int, str] = {}
    column = -1
    for cell in row:
        found = _REFERENCE.match(cell.get("r") or "")
        column = column_index(found[1]) if found else column + 1
        text = _read_cell(book, draft, cell, (number, column))
        if text:
            texts[column] = text
    if texts:
        draft.rows[number] = texts
    return number


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
        text = _format_text(book, draft, _rich_text(inline), index)
    elif formula is not None and _lacks_result(book, kind, value):
        return _formula_text(draft, formula, f"{column_letters(at[1])}{at[0] + 1}")
    elif not value:
        return ""
    else:
        text = _value_text(book, draft, kind, value, index)
    if formula is not None and formula.text and "HYPERLINK" in formula.text.upper():
        found = _HYPERLINK.search(formula.text)
        text = with_address(text, found[1]) if found else text
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
    found = _HYPERLINK.match(text)
    if found:
        return with_address(found[2] or found[1], found[1])
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
        return _unescape(value)
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
    found = _REFERENCE.match(place)
    if not found or not callable(change):
        return
    row, column = int(found[2]) - 1, column_index(found[1])
    text = change(draft.rows.get(row, {}).get(column, ""))
    if text:
        draft.rows.setdefault(row, {})[column] = text


def _read_comments(package: Package, part: str) -> dict[str, str]:
    """Notes and threaded comments by the cell that they stand on."""
    out: dict[str, list[str]] = {}
    threaded = list(package.related(part, "threadedComment"))
    for name in threaded:
        root = package.parse_optional(name)
        for item in iter_named(root, "threadedComment") if root is not None else ():
            text = squeeze(" ".join(node.text or "" for node in iter_children(item, "text")))
            out.setdefault(get_attribute(item, "ref"), []).append(f"Comment: {text}")
    legacy: dict[str, list[str]] = {}
    for name in package.related(part, "comments"):
        root = package.parse_optional(name)
        if root is None:
            continue
        authors = [squeeze(node.text or "") for node in iter_named(root, "author")]
        for item in iter_named(root, "comment"):
            key = get_attribute(item, "authorId")
            author = authors[int(key)] if key.isdigit() and int(key) < len(authors) else ""
            text = squeeze(" ".join(_rich_text(node) for node in iter_children(item, "text")))
            text = text.removeprefix(f"{author}:").strip() if author else text
            by = f" by {author}" if author and not author.startswith("tc=") else ""
            if text:
                legacy.setdefault(get_attribute(item, "ref"), []).append(f"Comment{by}: {text}")
    return {place: "; ".join(texts) for place, texts in {**legacy, **out}.items()}


def _drawing_texts(package: Package, part: str) -> list[str]:
    """Text boxes, and the titles of charts, that lie on the sheet."""
    texts: list[str] = []
    for drawing in package.related(part, "drawing"):
        root = package.parse_optional(drawing)
        for body in iter_named(root, "txBody") if root is not None else ():
            lines = ["".join(node.text or "" for node in iter_named(line, "t"))
                     for line in iter_named(body, "p")]  # fmt: skip
            texts.append("\n".join(line for line in lines if line.strip()))
        for chart in package.related(drawing, "chart"):
            root = package.parse_optional(chart)
            title = next(iter_named(root, "title"), None) if root is not None else None
            words = (
                [node.text or "" for node in iter_named(title, "t")] if title is not None else []
            )
            if words:
                texts.append(f"Chart: {squeeze(''.join(words))}")
    return [text for text in texts if text.strip()]


def _finish(draft: _Draft, source: Source, *, texts: list[str]) -> Sheet:
    """Without what is hidden, and with labels in all the places that they cover."""
    notes: list[str] = []
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
