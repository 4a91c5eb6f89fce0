"""Web pages: the content in reading order, without scripts, styles and navigation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from parsing.formats.common import emit
from parsing.formulas import mathml_text
from parsing.grid import Cell, grid_pieces, spread
from parsing.html_parts import Addresses, HiddenParts, InlineText
from parsing.html_styles import PageStyles
from parsing.html_tables import cell_height, cell_span, count_headers, is_data_table, iter_own
from parsing.inline import join_notes
from parsing.markup import parse_html
from parsing.office.numbering import number_text
from parsing.source import Source
from parsing.text import Piece, decode_text, squeeze
from parsing.types import BlockKind, Opened, ParsedPage, ParseError

_SKIPPED = frozenset((
    "script", "style", "noscript", "template", "svg", "canvas", "iframe", "object", "embed",
    "audio", "video", "head", "dialog", "datalist", "map", "rp",
))  # fmt: skip
_BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div",
    "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr",
    "html", "legend", "main", "menu", "ol", "p", "section", "summary", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "ul", "li", "caption", "option", "h1", "h2", "h3", "h4",
    "h5", "h6", "pre",
))  # fmt: skip
_META_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_XML_CHARSET = re.compile(rb"\A\s*<\?xml[^>]+encoding\s*=\s*[\"']([\w-]+)", re.IGNORECASE)
MAX_DEPTH = 2_000
_TITLE_WORDS = 4
_MAX_CHOICES = 20
_MAX_NESTING = 20
_LIST_STYLE = re.compile(
    r"list-style(?:-type)?\s*:[^;]*?\b(none|decimal-leading-zero|decimal|(?:upper|lower)-(?:alpha|latin|roman))",
    re.IGNORECASE,
)
_LIST_FORMS = {
    "none": "none", "decimal-leading-zero": "decimalZero", "upper-alpha": "A", "upper-latin": "A",
    "lower-alpha": "a", "lower-latin": "a", "upper-roman": "I", "lower-roman": "i",
}  # fmt: skip


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of an HTML file."""
    text = decode_html(source.read(), charset=source.charset)
    page = read_html(text)
    yield from emit(source, page.pieces, title=page.title, metadata={"note": page.note})


def decode_html(data: bytes, *, charset: str = "") -> str:
    """Text of an HTML file: a byte order mark or valid UTF-8 wins, then what the page declares."""
    if not charset.startswith("utf"):
        declared = _META_CHARSET.search(data[:4096]) or _XML_CHARSET.search(data[:4096])
        if declared:
            charset = declared.group(1).decode("ascii")
            charset = "cp1252" if charset.lower() in {"iso-8859-1", "latin-1"} else charset
    return decode_text(data, charset=charset)


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """What a page of HTML shows, and what of it was left out."""

    title: str
    pieces: list[Piece]
    note: str


def extract_html(text: str) -> tuple[str, list[Piece]]:
    """Title and blocks of a page of HTML."""
    page = read_html(text)
    return page.title, page.pieces


def read_html(text: str) -> HtmlPage:
    """Title, blocks and notes of a page of HTML."""
    root = parse_html(text)
    if root is None:
        return HtmlPage("", [], "")
    title_element = root.find(".//title")
    title = (
        squeeze("".join(str(part) for part in title_element.itertext()))
        if title_element is not None
        else ""
    )
    styles = PageStyles(root)
    walker = _Walker(HiddenParts(root, styles), Addresses(root), styles)
    walker.walk(root)
    if not walker.pieces and title:
        walker.pieces.append(Piece("paragraph", title))
    note = walker.note()
    return HtmlPage(title, walker.pieces, note)


