"""Web pages: the content in reading order, without scripts, styles and navigation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from parsing.formats.common import emit
from parsing.markup import parse_html
from parsing.source import Source
from parsing.text import Piece, decode_text, format_table, squeeze
from parsing.types import BlockKind, Opened, ParsedPage, ParseError

_SKIPPED = frozenset((
    "script", "style", "noscript", "template", "svg", "canvas", "iframe", "object", "embed",
    "audio", "video", "head", "dialog", "datalist", "map",
))  # fmt: skip
_BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div",
    "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr",
    "html", "legend", "main", "menu", "ol", "p", "section", "summary", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "ul", "li", "caption", "option", "h1", "h2", "h3", "h4",
    "h5", "h6", "pre",
))  # fmt: skip
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_XML_CHARSET = re.compile(rb"\A\s*<\?xml[^>]+encoding\s*=\s*[\"']([\w-]+)", re.IGNORECASE)
MAX_DEPTH = 2_000
_TITLE_WORDS = 4


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of an HTML file."""
    text = decode_html(source.read(), charset=source.charset)
    title, pieces = extract_html(text)
    yield from emit(source, pieces, title=title)


def decode_html(data: bytes, *, charset: str = "") -> str:
    """Text of an HTML file: a byte order mark or valid UTF-8 wins, then what the page declares."""
    if not charset.startswith("utf"):
        declared = _META_CHARSET.search(data[:4096]) or _XML_CHARSET.search(data[:4096])
        if declared:
            charset = declared.group(1).decode("ascii")
            charset = "cp1252" if charset.lower() in {"iso-8859-1", "latin-1"} else charset
    return decode_text(data, charset=charset)


def extract_html(text: str) -> tuple[str, list[Piece]]:
    """Title and blocks of a page of HTML."""
    root = parse_html(text)
    if root is None:
        return "", []
    found = root.find(".//title")
    title = squeeze("".join(str(part) for part in found.itertext())) if found is not None else ""
    walker = _Walker()
    walker.walk(root)
    if not walker.pieces and title:
        walker.pieces.append(Piece("paragraph", title))
    return title, walker.pieces


class _Walker:
    """Goes through the tree with its own stack, for depth is the sender's choice."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self._inline: list[str] = []
        self._kind: BlockKind = "paragraph"
        self._level = 0
        self._lists: list[list[int | None]] = []
        self._marker = ""
        self._pre = 0

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
                if not tag or _is_skipped(element, tag):
                    events.skip_subtree()
                elif tag == "table" and _is_data_table(element):
                    self._flush()
                    self.pieces += _read_table(element)
                    events.skip_subtree()
                else:
                    self._start(element, tag)
            else:
                depth -= 1
                if tag and not (tag == "table" and _is_data_table(element)):
                    self._end(tag)
                if element.tail and element is not root:
                    self._inline.append(element.tail)
        self._flush()

    def _start(self, element: etree._Element, tag: str) -> None:
        if tag in _BLOCKS:
            self._flush()
        if tag in {"ul", "menu", "ol"}:
            self._lists.append([0 if tag == "ol" else None])
        elif tag == "li":
            self._marker = self._next_marker()
        elif tag == "pre":
            self._pre += 1
        elif len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            self._kind, self._level = "heading", int(tag[1])
        self._inline.append(_replacement(element, tag))
        self._inline.append(element.text or "")

    def _end(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._flush()
        if tag in {"ul", "menu", "ol"} and self._lists:
            self._lists.pop()
        elif tag == "pre":
            self._pre = max(0, self._pre - 1)

    def _next_marker(self) -> str:
        indent = "  " * max(0, len(self._lists) - 1)
        counter = self._lists[-1] if self._lists else [None]
        if counter[0] is None:
            return f"{indent}- "
        counter[0] += 1
        return f"{indent}{counter[0]}. "

    def _flush(self) -> None:
        raw, self._inline = "".join(self._inline), []
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
            marker = self._marker or "  " * len(self._lists)
            self.pieces.append(Piece("list", marker + text, level=len(self._lists)))
        else:
            self.pieces.append(Piece(kind, text))
        self._marker = ""


def _replacement(element: etree._Element, tag: str) -> str:
    """What a reader sees in place of an element that has no text of its own."""
    if tag == "br":
        return "\x1e"
    if tag == "img":
        return f" {element.get('alt') or ''} "
    if tag == "input" and element.get("type", "text") in {"submit", "button", "text"}:
        return f" {element.get('value') or element.get('placeholder') or ''} "
    return ""


def _is_skipped(element: etree._Element, tag: str) -> bool:
    if tag in _SKIPPED:
        return True
    if tag == "nav" or element.get("role") == "navigation":
        return _is_menu(element)
    style = element.get("style")
    return element.get("hidden") is not None or bool(style and _HIDDEN_STYLE.search(style))


def _is_menu(navigation: etree._Element) -> bool:
    """A menu has short labels; a list of articles to go on to has titles, which are content."""
    labels = ["".join(str(part) for part in link.itertext()) for link in navigation.iter("a")]
    words = sum(len(label.split()) for label in labels)
    return words < _TITLE_WORDS * max(len(labels), 1)


def _is_data_table(table: etree._Element) -> bool:
    """Tables that lay out a page hold blocks or tables; tables of data hold short cells."""
    if table.find(".//table") is not None:
        return False
    cells = list(table.iter("td", "th"))
    if len(cells) < 2:
        return False
    heavy = sum(1 for cell in cells if cell.find(".//h1") is not None or len(cell) > 12)
    return heavy * 4 < len(cells)


def _read_table(table: etree._Element) -> list[Piece]:
    pieces: list[Piece] = []
    caption = table.find(".//caption")
    if caption is not None:
        pieces.append(Piece("paragraph", _cell_text(caption)))
    rows = [
        [_cell_text(cell) for cell in row if cell.tag in {"td", "th"}] for row in table.iter("tr")
    ]
    if max((sum(1 for cell in row if cell) for row in rows), default=0) <= 1:
        lines = "\n".join(" ".join(cell for cell in row if cell) for row in rows if any(row))
        return [*pieces, Piece("paragraph", lines)]
    return pieces + list(format_table(_drop_empty_columns(rows)))


def _drop_empty_columns(rows: list[list[str]]) -> list[list[str]]:
    width = max(len(row) for row in rows)
    padded = [row + [""] * (width - len(row)) for row in rows]
    used = [at for at in range(width) if any(row[at] for row in padded)]
    return [[row[at] for at in used] for row in padded]


def _cell_text(cell: etree._Element) -> str:
    parts: list[str] = []
    for event, element in etree.iterwalk(cell, events=("start", "end")):
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            if tag in _BLOCKS or tag == "br":
                parts.append(" ")
            if tag == "img":
                parts.append(element.get("alt") or "")
            if element.text and tag not in _SKIPPED:
                parts.append(element.text)
        elif element is not cell:
            if tag in _BLOCKS:
                parts.append(" ")
            parts.append(element.tail or "")
    return squeeze("".join(parts))
