"""Tables of web pages: which hold data, their own rows, and what their cells cover."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree


def iter_own(table: etree._Element, *tags: str) -> Iterator[etree._Element]:
    """Descendants with these tags, apart from those of tables nested in the table."""
    events = etree.iterwalk(table, events=("start",), tag=[*tags, "table"])
    for _, element in events:
        if element.tag in tags:
            yield element
        if element.tag == "table" and element is not table:
            events.skip_subtree()


def is_data_table(table: etree._Element) -> bool:
    """Tables that lay out a page hold blocks or tables; tables of data hold short cells.

    One that holds tables and names its columns or rows is one of data all the same.
    """
    cells = list(iter_own(table, "td", "th"))
    if len(cells) < 2 or (table.get("role") or "").lower() in {"presentation", "none"}:
        return False
    if table.find(".//table") is not None:
        return len({cell.tag for cell in cells}) == 2
    heavy = sum(1 for cell in cells if cell.find(".//h1") is not None or len(cell) > 12)
    return heavy * 4 < len(cells)


def cell_span(cell: etree._Element, name: str) -> int:
    """How many rows or columns a cell covers, within what browsers heed; 0 means all there are."""
    value = (cell.get(name) or "").strip()
    most = 65_534 if name == "rowspan" else 1_000
    return min(int(value[:9]), most) if value.isascii() and value.isdigit() else 1


def cell_height(cell: etree._Element, row: etree._Element) -> int:
    """Rows that a cell covers, no more than its part of the table has left."""
    height = cell_span(cell, "rowspan")
    if height == 1:
        return 1
    left = 1
    for _ in row.itersiblings("tr"):
        left += 1
        if left == height:
            break
    return left if height == 0 else min(height, left)


def count_headers(rows: list[etree._Element]) -> int:
    """Rows at the top that the page itself calls headers."""
    count = 0
    for row in rows:
        parent = row.getparent()
        cells = [cell for cell in row if cell.tag in {"td", "th"}]
        in_head = parent is not None and parent.tag == "thead"
        if not in_head and not (cells and all(cell.tag == "th" for cell in cells)):
            break
        count += 1
    return count
