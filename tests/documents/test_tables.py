"""Tables of a document's text as they are shown: where they stand, their cells, what is marked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.template import Context, Template
from django.test import Client

from apps.documents.source import Segment, lay_out_segments
from apps.documents.tables.excerpts import lay_out_excerpt
from apps.documents.tables.finding import find_tables
from apps.documents.tables.layout import LaidTable, Prose
from apps.workspaces.models import User, Workspace
from tests.documents.make import make_collection, make_document

FARES = """Fares of this spring:

| Crossing | Adults | Cars |
| --- | --- | --- |
| Sandwick | 12 | 31 |
| Toft \\| Yell | 18 | 47 |
| Laxo |  | 22 |

Tickets are sold at the pier."""


def lay(text: str, marked: str = "") -> Any:
    start = text.index(marked) if marked else 0
    pieces = [
        Segment(text[:start]),
        Segment(text[start : start + len(marked)], is_marked=True),
        Segment(text[start + len(marked) :]),
    ]
    return lay_out_segments([p for p in pieces if p.text], find_tables(text))


def table_of(content: Any) -> Any:
    [table] = [part for part in content if isinstance(part, LaidTable)]
    return table


def texts(row: Any) -> list[str]:
    return [cell.text for cell in row.cells]


def test_a_table_stands_between_its_prose_with_header_and_rows() -> None:
    before, table, after = lay(FARES)
    assert isinstance(before, Prose)
    assert "".join(run.text for run in before.runs) == "Fares of this spring:"
    assert "".join(run.text for run in after.runs) == "Tickets are sold at the pier."
    assert texts(table.header) == ["Crossing", "Adults", "Cars"]
    assert [texts(row) for row in table.rows] == [
        ["Sandwick", "12", "31"],
        ["Toft | Yell", "18", "47"],
        ["Laxo", "", "22"],
    ]
    assert table.label == "Table: Crossing, Adults, Cars"


def test_without_a_rule_of_dashes_no_row_is_a_header() -> None:
    table = table_of(lay("| a | b |\n| 1 | 2 |\n"))
    assert table.header is None
    assert [texts(row) for row in table.rows] == [["a", "b"], ["1", "2"]]
    assert table.label == "Table, 2 rows"


def test_merged_cells_leave_blank_ones_so_that_columns_stay_in_line() -> None:
    """A merged cell is written once by the readers; a shorter row ends in blanks."""
    table = table_of(lay("| Region | Q1 | Q2 |\n|---|---|---|\n| North | 1 | 2 |\n| | 3 |\n"))
    assert [texts(row) for row in table.rows] == [["North", "1", "2"], ["", "3", ""]]


def test_the_cited_cell_is_marked_and_its_row_only_if_all_of_it_is() -> None:
    table = table_of(lay(FARES, "18"))
    [marked] = [cell.text for row in table.rows for cell in row.cells if cell.is_marked]
    assert marked == "18"
    assert not any(row.is_marked for row in table.all_rows)
    whole = table_of(lay(FARES, "Toft \\| Yell | 18 | 47"))
    assert [row.is_marked for row in whole.rows] == [False, True, False]
    blank = table_of(lay(FARES, "| Laxo |  | 22 |"))
    assert [row.is_marked for row in blank.rows] == [False, False, True]


def test_columns_of_a_pdf_between_tabs_are_a_table_where_the_reader_says_so() -> None:
    text = "Adults\t12\nChildren\t6"
    [table] = find_tables(text, known=[(0, len(text))])
    assert len(table.rows) == 2
    assert find_tables(text, opaque=[(0, len(text))]) == []


def test_bars_in_code_are_no_table() -> None:
    code = "| a | b |\n| - | - |\n| 1 | 2 |"
    assert find_tables(code, opaque=[(0, len(code))]) == []


def test_long_columns_are_cut_in_excerpts_and_whole_in_the_document() -> None:
    text = f"| Name | Remarks |\n|---|---|\n| Toft | {'very ' * 200}long |\n"
    whole = table_of(lay(text))
    assert len(whole.rows[0].cells[1].text) > 900
    [short] = lay_out_excerpt(text, max_chars=200)
    assert isinstance(short, LaidTable)
    assert len(short.rows[0].cells[1].text) == 160
    assert short.rows[0].cells[1].text.endswith("…")


def test_an_excerpt_has_the_cited_row_below_the_header_and_counts_the_rest() -> None:
    start = FARES.index("18")
    [table] = lay_out_excerpt(FARES, start=start, end=start + 2, max_chars=100)
    assert isinstance(table, LaidTable)
    assert table.header is not None
    assert texts(table.header) == ["Crossing", "Adults", "Cars"]
    assert [texts(row) for row in table.rows] == [["Toft | Yell", "18", "47"]]
    rows = "".join(f"| {n} | x |\n" for n in range(10))
    [long] = lay_out_excerpt(f"| a | b |\n|---|---|\n{rows}", max_chars=100)
    assert isinstance(long, LaidTable)
    assert (len(long.rows), long.num_hidden) == (4, 6)


# As HTML

HOSTILE = (
    '| <script>alert(1)</script> | "><img src=x onerror=alert(1)> |\n| --- | --- |\n'
    "| {{ secret }} | &lt;b&gt; </td></table><h1>out</h1> |\n"
)


@pytest.mark.parametrize("tag", ["document_text text", "document_excerpt text 900"])
def test_hostile_cells_are_words(tag: str) -> None:
    template = Template(f"{{% load document_text %}}{{% {tag} %}}")
    html = template.render(Context({"text": HOSTILE, "secret": "s3cret"}))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{ secret }}" in html
    assert "&amp;lt;b&amp;gt; &lt;/td&gt;&lt;/table&gt;&lt;h1&gt;out&lt;/h1&gt;" in html
    for markup in ("<script", "<img", "<h1", "s3cret"):
        assert markup not in html
    assert html.count("<table>") == html.count("</table>") == 1


def test_what_stands_in_a_label_or_a_link_has_nothing_to_focus() -> None:
    template = Template(
        "{% load document_text %}{% document_excerpt text 900 is_still=True %}"
        "{% matched_text pieces is_still=True %}"
    )
    html = template.render(Context({"text": FARES, "pieces": [(FARES, False)]}))
    assert html.count("<table>") == 2
    assert "tabindex" not in html


@pytest.mark.django_db
def test_the_document_page_marks_the_cited_cell_and_escapes_the_others(
    workspace: Workspace, editor: User, client_for: Callable[[User], Client]
) -> None:
    text = f"{FARES}\n\n{HOSTILE}"
    document = make_document(make_collection(workspace), "fares.md", [text])
    start = text.index("18")
    address = f"/w/acme/documents/{document.pk}/"
    for path in (address, f"{address}source/"):
        page = client_for(editor).get(f"{path}?start={start}&end={start + 2}").content.decode()
        table = page.partition("<table>")[2].partition("</table>")[0]
        assert table.count('scope="col"') == 3
        assert table.count('<td class="is-marked"') == 1
        assert table.count('class="is-marked"') == 1
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "| --- |" not in page.partition('class="split-side')[0]
