"""Parts of an XLSX workbook beside its cells: strings, comments, what lies on a sheet."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from lxml import etree

from parsing.inline import mark_lowered, mark_raised, mark_struck, settle
from parsing.markup import (
    XML_OPTIONS,
    find_child,
    get_attribute,
    iter_children,
    iter_named,
    local_name,
    refuse_entities,
    too_deep,
)
from parsing.ooxml import Package
from parsing.text import squeeze
from parsing.types import ParseError

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_TINY = 1.5
"""Points; nobody reads smaller characters."""


def stream_elements(data: bytes, *names: str) -> Iterator[etree._Element]:
    """Elements of those names as each one ends; those before it are freed."""
    refuse_entities(data)
    events = etree.iterparse(
        io.BytesIO(data),
        events=("end",),
        tag=[f"{{*}}{name}" for name in names],
        **XML_OPTIONS,
    )
    try:
        for _, element in events:
            yield element
            element.clear()
            parent = element.getparent()
            while parent is not None and element.getprevious() is not None:
                del parent[0]
    except etree.XMLSyntaxError as error:
        if "depth" in str(error).lower():
            raise too_deep() from error
        raise ParseError(
            "corrupt",
            "A sheet of this workbook is damaged and cannot be read. "
            "Open it in the program that made it, save it again, and upload that copy.",
        ) from error


def read_strings(data: bytes) -> list[str]:
    """Shared strings, in order."""
    return [rich_text(item) for item in stream_elements(data, "si")]


def rich_text(item: etree._Element) -> str:
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
                text = mark_raised(text)
            elif place == "subscript":
                text = mark_lowered(text)
            struck = next(iter_named(child, "strike"), None)
            if struck is not None and get_attribute(struck, "val") not in {"0", "false"}:
                text = mark_struck(text)
            out += text
    return unescape(settle(out))


def cell_looks(styles: etree._Element) -> list[str]:
    """For each cell style: tiny, struck, white (on no fill), or an empty string."""
    groups = [find_child(styles, name) for name in ("fonts", "fills", "cellXfs")]
    fonts, fills, cells = (list(group) if group is not None else [] for group in groups)
    looks = []
    for cell in cells:
        font = _numbered(fonts, get_attribute(cell, "fontId"))
        fill = _numbered(fills, get_attribute(cell, "fillId"))
        struck = find_child(font, "strike") if font is not None else None
        if _is_tiny(font):
            looks.append("tiny")
        elif struck is not None and get_attribute(struck, "val") not in {"0", "false"}:
            looks.append("struck")
        else:
            looks.append("white" if _is_white(font) and not _has_fill(fill) else "")
    return looks


def _numbered(items: list[etree._Element], number: str) -> etree._Element | None:
    return items[int(number)] if number.isdigit() and int(number) < len(items) else None


def _is_tiny(font: etree._Element | None) -> bool:
    size = find_child(font, "sz") if font is not None else None
    value = get_attribute(size, "val") if size is not None else ""
    return bool(re.fullmatch(r"\d{1,3}(?:\.\d*)?", value)) and float(value) <= _TINY


def _is_white(font: etree._Element | None) -> bool:
    color = find_child(font, "color") if font is not None else None
    if color is None or get_attribute(color, "tint").strip("0.-"):
        return False
    return get_attribute(color, "rgb").upper()[-6:] == "FFFFFF" or (
        get_attribute(color, "theme") == "0" or get_attribute(color, "indexed") in {"1", "9"}
    )


def _has_fill(fill: etree._Element | None) -> bool:
    if fill is None:
        return False
    pattern = find_child(fill, "patternFill")
    if pattern is None:
        return len(fill) > 0
    kind, ground = get_attribute(pattern, "patternType"), find_child(pattern, "fgColor")
    if kind in {"", "none"}:
        return False
    return kind != "solid" or ground is None or get_attribute(ground, "rgb")[-6:] != "FFFFFF"


def unescape(text: str) -> str:
    """Characters that XML cannot hold are written as _x000D_."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda match: chr(int(match.group(1), 16)), text)


def read_comments(package: Package, part: str) -> dict[str, str]:
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
            text = squeeze(" ".join(rich_text(node) for node in iter_children(item, "text")))
            text = text.removeprefix(f"{author}:").strip() if author else text
            by = f" by {author}" if author and not author.startswith("tc=") else ""
            if text:
                legacy.setdefault(get_attribute(item, "ref"), []).append(f"Comment{by}: {text}")
    return {place: "; ".join(texts) for place, texts in {**legacy, **out}.items()}


def drawing_texts(package: Package, part: str) -> list[str]:
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