class _Walker:
    """Walks the tree with its own stack, because the sender chooses how deep it is."""

    def __init__(self, hidden: HiddenParts, addresses: Addresses, styles: PageStyles) -> None:
        self.styles = styles
        self.pieces: list[Piece] = []
        self.hidden = hidden
        self.addresses = addresses
        self._inline = InlineText(addresses, styles)
        self._kind: BlockKind = "paragraph"
        self._level = 0
        self._lists: list[list[int | None]] = []
        self._marker: str | None = None
        self._pre = 0
        self._cut_tables = 0

    def note(self) -> str:
        """What a reader should know of what was left out."""
        cut = "A very large table was read without some of its merged labels or far columns."
        return join_notes(
            self.hidden.note(), self.addresses.note(), cut if self._cut_tables else ""
        )

    def walk(self, root: etree._Element) -> None:
        """Collect the blocks under `root`."""
        depth = 0
        events = etree.iterwalk(root, events=("start", "end"))
        for event, element in events:
            tag = element.tag if isinstance(element.tag, str) else ""
            if event == "start":
                depth += 1
                if depth > MAX_DEPTH:
                    raise ParseError(
                        "corrupt", "This page is nested too deeply to be read as a web page."
                    )
                if self._take_whole(element, tag):
                    events.skip_subtree()
                else:
                    self._start(element, tag)
            else:
                depth -= 1
                if tag and not (tag == "table" and is_data_table(element)):
                    self._end(element, tag)
                if element.tail and element is not root:
                    self._inline.add(element.tail)
        self._flush()

    def _take_whole(self, element: etree._Element, tag: str) -> bool:
        """Handle elements that are not walked into: those left out, tables and equations."""
        if not tag or _is_skipped(element, tag) or self.hidden.has(element):
            return True
        if tag == "table" and is_data_table(element):
            self._flush()
            self.pieces += self._read_table(element)
            return True
        if tag in {"math", "select"}:
            self._inline.add(_replacement(element, tag) or mathml_text(element))
            return True
        return False

    def _start(self, element: etree._Element, tag: str) -> None:
        if tag in _BLOCKS:
            self._flush()
        if tag in {"ul", "menu", "ol"}:
            self._lists.append(_list_count(element, tag))
        elif tag == "li":
            self._marker = self._next_marker(element)
        elif tag == "pre":
            self._pre += 1
        elif len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            self._kind, self._level = "heading", int(tag[1])
        self._inline.open(element, tag)
        self._inline.add(_replacement(element, tag))
        self._inline.add(element.text or "")

    def _end(self, element: etree._Element, tag: str) -> None:
        self._inline.close(element)
        if tag in _BLOCKS:
            self._flush()
        if tag in {"ul", "menu", "ol"} and self._lists:
            self._lists.pop()
        elif tag == "pre":
            self._pre = max(0, self._pre - 1)

    def _next_marker(self, item: etree._Element) -> str:
        indent = "  " * max(0, len(self._lists) - 1)
        counter = self._lists[-1] if self._lists else [None, 1]
        if counter[0] is None:
            return indent if self._list_form(item) == "none" else f"{indent}- "
        own = item.get("value", "")
        step = counter[1] or 1
        counter[0] = int(own) if own.lstrip("-").isdigit() and len(own) < 9 else counter[0] + step
        form = self._list_form(item)
        return f"{indent}{number_text(counter[0], form)}. " if form != "none" else indent

    def _list_form(self, item: etree._Element) -> str:
        """The kind of numbers of an ordered list, as number_text calls it."""
        parent = item.getparent()
        for element in (item, parent):
            match = _LIST_STYLE.search(self.styles.body(element)) if element is not None else None
            if match:
                return _LIST_FORMS.get(match[1].lower(), "decimal")
        return (parent.get("type") or "") if parent is not None else ""

    def _flush(self) -> None:
        raw = self._inline.take()
        kind, level = self._kind, self._level
        if self._pre and raw.strip():
            self.pieces.append(Piece("code", raw.replace("\x1e", "\n")))
        else:
            lines = [squeeze(part) for part in raw.split("\x1e")]
            text = re.sub(r"\n{2,}", "\n", "\n".join(lines)).strip()
            if text:
                self._emit(text, kind, level)
        self._kind, self._level = "paragraph", 0

    def _emit(self, text: str, kind: BlockKind, level: int) -> None:
        if kind == "heading":
            self.pieces.append(Piece("heading", text, level=level))
        elif self._lists:
            marker = "  " * len(self._lists) if self._marker is None else self._marker
            self.pieces.append(Piece("list", marker + text, level=len(self._lists)))
        else:
            self.pieces.append(Piece(kind, text))
        self._marker = None

    def _read_table(self, table: etree._Element, *, depth: int = 0) -> list[Piece]:
        """A table; those nested in its cells follow as tables of their own, each after its row."""
        pieces: list[Piece] = []
        caption = next(iter_own(table, "caption"), None)
        if caption is not None:
            pieces.append(Piece("paragraph", self._cell_text(caption)))
        rows = [row for row in iter_own(table, "tr") if not self.hidden.has(row)]
        nested: list[tuple[str, etree._Element]] = []
        cells = [self._read_row(row, nested if depth < _MAX_NESTING else None) for row in rows]
        grid = spread(cells, headers=count_headers(rows))
        self._cut_tables += grid.is_cut
        lines = [grid.line(y) for y in range(len(grid.rows))]
        if max((len(line) for line in lines), default=0) <= 1:
            text = "\n".join(line[0] for line in lines if line)
            pieces.append(Piece("paragraph", text))
        else:
            pieces += grid_pieces(grid)
        for label, inner in nested:
            pieces += [Piece("paragraph", f"{label}:")] if label else []
            pieces += self._read_table(inner, depth=depth + 1)
        return pieces

    def _read_row(
        self, row: etree._Element, nested: list[tuple[str, etree._Element]] | None
    ) -> list[Cell]:
        """Its cells. Tables in them are put into `nested`, with the label of the row."""
        cells = []
        tables: list[etree._Element] = []
        for cell in row:
            if cell.tag in {"td", "th"} and not self.hidden.has(cell):
                text = self._cell_text(cell, tables if nested is not None else None)
                cells.append(Cell(text, cell_height(cell, row), cell_span(cell, "colspan") or 1))
        if nested is not None and tables:
            label = next((cell.text for cell in cells if cell.text), "")
            nested += [(label, table) for table in tables]
        return cells

    def _cell_text(self, cell: etree._Element, tables: list[etree._Element] | None = None) -> str:
        """Text of a cell; without its tables, which are put into `tables`, where that is given."""
        line = InlineText(self.addresses, self.styles)
        events = etree.iterwalk(cell, events=("start", "end"))
        for event, element in events:
            tag = element.tag if isinstance(element.tag, str) else ""
            if event == "start":
                line.add(" " if tag in _BLOCKS or tag == "br" else "")
                if not tag or (element is not cell and self._is_left_out(element, tag)):
                    events.skip_subtree()
                    continue
                if tag == "table" and tables is not None and is_data_table(element):
                    tables.append(element)
                    events.skip_subtree()
                    continue
                if tag in {"math", "select"}:
                    line.add(_replacement(element, tag) or mathml_text(element))
                    events.skip_subtree()
                    continue
                line.open(element, tag)
                line.add((element.get("alt") or "") if tag == "img" else "")
                line.add(_replacement(element, tag) if tag == "input" else "")
                line.add(element.text or "")
            elif element is not cell:
                line.close(element)
                line.add(" " if tag in _BLOCKS else "")
                line.add(element.tail or "")
        return squeeze(line.take())

    def _is_left_out(self, element: etree._Element, tag: str) -> bool:
        return tag in _SKIPPED or self.hidden.has(element)


