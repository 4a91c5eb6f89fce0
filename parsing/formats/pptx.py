"""Presentations: each slide a page, with tables, charts, diagrams and speaker notes."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from parsing.formats.common import emit_pages
from parsing.grid import grid_pieces
from parsing.inline import join_notes
from parsing.markup import find_child, get_attribute, iter_named, local_name
from parsing.office.charts import chart_pieces, diagram_pieces
from parsing.office.slide_ground import has_white_ground
from parsing.office.slide_text import ListCounter, SlideText, list_level
from parsing.office.symbol_fonts import unknown_note
from parsing.ooxml import Package, relation_id
from parsing.source import Source
from parsing.text import PageBuilder, Piece, squeeze
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
    ids = (relation_id(item) for item in iter_named(package.parse(main), "sldId"))
    return [targets[key] for key in ids if targets.get(key, "") in package.archive]


def _read_slide(package: Package, part: str, number: int) -> ParsedPage:
    label = f"Slide {number}"
    builder = PageBuilder()
    root = package.parse_optional(part)
    tree = next(iter_named(root, "spTree"), None) if root is not None else None
    if root is None or tree is None:
        return builder.build(number, label=label, note="This slide is damaged.")
    if get_attribute(root, "show").lower() in {"0", "false"}:
        return builder.build(
            number,
            label=f"{label} (hidden)",
            note="This slide is hidden in the show and was left out.",
        )
    slide = _Slide(package, {relation.id: relation.target for relation in package.relations(part)})
    slide.text.addresses = package.addresses(part)
    slide.text.has_white_ground = functools.cache(lambda: has_white_ground(package, part))
    for piece in slide.walk(tree):
        if piece.kind == "heading" and label == f"Slide {number}":
            label += f": {piece.text}"
        builder.add(piece.kind, piece.text, level=piece.level)
    for kind, name in (("notesSlide", "Notes"), ("comments", "Comment")):
        for extra in package.related(part, kind):
            text = _notes_text(package, extra)
            if text:
                builder.add("paragraph", f"{name}: {text}")
    note = join_notes(
        "Hidden shapes on this slide were left out." if slide.hidden else "",
        "Text that is white on white, or too small to be seen, was left out."
        if slide.text.unseen
        else "",
        unknown_note(slide.text.unknown),
    )
    return builder.build(number, label=label, note=note)


@dataclass(slots=True)
class _Slide:
    """The shapes of one slide. `targets` are the parts that it refers to."""

    package: Package
    targets: dict[str, str]
    text: SlideText = field(default_factory=SlideText)
    hidden: int = 0

    def walk(self, tree: etree._Element, *, depth: int = 0) -> Iterator[Piece]:
        """Blocks of the shapes in reading order."""
        if depth > MAX_NESTING:
            return
        for shape in _in_reading_order(tree):
            name = local_name(shape)
            if _is_hidden(shape):
                self.hidden += 1
            elif name == "sp":
                yield from self._shape_pieces(shape)
            elif name == "grpSp":
                yield from self.walk(shape, depth=depth + 1)
            elif name == "graphicFrame":
                yield from self._frame_pieces(shape)
            elif name == "pic":
                text = _alternative_text(shape)
                if text:
                    yield Piece("paragraph", self.text.linked(f"[Image: {text}]", shape))

    def _shape_pieces(self, shape: etree._Element) -> Iterator[Piece]:
        kind = _placeholder(shape)
        if kind in _FIELDS:
            return
        bodies = list(iter_named(shape, "txBody"))
        paragraphs = [item for body in bodies for item in iter_named(body, "p")]
        texts = [squeeze(self.text.read(item)) for item in paragraphs]
        if kind in _TITLES:
            text = squeeze(" ".join(texts))
            if text:
                yield Piece("heading", text, level=1)
            return
        many = sum(1 for text in texts if text) > 1
        counter = ListCounter()
        for item, text in zip(paragraphs, texts, strict=True):
            number = counter.advance(item) if text else ""
            indent = "  " * list_level(item)
            if number:
                yield Piece("list", f"{indent}{number} {text}")
            elif text and (kind == "body" and many):
                yield Piece("list", f"{indent}- {text}")
            elif text:
                yield Piece("paragraph", self.text.linked(text, shape))

    def _frame_pieces(self, frame: etree._Element) -> Iterator[Piece]:
        """A table, chart or diagram."""
        for table in iter_named(frame, "tbl"):
            yield from grid_pieces(self.text.grid(table))
        for element in frame.iter("{*}chart", "{*}relIds"):
            if local_name(element) == "chart":
                part = self.targets.get(relation_id(element), "")
                yield from chart_pieces(self.package, part)
            else:
                part = self.targets.get(get_attribute(element, "dm"), "")
                yield from diagram_pieces(self.package, part)


def _is_hidden(shape: etree._Element) -> bool:
    """Whether a shape itself, not one inside it, is switched off."""
    for group in shape:
        if local_name(group).startswith("nv"):
            properties = find_child(group, "cNvPr")
            if properties is not None:
                return get_attribute(properties, "hidden").lower() in {"1", "true"}
    return False


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


def _alternative_text(shape: etree._Element) -> str:
    properties = next(iter_named(shape, "cNvPr"), None)
    return squeeze(get_attribute(properties, "descr")) if properties is not None else ""


def _notes_text(package: Package, part: str) -> str:
    root = package.parse_optional(part)
    if root is None:
        return ""
    texts: list[str] = []
    text = SlideText(package.addresses(part))
    for shape in iter_named(root, "sp"):
        if _placeholder(shape) in {"body", ""}:
            texts += [text.read(item) for item in iter_named(shape, "p")]
    texts += [item.text or "" for item in root.iter("{*}text") if not len(item)]
    return squeeze(" ".join(texts))
