"""OpenDocument text (ODT) and presentations (ODP)."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from parsing.archive import SafeArchive
from parsing.formats.common import emit, emit_pages
from parsing.markup import (
    get_attribute,
    iter_named,
    local_name,
    parse_xml,
    parse_xml_leniently,
)
from parsing.source import Source
from parsing.text import PageBuilder, Piece, format_table, squeeze
from parsing.types import Opened, ParsedPage, ParseError

_SKIPPED = frozenset(
    ("tracked-changes", "forms", "sequence-decls", "variable-decls", "annotation-end", "bookmark")
)
_INLINE_SKIPPED = frozenset(("note-citation", "tracked-changes", "image", "object"))
MAX_NESTING = 30
_MAX_REPEAT = 100


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of an ODT, slides of an ODP."""
    archive = SafeArchive(source.file, limits=source.limits)
    if b"encryption-data" in (archive.read_optional("META-INF/manifest.xml") or b""):
        raise ParseError(
            "encrypted",
            "This file is protected by a password. Remove the password and upload it again.",
        )
    if "content.xml" not in archive:
        raise ParseError("corrupt", "This OpenDocument file has no content. Save it again.")
    body = next(iter_named(parse_xml(archive.read("content.xml")), "body"), None)
    metadata = _read_metadata(archive)
    title = metadata.get("title", "")
    content = body[0] if body is not None and len(body) else None
    if content is None:
        yield from emit(source, [], title=title, metadata=metadata)
    elif local_name(content) == "presentation":
        yield from emit_pages(source, list(_slides(content)), title=title, metadata=metadata)
    else:
        pieces = [*_styles_pieces(archive), *_walk(content)]
        yield from emit(source, pieces, title=title, metadata=metadata)


def _read_metadata(archive: SafeArchive) -> dict[str, str]:
    data = archive.read_optional("meta.xml")
    root = parse_xml_leniently(data) if data else None
    wanted = {"title": "title", "creator": "author", "subject": "subject", "date": "modified"}
    found: dict[str, str] = {}
    for name, key in wanted.items() if root is not None else ():
        element = next(iter_named(root, name), None) if root is not None else None
        if element is not None and element.text:
            found[key] = element.text
    return found


def _styles_pieces(archive: SafeArchive) -> Iterator[Piece]:
    """Page headers live in styles.xml; each text is taken once."""
    data = archive.read_optional("styles.xml")
    root = parse_xml_leniently(data) if data else None
    seen: set[str] = set()
    for element in iter_named(root, "header") if root is not None else ():
        for piece in _walk(element):
            if piece.text not in seen:
                seen.add(piece.text)
                yield piece


def _slides(presentation: etree._Element) -> Iterator[ParsedPage]:
    slides = [child for child in presentation if local_name(child) == "page"]
    for number, slide in enumerate(slides, start=1):
        builder = PageBuilder()
        for piece in _walk(slide):
            builder.add(piece.kind, piece.text, level=piece.level)
        name = get_attribute(slide, "name")
        label = f"Slide {number}" + (f": {name}" if name and not name.startswith("page") else "")
        yield builder.build(number, label=label)


def _walk(container: etree._Element, *, depth: int = 0) -> Iterator[Piece]:
    if depth > MAX_NESTING:
        return
    for child in container:
        name = local_name(child)
        if name == "h":
            level = get_attribute(child, "outline-level")
            text = squeeze(_inline(child))
            yield Piece("heading", text, level=int(level) if level.isdigit() else 1)
        elif name == "p":
            yield Piece("paragraph", _inline(child))
            yield from _boxes(child, depth=depth)
        elif name == "list":
            yield from _list(child, depth=depth)
        elif name == "table":
            yield from _table(child)
        elif name and name not in _SKIPPED:
            yield from _walk(child, depth=depth + 1)


def _boxes(paragraph: etree._Element, *, depth: int) -> Iterator[Piece]:
    for box in iter_named(paragraph, "text-box"):
        yield from _walk(box, depth=depth + 1)


def _list(element: etree._Element, *, depth: int, level: int = 0) -> Iterator[Piece]:
    if level > MAX_NESTING:
        return
    for item in element:
        if local_name(item) not in {"list-item", "list-header"}:
            continue
        for child in item:
            if local_name(child) == "list":
                yield from _list(child, depth=depth, level=level + 1)
            elif local_name(child) == "h":
                yield from _walk(item, depth=depth + 1)
            else:
                text = squeeze(_inline(child))
                if text:
                    yield Piece("list", "  " * min(level, 8) + "- " + text, level=level)


def _table(table: etree._Element) -> Iterator[Piece]:
    rows: list[list[str]] = []
    for row in iter_named(table, "table-row"):
        cells: list[str] = []
        for cell in row:
            if local_name(cell) not in {"table-cell", "covered-table-cell"}:
                continue
            text = squeeze(" ".join(_inline(part) for part in cell))
            repeat = get_attribute(cell, "number-columns-repeated")
            count = int(repeat) if repeat.isdigit() else 1
            cells += [text] * min(count, _MAX_REPEAT)
        while cells and not cells[-1]:
            cells.pop()
        rows.append(cells)
    yield from format_table(rows)


def _inline(element: etree._Element) -> str:
    """Text of a paragraph with its own spaces, tabs, line breaks and notes; no text boxes."""
    out: list[str] = []
    events = etree.iterwalk(element, events=("start", "end"))
    for event, node in events:
        name = local_name(node)
        if event == "start":
            if name in _INLINE_SKIPPED or name == "text-box":
                events.skip_subtree()
                continue
            out.append(_special(node, name))
            out.append(node.text or "")
        else:
            if name in {"p", "h", "annotation", "note"} and node is not element:
                out.append(" ")
            if node is not element:
                out.append(node.tail or "")
    return "".join(out)


def _special(node: etree._Element, name: str) -> str:
    if name == "s":
        count = get_attribute(node, "c")
        return " " * min(int(count) if count.isdigit() else 1, _MAX_REPEAT)
    if name == "annotation":
        return " [Comment: "
    return {"tab": "\t", "line-break": "\n", "note": " "}.get(name, "")
