"""Charts and diagrams of Office documents, from the values that the file keeps with them."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from parsing.markup import find_child, iter_named
from parsing.ooxml import Package
from parsing.text import Piece, format_table, squeeze


def chart_pieces(package: Package, part: str) -> Iterator[Piece]:
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


def diagram_pieces(package: Package, part: str) -> Iterator[Piece]:
    """Texts of a diagram (SmartArt) as a list."""
    root = package.parse_optional(part) if part in package.archive else None
    for body in iter_named(root, "pt") if root is not None else ():
        text = squeeze(" ".join(item.text or "" for item in iter_named(body, "t")))
        if text:
            yield Piece("list", f"- {text}")