def _list_count(element: etree._Element, tag: str) -> list[int | None]:
    """The number before the first one, None for bullets; and the step to the next."""
    if tag != "ol":
        return [None, 1]
    step = -1 if element.get("reversed") is not None else 1
    start = element.get("start", "")
    if start.lstrip("-").isdigit() and len(start) < 9:
        return [int(start) - step, step]
    return [0 if step > 0 else 1 + sum(1 for _ in element.iterchildren("li")), step]


def _replacement(element: etree._Element, tag: str) -> str:
    """What a reader sees in place of an element that has no text of its own."""
    if tag == "br":
        return "\x1e"
    if tag == "img":
        return f" {element.get('alt') or ''} "
    if tag == "input" and element.get("type", "").lower() in {"checkbox", "radio"}:
        return "[x] " if element.get("checked") is not None else "[ ] "
    if tag == "select":
        return f" {_chosen(element)} "
    if tag == "input" and element.get("type", "text") in {"submit", "button", "text"}:
        return f" {element.get('value') or element.get('placeholder') or ''} "
    return ""


def _chosen(select: etree._Element) -> str:
    """What a list of choices shows, and the others that it has."""
    options = list(select.iter("option"))
    names = [squeeze("".join(str(part) for part in option.itertext())) for option in options]
    chosen = [
        name
        for name, option in zip(names, options, strict=True)
        if option.get("selected") is not None
    ]
    if not chosen and select.get("multiple") is None:
        chosen = names[:1]
    others = ", ".join(names) if len(names) <= _MAX_CHOICES else f"{len(names)} choices"
    shown = ", ".join(chosen) or "nothing chosen"
    return f"{shown} (of {others})" if len(names) > 1 else shown


def _is_skipped(element: etree._Element, tag: str) -> bool:
    if tag in _SKIPPED:
        return True
    if tag == "nav" or element.get("role") == "navigation":
        return _is_menu(element)
    return False


def _is_menu(navigation: etree._Element) -> bool:
    """A menu has short labels; a list of further articles has titles, which are content."""
    labels = ["".join(str(part) for part in link.itertext()) for link in navigation.iter("a")]
    words = sum(len(label.split()) for label in labels)
    return words < _TITLE_WORDS * max(len(labels), 1)
