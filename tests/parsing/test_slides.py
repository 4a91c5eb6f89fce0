"""Presentations: hidden slides and shapes, merged cells, numbers, links, raised text."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pptx
import pytest
from PIL import Image
from pptx.dml.color import RGBColor
from pptx.enum.dml import MSO_THEME_COLOR
from pptx.oxml.ns import qn
from pptx.util import Inches, Pt

from tests.parsing.builders import Parsed, build_zip, parse_bytes


def parse(show: Any, folder: Path) -> Parsed:
    out = io.BytesIO()
    show.save(out)
    return parse_bytes(out.getvalue(), "a.pptx", folder=folder)


def blank_slide(show: Any) -> Any:
    return show.slides.add_slide(show.slide_layouts[6])


def add_text(slide: Any, text: str, *, top: int = 0) -> Any:
    box = slide.shapes.add_textbox(0, Inches(top), Inches(4), Inches(1))
    box.text_frame.text = text
    return box


def test_hidden_slides_and_shapes_are_left_out(tmp_path: Path) -> None:
    show = pptx.Presentation()
    add_text(blank_slide(show), "Shown first")
    hidden = blank_slide(show)
    add_text(hidden, "SECRETSLIDE")
    hidden._element.set("show", "0")
    last = blank_slide(show)
    add_text(last, "Shown last")
    box = add_text(last, "SECRETBOX", top=2)
    box._element.nvSpPr.cNvPr.set("hidden", "1")
    parsed = parse(show, tmp_path)
    assert [page.text for page in parsed.pages] == ["Shown first", "", "Shown last"]
    assert parsed.pages[1].label == "Slide 2 (hidden)"
    assert parsed.pages[1].note == "This slide is hidden in the show and was left out."
    assert parsed.pages[2].note == "Hidden shapes on this slide were left out."


def test_merged_cells_repeat_their_label(tmp_path: Path) -> None:
    show = pptx.Presentation()
    table = blank_slide(show).shapes.add_table(4, 3, 0, 0, Inches(6), Inches(2)).table
    texts = ["Region", "2024", "", "", "H1", "H2", "North", "1", "2", "", "3", "4"]
    for at, text in enumerate(texts):
        table.cell(at // 3, at % 3).text = text
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(0, 0).merge(table.cell(1, 0))
    table.cell(2, 0).merge(table.cell(3, 0))
    assert parse(show, tmp_path).text == (
        "| Region | 2024 / H1 | 2024 / H2 |\n| --- | --- | --- |\n"
        "| North | 1 | 2 |\n| North | 3 | 4 |"
    )


def test_numbers_links_and_raised_text(tmp_path: Path) -> None:
    show = pptx.Presentation()
    slide = blank_slide(show)
    box = add_text(slide, "first\nsecond")
    for paragraph in box.text_frame.paragraphs:
        properties = paragraph._p.get_or_add_pPr()
        auto = properties.makeelement(qn("a:buAutoNum"), {"type": "romanLcParenR", "startAt": "3"})
        properties.append(auto)
    frame = add_text(slide, "Read ", top=2).text_frame
    run = frame.paragraphs[0].add_run()
    run.text = "the guide"
    run.hyperlink.address = "https://example.org/guide/AX-77"
    frame = add_text(slide, "10", top=3).text_frame
    run = frame.paragraphs[0].add_run()
    run.text = "6"
    run.font._element.set("baseline", "30000")
    assert parse(show, tmp_path).text == (
        "iii) first\niv) second\n\nRead the guide (https://example.org/guide/AX-77)\n\n10^6"
    )


ODP = """<office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" xmlns:draw="urn:d"
 xmlns:presentation="urn:p" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">
<office:automatic-styles><style:style style:name="dp1" style:family="drawing-page">
<style:drawing-page-properties presentation:visibility="hidden"/></style:style>
</office:automatic-styles><office:body><office:presentation>
<draw:page draw:name="One"><draw:frame><draw:text-box><text:p>Shown</text:p></draw:text-box>
</draw:frame></draw:page><draw:page draw:style-name="dp1"><draw:frame><draw:text-box>
<text:p>SECRET</text:p></draw:text-box></draw:frame></draw:page></office:presentation>
</office:body></office:document-content>"""


def test_hidden_slides_of_opendocument(tmp_path: Path) -> None:
    mimetype = "application/vnd.oasis.opendocument.presentation"
    data = build_zip({"mimetype": mimetype, "content.xml": ODP}, stored=("mimetype",))
    parsed = parse_bytes(data, "a.odp", folder=tmp_path)
    assert [page.text for page in parsed.pages] == ["Shown", ""]
    assert "hidden" in parsed.pages[1].note


def color_of(code: str) -> Any:
    return RGBColor.from_string(code)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("look", "is_shown"),
    [
        ("tiny", False),
        ("white", False),
        ("light", False),
        ("white on a filled box", True),
        ("white on a dark slide", True),
        ("white beside a picture", True),
        ("red", True),
    ],
)
def test_unseen_text_of_slides(tmp_path: Path, look: str, is_shown: bool) -> None:
    show = pptx.Presentation()
    slide = blank_slide(show)
    add_text(slide, "open words")
    box = add_text(slide, "SECRET", top=3)
    font = box.text_frame.paragraphs[0].runs[0].font
    if look == "tiny":
        font.size = Pt(1)
    elif look == "light":
        font.color.theme_color = MSO_THEME_COLOR.BACKGROUND_1
    else:
        font.color.rgb = color_of("FF0000" if look == "red" else "FFFFFF")
    if look == "white on a filled box":
        box.fill.solid()
        box.fill.fore_color.rgb = color_of("0A145A")
    elif look == "white on a dark slide":
        slide.background.fill.solid()
        slide.background.fill.fore_color.rgb = color_of("000000")
    elif look == "white beside a picture":
        picture = io.BytesIO()
        Image.new("RGB", (20, 20)).save(picture, "PNG")
        slide.shapes.add_picture(io.BytesIO(picture.getvalue()), 0, 0)
    page = parse(show, tmp_path).pages[0]
    assert ("SECRET" in page.text) is is_shown
    assert ("left out" in page.note) is not is_shown
    assert "open words" in page.text
