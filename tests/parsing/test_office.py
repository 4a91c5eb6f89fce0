"""Word, PowerPoint, spreadsheets and OpenDocument."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from parsing.types import ParseError
from tests.parsing.builders import (
    W,
    build_docx,
    build_ole,
    build_zip,
    paragraph,
    parse_bytes,
)


def save(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_docx_with_everything(tmp_path: Path) -> None:
    document = docx.Document()
    document.core_properties.title = "Handbook"
    document.add_heading("Leave", level=2)
    document.add_paragraph("Everyone has 30 days.")
    document.add_paragraph("first", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ("Country", "Days", "Austria", "25"), strict=True):
        cell.text = text
    document.sections[0].header.paragraphs[0].text = "Confidential"
    document.add_comment(document.paragraphs[1].runs, text="Really?", author="Ann")
    parsed = parse_bytes(save(document), "a.docx", folder=tmp_path)
    assert parsed.opened.title == "Handbook"
    assert parsed.blocks("heading") == ["Leave"]
    assert parsed.blocks("list") == ["- first"]
    assert parsed.blocks("table") == ["| Country | Days |\n| --- | --- |\n| Austria | 25 |"]
    for text in ("Confidential", "Everyone has 30 days.", "Comment by Ann: Really?"):
        assert text in parsed.text


def test_docx_pages_notes_boxes_and_changes(tmp_path: Path) -> None:
    box = "<w:txbxContent><w:p><w:r><w:t>In a box</w:t></w:r></w:p></w:txbxContent>"
    body = (
        paragraph("Page one", extra='<w:br w:type="page"/>')
        + paragraph("Page two")
        + "<w:p><w:ins><w:r><w:t>added</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
        + f"<w:p><w:r><w:t>Anchor</w:t>{box}</w:r></w:p>"
        + "<w:sdt><w:sdtContent>"
        + paragraph("Controlled")
        + "</w:sdtContent></w:sdt>"
    )
    notes = (
        f'<w:footnotes {W}><w:footnote w:type="separator" w:id="0"><w:p/></w:footnote>'
        f'<w:footnote w:id="1">{paragraph("See there")}</w:footnote></w:footnotes>'
    )
    parsed = parse_bytes(build_docx(body, footnotes=notes), "a.docx", folder=tmp_path)
    assert [page.text.split("\n")[0] for page in parsed.pages] == ["Page one", "Page two"]
    for text in ("added", "Anchor", "In a box", "Controlled", "Footnote 1: See there"):
        assert text in parsed.text
    assert "gone" not in parsed.text


def test_pptx_slides(tmp_path: Path) -> None:
    show = pptx.Presentation()
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Results"
    slide.placeholders[1].text = "Up\nDown"
    slide.notes_slide.notes_text_frame.text = "Say hello"
    slide = show.slides.add_slide(show.slide_layouts[5])
    slide.shapes.title.text = "Numbers"
    table = slide.shapes.add_table(2, 2, 0, 0, Inches(4), Inches(1)).table
    for (row, column), text in {(0, 0): "K", (0, 1): "V", (1, 0): "a", (1, 1): "1"}.items():
        table.cell(row, column).text = text
    make_data: Any = CategoryChartData
    data = make_data()
    data.categories = ["East", "West"]
    data.add_series("Sales", (19.2, 21.4))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, Inches(2), Inches(4), Inches(3), data)
    parsed = parse_bytes(save(show), "a.pptx", folder=tmp_path)
    assert [page.label for page in parsed.pages] == ["Slide 1: Results", "Slide 2: Numbers"]
    assert parsed.pages[0].text == "Results\n\n- Up\n- Down\n\nNotes: Say hello"
    assert "| K | V |\n| --- | --- |\n| a | 1 |" in parsed.pages[1].text
    assert "| East | 19.2 |" in parsed.pages[1].text
    assert "Sales" in parsed.pages[1].text


def test_xlsx_sheets(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Sales"
    for row in (["Report"], [], ["City", "Total", "Share"], ["Graz", 12.0, 0.5], ["Wels", 3, None]):
        book.active.append(row)
    book.create_sheet("Empty")
    other = book.create_sheet("Other")
    other["B3"] = True
    parsed = parse_bytes(save(book), "a.xlsx", folder=tmp_path)
    assert [page.label for page in parsed.pages] == ["Sheet Sales", "Sheet Other"]
    assert parsed.blocks("paragraph")[0] == "Report"
    assert parsed.blocks("table")[0] == (
        "| City | Total | Share |\n| --- | --- | --- |\n| Graz | 12 | 0.5 |\n| Wels | 3 |  |"
    )
    assert "TRUE" in parsed.pages[1].text


def test_long_sheet_repeats_its_header(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Key", "Number"])
    for number in range(60):
        book.active.append([f"k{number}", number])
    tables = parse_bytes(save(book), "a.xlsx", folder=tmp_path).blocks("table")
    assert len(tables) == 3
    assert all(table.startswith("| Key | Number |") for table in tables)


def test_two_cells_far_apart_do_not_fill_the_memory(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "near"
    book.active["XFD1048576"] = "far"
    parsed = parse_bytes(save(book), "a.xlsx", folder=tmp_path)
    assert "near" in parsed.text
    assert "far" in parsed.text


def test_empty_workbook(tmp_path: Path) -> None:
    with pytest.raises(ParseError) as caught:
        parse_bytes(save(openpyxl.Workbook()), "a.xlsx", folder=tmp_path)
    assert caught.value.code == "empty"


def test_workbook_with_a_password(tmp_path: Path) -> None:
    data = build_ole({"EncryptedPackage": b"secret", "EncryptionInfo": b"x"})
    with pytest.raises(ParseError) as caught:
        parse_bytes(data, "a.xlsx", folder=tmp_path)
    assert caught.value.code == "encrypted"


ODT = """<office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"><office:body><office:text>
<text:h text:outline-level="2">Head</text:h><text:p>Two<text:s text:c="2"/>spaces</text:p>
<text:list><text:list-item><text:p>one</text:p></text:list-item></text:list>
<table:table><table:table-row><table:table-cell><text:p>A</text:p></table:table-cell>
<table:table-cell table:number-columns-repeated="1000000"/></table:table-row>
<table:table-row><table:table-cell><text:p>1</text:p></table:table-cell></table:table-row>
</table:table></office:text></office:body></office:document-content>"""


def test_odt(tmp_path: Path) -> None:
    mimetype = "application/vnd.oasis.opendocument.text"
    data = build_zip({"mimetype": mimetype, "content.xml": ODT}, stored=("mimetype",))
    parsed = parse_bytes(data, "a.odt", folder=tmp_path)
    assert parsed.blocks("heading") == ["Head"]
    assert parsed.blocks("paragraph") == ["Two  spaces"]
    assert parsed.blocks("list") == ["- one"]
    assert parsed.blocks("table") == ["| A |\n| --- |\n| 1 |"]


def test_odt_with_a_password(tmp_path: Path) -> None:
    members: dict[str, str | bytes] = {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "META-INF/manifest.xml": "<m><manifest:encryption-data/></m>",
        "content.xml": b"\x01\x02\x03",
    }
    with pytest.raises(ParseError) as caught:
        parse_bytes(build_zip(members, stored=("mimetype",)), "a.odt", folder=tmp_path)
    assert caught.value.code == "encrypted"
