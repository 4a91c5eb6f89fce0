"""Passages in brief: rows that were cut off below the header of their table."""

from __future__ import annotations

import pytest
from django.template import Context, Template

from apps.documents.tables.excerpts import lay_out_excerpt
from apps.documents.tables.layout import LaidRow, LaidTable

HEAD = "| Depot | Pallets |\n| --- | --- |\n"
ROWS = "| Riga | 18 |\n| Oslo | 7 |"


def words(row: LaidRow) -> list[str]:  # type: ignore[type-arg]
    return ["".join(run.text for run in cell.runs) for cell in row.cells]


def test_cited_rows_stand_under_the_header_that_was_cut_off() -> None:
    start = ROWS.index("| Oslo")
    (table,) = lay_out_excerpt(ROWS, head=HEAD, start=start, max_chars=300)
    assert isinstance(table, LaidTable)
    assert table.header is not None
    assert words(table.header) == ["Depot", "Pallets"]
    assert [words(row) for row in table.rows] == [["Oslo", "7"]]
    assert any(cell.is_marked for cell in table.rows[0].cells)
    assert not any(cell.is_marked for cell in table.header.cells)


@pytest.mark.parametrize("tag", ["document_excerpt text 200 head=head", "document_text text head"])
@pytest.mark.parametrize("head", [HEAD, None])
def test_lists_of_passages_show_the_header(tag: str, head: str | None) -> None:
    template = Template("{% load document_text %}{% " + tag + " %}")
    page = template.render(Context({"text": ROWS, "head": head}))
    assert "Riga" in page
    assert ("Pallets" in page) is (head is not None)
