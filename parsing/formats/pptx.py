"""Presentations: each slide a page, with tables, charts, diagrams and speaker notes."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from parsing.formats.common import emit_pages
from parsing.markup import (
    find_child,
    get_attribute,
    iter_children,
    iter_named,
    local_name,
)
from parsing.ooxml import Package, relation_id
from parsing.source import Source
from parsing.text import PageBuilder, Piece, format_table, squeeze
from parsing.types import Opened, ParsedPage

_TITLES = frozenset(("title", "ctrTitle"))
_FIELDS = frozenset(("sldNum", "dt"))
MAX_NESTING = 20


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """One page for each slide, in the order of the show."""
    package = Package(source)
    main = package.main_part("ppt/presentation.xml")
    pages = [
        _read_slide(package, part, number)
        for number, part in enumerate(_list_slides(package, main), start=1)
    ]
    metadata = package.properties()
    title = metadata.get("title", "") or (pages[0].label.partition(": ")[2] if pages else "")
    yield from emit_pages(source, pages, title=title, metadata=metadata)


def _list_slides(package: Package, main: str) -> list[str]:
    targets = {relation.id: relation.target for relation in package.relations(main)}
    wanted = (relation_id(item) for item in iter_named(package.parse(main), "sldId"))
    return [targets[key] for key in wanted if targets.get(key, "") in package.archive]


def _read_slide(package: Package, part: str, number: int) -> ParsedPage:
    label = f"Slide {number}"
    builder = PageBuilder()
    root = package.parse_optional(part)
    tree = next(iter_named(root, "spTree"), None) if root is not None else None
    if tree is None:
        return builder.build(number, label=label, note="This slide is damaged.")
    targets = {relation.id: relation.target for relation in package.relations(part)}
    for piece in _walk(package, tree, targets):
        if piece.kind == "heading" and label == f"Slide {number}":
            label += f": {piece.text}"
        builder.add(piece.kind, piece.text, level=piece.level)
    for kind, name in (("notesSlide", "Notes"), ("comments", "Comment")):
        for extra in package.related(part, kind):
            text = _notes_text(package, extra)
            if text:
                builder.add("paragraph", f"{name}: {text}")
    return builder.build(number, label=label)


def _walk(
    package: Package, tree: etree._Element, targets: dict[str, str], *, depth: int = 0
) -> Iterator[Piece]:
    if depth > MAX_NESTING:
        return
    for shape in _in_reading_order(tree):
        name = local_name(shape)
        if name == "sp":
            yield from _shape_pieces(shape)
        elif name == "grpSp":
            yield from _walk(package, shape, targets, depth=depth + 1)
        elif name == "graphicFrame":
            yield from _frame_pieces(package, shape, targets)
        elif name == "pic":
            text = _alternative_text(shape)
            if text:
                yield Piece("paragraph", f"[Image: {text}]")


def _in_reading_order(tree: etree._Element) -> list[etree._Element]:
    """Title first, then from top to bottom and left to right where places are given."""
    shapes: list[etree._Element] = []
    for child in tree:
        if local_name(child) == "AlternateContent":
            choice = find_child(child, "Choice")
            shapes += choice if choice is not None else []
        else:
            shapes.append(child)
    order = []
    for at, shape in enumerate(shapes):
        top, left = _position(shape)
        order.append((0 if _placeholder(shape) in _TITLES else 1, top, left, at))
    return [shapes[key[3]] for key in sorted(order)]


def _position(shape: etree._Element) -> tuple[int, int]:
    """Place in bands of a twentieth of an inch; inherited places count as the top."""
    offset = next(iter_named(shape, "off"), None)
    if offset is None:
        return 0, 0
    try:
        return int(get_attribute(offset, "y")) // 45720, int(get_attribute(offset, "x"))
    except ValueError:
        return 0, 0


def _placeholder(shape: etree._Element) -> str:
    mark = next(iter_named(shape, "ph"), None) if local_name(shape) == "sp" else None
    return "" if mark is None else get_attribute(mark, "type") or "body"


def _shape_pieces(shape: etree._Element) -> Iterator[Piece]:
    kind = _placeholder(shape)
    if kind in _FIELDS:
        return
    paragraphs = [item for body in iter_named(shape, "txBody") for item in iter_named(body, "p")]
    if kind in _TITLES:
        text = squeeze(" ".join(_paragraph_text(item) for item in paragraphs))
        if text:
            yield Piece("heading", text, level=1)
        return
    many = sum(1 for item in paragraphs if _paragraph_text(item).strip()) > 1
    for item in paragraphs:
        text = squeeze(_paragraph_text(item))
        if text and (kind == "body" and many):
            yield Piece("list", "  " * _level(item) + "- " + text)
        elif text:
            yield Piece("paragraph", text)


def _level(paragraph: etree._Element) -> int:
    properties = find_child(paragraph, "pPr")
    level = get_attribute(properties, "lvl") if properties is not None else ""
    return min(int(level), 8) if level.isdigit() else 0


def _paragraph_text(paragraph: etree._Element) -> str:
    out: list[str] = []
    for element in paragraph.iter():
        name = local_name(element)
        if name == "t":
            out.append(element.text or "")
        elif name in {"br", "tab"}:
            out.append(" ")
    return "".join(out)


def _frame_pieces(
    package: Package, frame: etree._Element, targets: dict[str, str]
) -> Iterator[Piece]:
    """A table, chart or diagram."""
    for table in iter_named(frame, "tbl"):
        rows = [
            [_cell_text(cell) for cell in iter_children(row, "tc")]
            for row in iter_children(table, "tr")
        ]
        yield from format_table(rows)
    for element in frame.iter("{*}chart", "{*}relIds"):
        if local_name(element) == "chart":
            part = targets.get(relation_id(element), "")
            yield from _chart_pieces(package, part)
        else:
            part = targets.get(get_attribute(element, "dm"), "")
            yield from _diagram_pieces(package, part)


def _cell_text(cell: etree._Element) -> str:
    return squeeze(" ".join(_paragraph_text(item) for item in iter_named(cell, "p")))


def _chart_pieces(package: Package, part: str) -> Iterator[Piece]:
    """Title, series and categories of a chart, from the values the file keeps with it."""
    root = package.parse_optional(part) if part in package.archive else None
    if root is None:
        return
    title = next(iter_named(root, "title"), None)
    text = (
        squeeze(" ".join(item.text or "" for item in iter_named(title, "t")))
        if (title is not None)
        else ""
    )
    yield Piece("paragraph", f"Chart: {text}" if text else "Chart")
    header, columns = [""], []
    categories: list[str] = []
    for series in iter_named(root, "ser"):
        header.append(" ".join(_cached(find_child(series, "tx"))))
        categories = categories or _cached(find_child(series, "cat"))
        columns.append(_cached(find_child(series, "val")) or _cached(find_child(series, "yVal")))
    height = max((len(column) for column in columns), default=0)
    body = [
        [categories[at] if at < len(categories) else str(at + 1)]
        + [column[at] if at < len(column) else "" for column in columns]
        for at in range(height)
    ]
    yield from format_table([header, *body])


def _cached(element: etree._Element | None) -> list[str]:
    if element is None:
        return []
    return [squeeze(value.text or "") for value in iter_named(element, "v")]


def _diagram_pieces(package: Package, part: str) -> Iterator[Piece]:
    root = package.parse_optional(part) if part in package.archive else None
    for body in iter_named(root, "pt") if root is not None else ():
        text = squeeze(" ".join(item.text or "" for item in iter_named(body, "t")))
        if text:
            yield Piece("list", f"- {text}")


def _alternative_text(shape: etree._Element) -> str:
    properties = next(iter_named(shape, "cNvPr"), None)
    return squeeze(get_attribute(properties, "descr")) if properties is not None else ""


def _notes_text(package: Package, part: str) -> str:
    root = package.parse_optional(part)
    if root is None:
        return ""
    texts: list[str] = []
    for shape in iter_named(root, "sp"):
        if _placeholder(shape) in {"body", ""}:
            texts += [_paragraph_text(item) for item in iter_named(shape, "p")]
    texts += [item.text or "" for item in root.iter("{*}text") if not len(item)]
    return squeeze(" ".join(texts))
