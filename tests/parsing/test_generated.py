"""Random files written with the writers of the formats: what goes in comes out, hidden stays in.

`PARSING_EXAMPLES=300` runs more than the few examples of an ordinary run.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pptx
import pytest
import xlsxwriter
from docx.oxml import OxmlElement
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter
from pptx.util import Inches

from tests.parsing.builders import Parsed, build_docx, parse_bytes
from tests.parsing.test_word import item, level, numbering

EXAMPLES = int(os.environ.get("PARSING_EXAMPLES", "15"))
pytestmark = pytest.mark.timeout(max(120, 4 * EXAMPLES))
generated = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="PARSING_EXAMPLES" not in os.environ,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("generated")


@dataclass(frozen=True)
class Box:
    """A cell over rows `top` to `bottom` and columns `left` to `right`, both included."""

    word: str
    top: int
    left: int
    bottom: int
    right: int


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, list[Box]]:
    """Height, width and cells of a table; header and first column are plain, others may merge."""
    height, width = draw(st.integers(2, 6)), draw(st.integers(2, 5))
    taken = {(0, x) for x in range(width)} | {(y, 0) for y in range(height)}
    boxes = [Box(f"head{x}q", 0, x, 0, x) for x in range(width)]
    boxes += [Box(f"key{y}q", y, 0, y, 0) for y in range(1, height)]
    for y in range(1, height):
        for x in range(1, width):
            if (y, x) in taken:
                continue
            right = x
            while right + 1 < width and (y, right + 1) not in taken and draw(st.booleans()):
                right += 1
            bottom = y
            while bottom + 1 < height and draw(st.integers(0, 2)) == 0:
                bottom += 1
            places = {(v, u) for v in range(y, bottom + 1) for u in range(x, right + 1)}
            if places & taken:
                places, bottom, right = {(y, x)}, y, x
            taken |= places
            boxes.append(Box(f"word{len(boxes)}q", y, x, bottom, right))
    return height, width, boxes


def check_rows(parsed: Parsed, height: int, boxes: list[Box]) -> None:
    """Each row of the text has, from left to right, the labels of all cells that cover it."""
    lines = parsed.text.splitlines()
    for y in range(height):
        covering = sorted(
            (box for box in boxes if box.top <= y <= box.bottom), key=lambda b: b.left
        )
        (line,) = [text for text in lines if f" {covering[0].word} " in text]
        cells = [text.strip() for text in line.strip("|").split("|")]
        expected = [box.word for box in covering for _ in range(box.left, box.right + 1)]
        assert cells == expected


@generated
@given(table=tables())
def test_merged_cells_of_web_pages(folder: Path, table: tuple[int, int, list[Box]]) -> None:
    height, _, boxes = table
    rows = []
    for y in range(height):
        own = sorted((box for box in boxes if box.top == y), key=lambda box: box.left)
        rows.append(
            "".join(
                f'<td rowspan="{box.bottom - box.top + 1}" colspan="{box.right - box.left + 1}">'
                f"{escape(box.word)}</td>"
                for box in own
            )
        )
    page = "<html><body><table><tr>" + "</tr><tr>".join(rows) + "</tr></table></body></html>"
    check_rows(parse_bytes(page.encode(), "a.html", folder=folder), height, boxes)


def fill_table(table: Any, boxes: list[Box]) -> None:
    for box in boxes:
        cell = table.cell(box.top, box.left)
        if (box.top, box.left) != (box.bottom, box.right):
            cell.merge(table.cell(box.bottom, box.right))
        table.cell(box.top, box.left).text = box.word


@generated
@given(table=tables())
def test_merged_cells_of_word(folder: Path, table: tuple[int, int, list[Box]]) -> None:
    height, width, boxes = table
    document = docx.Document()
    fill_table(document.add_table(rows=height, cols=width), boxes)
    out = io.BytesIO()
    document.save(out)
    check_rows(parse_bytes(out.getvalue(), "a.docx", folder=folder), height, boxes)


@generated
@given(table=tables())
def test_merged_cells_of_slides(folder: Path, table: tuple[int, int, list[Box]]) -> None:
    height, width, boxes = table
    show = pptx.Presentation()
    slide = show.slides.add_slide(show.slide_layouts[6])
    shape = slide.shapes.add_table(height, width, 0, 0, Inches(6), Inches(3))
    fill_table(shape.table, boxes)
    out = io.BytesIO()
    show.save(out)
    check_rows(parse_bytes(out.getvalue(), "a.pptx", folder=folder), height, boxes)


@generated
@given(table=tables(), top=st.integers(1, 9), left=st.integers(1, 40))
def test_merged_cells_of_workbooks(
    folder: Path, table: tuple[int, int, list[Box]], top: int, left: int
) -> None:
    height, _, boxes = table
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for box in boxes:
        sheet.cell(top + box.top, left + box.left, box.word)
        if (box.top, box.left) != (box.bottom, box.right):
            sheet.merge_cells(
                start_row=top + box.top, end_row=top + box.bottom,
                start_column=left + box.left, end_column=left + box.right,
            )  # fmt: skip
    out = io.BytesIO()
    book.save(out)
    check_rows(parse_bytes(out.getvalue(), "a.xlsx", folder=folder), height, boxes)


FORMATS = {
    "General": lambda cents: f"{cents / 100:.2f}".rstrip("0").rstrip("."),
    "0.00": lambda cents: f"{cents / 100:.2f}",
    "#,##0.00": lambda cents: f"{cents / 100:,.2f}",
    "0.00%": lambda cents: f"{cents}.00%",
    '"$"#,##0.00': lambda cents: f"{'-' if cents < 0 else ''}${abs(cents) / 100:,.2f}",
    "#,##0.00_);(#,##0.00)": lambda cents: (
        f"({-cents / 100:,.2f})" if cents < 0 else f"{cents / 100:,.2f}"
    ),
    '0.00 "kg"': lambda cents: f"{cents / 100:.2f} kg",
}


@generated
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(sorted(FORMATS)), st.integers(-10_000_000, 10_000_000)),
        min_size=2, max_size=12,
    ),
    data=st.data(),
)  # fmt: skip
def test_numbers_and_hidden_parts_of_workbooks(
    folder: Path, rows: list[tuple[str, int]], data: st.DataObject
) -> None:
    hidden_rows = data.draw(st.sets(st.integers(1, len(rows)), max_size=len(rows) - 1))
    hides_column = data.draw(st.booleans())
    sheet_state = data.draw(st.sampled_from(["visible", "hidden", "veryHidden"]))
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet("Figures")
    sheet.write_row(0, 0, ["Name", "Amount", "Secret"])
    for at, (code, cents) in enumerate(rows, start=1):
        sheet.write_string(at, 0, f"name{at}q")
        sheet.write_number(at, 1, cents / 100, book.add_format({"num_format": code}))
        sheet.write_string(at, 2, f"inner{at}q")
        if at in hidden_rows:
            sheet.set_row(at, None, None, {"hidden": True})
    if hides_column:
        sheet.set_column(2, 2, None, None, {"hidden": True})
    other = book.add_worksheet("Other")
    other.write_string(0, 0, "otherq")
    if sheet_state != "visible":
        other.very_hidden() if sheet_state == "veryHidden" else other.hide()
    book.close()
    parsed = parse_bytes(out.getvalue(), "a.xlsx", folder=folder)
    for at, (code, cents) in enumerate(rows, start=1):
        row = f"| name{at}q | {FORMATS[code](cents)} |"
        assert (row in parsed.text) == (at not in hidden_rows)
        seen = at not in hidden_rows and not hides_column
        assert (f"inner{at}q" in parsed.text) == seen
    assert ("otherq" in parsed.text) == (sheet_state == "visible")
    assert bool(parsed.pages[0].note) == bool(hidden_rows or hides_column)
    assert bool(parsed.opened.metadata.get("note")) == (sheet_state != "visible")


@generated
@given(
    cells=st.sets(
        st.tuples(st.integers(1, 1_048_576), st.integers(1, 16_384)), min_size=1, max_size=20
    )
)
def test_no_cell_of_a_sparse_workbook_is_lost(folder: Path, cells: set[tuple[int, int]]) -> None:
    book = openpyxl.Workbook()
    for at, (row, column) in enumerate(sorted(cells)):
        book.active[f"{get_column_letter(column)}{row}"] = f"cell{at}q"
    out = io.BytesIO()
    book.save(out)
    parsed = parse_bytes(out.getvalue(), "a.xlsx", folder=folder)
    places = [parsed.text.index(f"cell{at}q") for at in range(len(cells))]
    assert sorted(places) == places or len({row for row, _ in cells}) < len(cells)


@generated
@given(
    levels=st.lists(st.integers(0, 3), min_size=1, max_size=15),
    starts=st.tuples(*[st.integers(1, 9)] * 4),
)
def test_numbers_of_lists(folder: Path, levels: list[int], starts: tuple[int, ...]) -> None:
    patterns = ["%1.", "%1.%2", "%1.%2.%3", "%1.%2.%3-%4"]
    definition = "".join(
        level(at, "decimal", patterns[at], start=starts[at]) for at in range(len(patterns))
    )
    body = "".join(item(f"text{at}q", depth) for at, depth in enumerate(levels))
    parsed = parse_bytes(build_docx(body, numbering=numbering(definition)), "a.docx", folder=folder)
    counts: list[int] = []
    for at, depth in enumerate(levels):
        if depth < len(counts):
            counts = [*counts[:depth], counts[depth] + 1]
        counts += list(starts[len(counts) : depth + 1])
        label = patterns[depth]
        for place, count in enumerate(counts, start=1):
            label = label.replace(f"%{place}", str(count))
        assert f"{label} text{at}q" in parsed.text.splitlines()[at].strip()


@generated
@given(
    paragraphs=st.lists(
        st.lists(st.sampled_from(["shown", "vanish", "up", "down"]), min_size=1, max_size=5),
        min_size=1,
        max_size=6,
    )
)
def test_hidden_and_raised_runs_of_word(folder: Path, paragraphs: list[list[str]]) -> None:
    document = docx.Document()
    document.add_paragraph("startq")
    for y, kinds in enumerate(paragraphs):
        paragraph = document.add_paragraph()
        for x, kind in enumerate(kinds):
            run = paragraph.add_run(f"{kind}{y}x{x}q")
            if kind == "vanish":
                run._r.get_or_add_rPr().append(OxmlElement("w:vanish"))
            run.font.superscript = True if kind == "up" else None
            run.font.subscript = True if kind == "down" else run.font.subscript
    out = io.BytesIO()
    document.save(out)
    parsed = parse_bytes(out.getvalue(), "a.docx", folder=folder)
    for y, kinds in enumerate(paragraphs):
        for x, kind in enumerate(kinds):
            assert (f"{kind}{y}x{x}q" in parsed.text) == (kind != "vanish")
    is_hidden = any("vanish" in kinds for kinds in paragraphs)
    assert bool(parsed.opened.metadata.get("note")) == is_hidden


@generated
@given(slides=st.lists(st.booleans(), min_size=1, max_size=6))
def test_hidden_slides(folder: Path, slides: list[bool]) -> None:
    show = pptx.Presentation()
    for at, is_hidden in enumerate([False, *slides]):
        slide = show.slides.add_slide(show.slide_layouts[6])
        box = slide.shapes.add_textbox(0, 0, Inches(4), Inches(1))
        box.text_frame.text = f"slide{at}q"
        if is_hidden:
            slide._element.set("show", "0")
    out = io.BytesIO()
    show.save(out)
    parsed = parse_bytes(out.getvalue(), "a.pptx", folder=folder)
    for at, is_hidden in enumerate([False, *slides]):
        assert (f"slide{at}q" in parsed.pages[at].text) != is_hidden
        assert bool(parsed.pages[at].note) == is_hidden


HIDING = ["", "hidden", 'style="display:none"', 'style="color:red;visibility: hidden"']


@generated
@given(
    parts=st.lists(
        st.tuples(st.sampled_from(["p", "div", "li", "span", "h2"]), st.sampled_from(HIDING),
                  st.booleans()),
        min_size=1, max_size=10,
    )
)  # fmt: skip
def test_links_and_hidden_parts_of_web_pages(
    folder: Path, parts: list[tuple[str, str, bool]]
) -> None:
    body = "<p>startq</p>"
    for at, (tag, hiding, is_link) in enumerate(parts):
        text = f"text{at}q"
        text = f'<a href="https://example.org/page{at}">{text}</a>' if is_link else text
        body += f"<{tag} {hiding}>{text}</{tag}> "
    page = f"<html><body>{body}</body></html>"
    parsed = parse_bytes(page.encode(), "a.html", folder=folder)
    for at, (_, hiding, is_link) in enumerate(parts):
        expected = f"text{at}q (https://example.org/page{at})" if is_link else f"text{at}q"
        assert (expected in parsed.text) == (not hiding)
        assert hiding == "" or f"text{at}q" not in parsed.text
    assert bool(parsed.opened.metadata.get("note")) == any(hiding for _, hiding, _ in parts)
