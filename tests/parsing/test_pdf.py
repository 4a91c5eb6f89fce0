"""PDF: reading order, places, headings, joined lines, scans, damage and passwords."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsing.ocr import recognition
from parsing.types import Limits, ParseError
from tests.parsing.builders import assemble_pdf, build_pdf, parse_bytes, text_at


def test_lines_join_to_paragraphs_and_boxes_fit(tmp_path: Path) -> None:
    content = text_at(50, 700, "The first line of a paragraph that runs") + text_at(
        50, 686, "over two lines of the page, as they do."
    )
    parsed = parse_bytes(build_pdf([content]), "a.pdf", folder=tmp_path)
    page = parsed.pages[0]
    assert page.text == (
        "The first line of a paragraph that runs over two lines of the page, as they do."
    )
    assert (page.width, page.height) == (600, 800)
    first, second = page.boxes
    assert page.text[first.start : first.end] == "The first line of a paragraph that runs"
    assert page.text[second.start : second.end].startswith("over two lines")
    assert first.x0 == pytest.approx(50 / 600, abs=0.01)
    assert first.y0 < 100 / 800 < first.y1
    assert second.y0 > first.y0


def test_two_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    left = [f"Left column line number {n} with words" for n in range(8)]
    right = [f"Right column line number {n} with words" for n in range(8)]
    content = "".join(
        text_at(40, 700 - 14 * n, left[n]) + text_at(330, 700 - 14 * n, right[n]) for n in range(8)
    )
    text = parse_bytes(build_pdf([content]), "a.pdf", folder=tmp_path).text
    assert text.index(left[7]) < text.index(right[0])


def test_large_and_bold_lines_are_headings(tmp_path: Path) -> None:
    content = text_at(50, 750, "Annual Report", size=24) + text_at(50, 710, "Summary", font="F2")
    content += "".join(
        text_at(50, 690 - 14 * n, f"Body text that fills the line number {n} well enough here")
        for n in range(10)
    )
    page = parse_bytes(build_pdf([content]), "a.pdf", folder=tmp_path).pages[0]
    headings = {page.text[b.start : b.end]: b.level for b in page.blocks if b.kind == "heading"}
    assert headings == {"Annual Report": 1, "Summary": 4}


def test_rows_of_cells_are_a_table(tmp_path: Path) -> None:
    rows = [("Country", "Capital"), ("Austria", "Vienna"), ("Belgium", "Brussels")]
    content = "".join(
        text_at(50, 700 - 16 * n, a) + text_at(300, 700 - 16 * n, b)
        for n, (a, b) in enumerate(rows)
    )
    parsed = parse_bytes(build_pdf([content]), "a.pdf", folder=tmp_path)
    assert parsed.blocks("table") == ["Country\tCapital\nAustria\tVienna\nBelgium\tBrussels"]


def test_word_broken_over_lines_is_joined(tmp_path: Path) -> None:
    content = text_at(50, 700, "These words show an exam-") + text_at(50, 686, "ple of a break.")
    text = parse_bytes(build_pdf([content]), "a.pdf", folder=tmp_path).text
    assert "an example of a break." in text


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_places_follow_the_rotation_of_the_page(tmp_path: Path, rotate: int) -> None:
    # Drawn upright at the top left of the unrotated page.
    data = build_pdf([text_at(50, 750, "Corner")], rotate=rotate)
    page = parse_bytes(data, "a.pdf", folder=tmp_path).pages[0]
    box = page.boxes[0]
    middle = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    corners = {90: (1, 0), 180: (1, 1), 270: (0, 1)}
    corner = corners[rotate]
    assert abs(middle[0] - corner[0]) < 0.2
    assert abs(middle[1] - corner[1]) < 0.2


def test_first_page_skips_those_before(tmp_path: Path) -> None:
    data = build_pdf([text_at(50, 700, f"Page {n}") for n in (1, 2, 3)])
    parsed = parse_bytes(data, "a.pdf", folder=tmp_path, first_page=3)
    assert parsed.opened.pages_total == 3
    assert [(page.number, page.text) for page in parsed.pages] == [(3, "Page 3")]


def test_page_that_is_broken_keeps_the_others(tmp_path: Path) -> None:
    data = build_pdf([text_at(50, 700, "Page one"), text_at(50, 700, "Page two")])
    broken = data.replace(b"/Contents 5 0 R", b"/Contents 99 0 R")
    parsed = parse_bytes(broken, "a.pdf", folder=tmp_path)
    assert [page.text for page in parsed.pages] == ["", "Page two"]


def test_scan_without_recognition_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "is_available", lambda: False)
    image = (
        "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray "
        "/BitsPerComponent 8 /Length 1 >>\nstream\n0\nendstream"
    )
    draw = "q 600 0 0 800 0 0 cm /I Do Q"
    page = (
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R "
        "/Resources << /XObject << /I 5 0 R >> >> >>"
    )
    data = assemble_pdf(
        [
            "<< /Type /Catalog /Pages 2 0 R >>",
            "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
            page,
            f"<< /Length {len(draw)} >>\nstream\n{draw}\nendstream",
            image,
        ]
    )
    with pytest.raises(ParseError) as caught:
        parse_bytes(data, "scan.pdf", folder=tmp_path, ocr=True)
    assert caught.value.code == "no_text"
    assert caught.value.reason == (
        "This page is a scan and has no text layer; text recognition is not installed "
        "(pip install --no-deps -r requirements-model.txt adds it)."
    )


def test_blank_pages_alone_hold_no_text(tmp_path: Path) -> None:
    with pytest.raises(ParseError) as caught:
        parse_bytes(build_pdf([""]), "a.pdf", folder=tmp_path)
    assert caught.value.code == "no_text"


def test_damaged_pdf(tmp_path: Path) -> None:
    with pytest.raises(ParseError) as caught:
        parse_bytes(b"%PDF-1.7\nnothing of the kind follows", "a.pdf", folder=tmp_path)
    assert caught.value.code == "corrupt"


def test_too_many_pages(tmp_path: Path) -> None:
    data = build_pdf([text_at(50, 700, "x")] * 3)
    with pytest.raises(ParseError) as caught:
        parse_bytes(data, "a.pdf", folder=tmp_path, limits=Limits(pages=2))
    assert caught.value.code == "too_large"
