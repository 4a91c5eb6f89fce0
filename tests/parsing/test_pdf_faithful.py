"""PDF: sideways text, ruled tables, form fields, hidden text, links, raised characters."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsing.pdf import forms, links
from parsing.pdf.chars import put_marks_after_letters
from tests.parsing.builders import Parsed, assemble_pdf, build_pdf, parse_bytes, text_at


def turned_at(x: int, y: int, text: str, *, degrees: int) -> str:
    matrix = {90: "0 1 -1 0", 180: "-1 0 0 -1", 270: "0 -1 1 0", 45: "0.707 0.707 -0.707 0.707"}
    return f"BT /F1 12 Tf {matrix[degrees]} {x} {y} Tm ({text}) Tj ET\n"


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_lines_keep_their_words_and_order(tmp_path: Path, degrees: int) -> None:
    lines = [
        "K7: M8 bolts take 25 Nm and",
        "M10 bolts take 49 Nm if dry.",
        "Use a half of it in oil.",
    ]
    steps = {90: (300, 100, 16, 0), 180: (500, 300, 0, -16), 270: (300, 700, -16, 0)}
    x, y, right, down = steps[degrees]
    content = text_at(50, 750, "An upright line above all of it.")
    for number, line in enumerate(lines):
        content += turned_at(x + right * number, y - down * number, line, degrees=degrees)
    parsed = parse_bytes(build_pdf([content]), "a.pdf", folder=tmp_path)
    assert parsed.text == f"An upright line above all of it.\n\n{' '.join(lines)}"
    first = next(box for box in parsed.pages[0].boxes if parsed.text[box.start :].startswith("K7"))
    assert (first.y1 - first.y0 > first.x1 - first.x0) is (degrees != 180)


def test_slanted_watermark_is_one_line(tmp_path: Path) -> None:
    content = text_at(50, 750, "Body") + turned_at(100, 100, "DRAFT do not copy", degrees=45)
    assert parse_bytes(build_pdf([content]), "a.pdf", folder=tmp_path).text == (
        "Body\n\nDRAFT do not copy"
    )


def ruled(xs: list[int], ys: list[int]) -> str:
    lines = "".join(f"{x} {ys[0]} m {x} {ys[-1]} l S\n" for x in xs)
    return lines + "".join(f"{xs[0]} {y} m {xs[-1]} {y} l S\n" for y in ys)


def test_blank_cells_keep_their_column(tmp_path: Path) -> None:
    rows = [
        ("Pump", "Pressure", "Mass"),
        ("P1", "", "31 kg"),
        ("P2", "9 bar", ""),
        ("", "", "1 kg"),
    ]
    content = text_at(50, 760, "Data of all pumps:") + ruled(
        [50, 150, 250, 350], [740, 720, 700, 680, 660]
    )
    for number, row in enumerate(rows):
        for x, cell in zip((55, 155, 255), row, strict=True):
            content += text_at(x, 726 - 20 * number, cell) if cell else ""
    parsed = parse_bytes(build_pdf([content]), "a.pdf", folder=tmp_path)
    assert parsed.blocks("table") == [
        "| Pump | Pressure | Mass |\n| --- | --- | --- |\n"
        "| P1 |  | 31 kg |\n| P2 | 9 bar |  |\n|  |  | 1 kg |"
    ]


def test_blank_cells_keep_their_column_without_lines(tmp_path: Path) -> None:
    rows = [
        ("", "Pressure", "Mass"),
        ("P1", "", "31 kg"),
        ("P2", "9 bar", "12 kg"),
        ("P3", "7 bar", ""),
    ]
    content = "".join(
        text_at(50 + 120 * at, 700 - 16 * number, cell)
        for number, row in enumerate(rows)
        for at, cell in enumerate(row)
        if cell
    )
    content += text_at(50, 636, "P4") + text_at(170, 636, "8 bar") + text_at(290, 636, "9 kg")
    parsed = parse_bytes(build_pdf([content]), "a.pdf", folder=tmp_path)
    assert parsed.blocks("table") == [
        "\tPressure\tMass\nP1\t\t31 kg\nP2\t9 bar\t12 kg\nP3\t7 bar\nP4\t8 bar\t9 kg"
    ]


def test_table_without_lines_is_under_its_header(tmp_path: Path) -> None:
    rows = [
        ("", "2031", "2030"),
        ("Sales", "1,204", "1,377"),
        ("Costs", "918", ""),
        ("Profit", "286", "401"),
    ]
    content = "".join(
        text_at(50 + 120 * at, 700 - 16 * number, cell)
        for number, row in enumerate(rows)
        for at, cell in enumerate(row)
        if cell
    )
    parsed = parse_bytes(build_pdf([content]), "a.pdf", folder=tmp_path)
    assert parsed.blocks("table") == [
        "|  | 2031 | 2030 |\n| --- | --- | --- |\n"
        "| Sales | 1,204 | 1,377 |\n| Costs | 918 |  |\n| Profit | 286 | 401 |"
    ]


def test_pairs_of_a_form_have_no_header(tmp_path: Path) -> None:
    rows = [
        ("Driver", "R. Lindt", "Class", "van"),
        ("Depot", "Gera", "Colour", "white"),
        ("Phone", "n/a", "Fuel", "diesel"),
    ]
    content = "".join(
        text_at(50 + 120 * at, 700 - 16 * number, cell)
        for number, row in enumerate(rows)
        for at, cell in enumerate(row)
    )
    parsed = parse_bytes(build_pdf([content]), "a.pdf", folder=tmp_path)
    assert parsed.blocks("table") == ["\n".join("\t".join(row) for row in rows)]


def test_narrow_cells_are_parted_by_their_line(tmp_path: Path) -> None:
    content = ruled([50, 80, 120], [740, 720, 700])
    for y, (a, b) in ((726, ("aaaa", "b")), (706, ("cccc", "d"))):
        content += text_at(53, y, a) + text_at(82, y, b)
    parsed = parse_bytes(build_pdf([content]), "a.pdf", folder=tmp_path)
    assert parsed.blocks("table") == ["| aaaa | b |\n| cccc | d |"]


def test_stacked_header_and_merged_labels_of_a_ruled_table(tmp_path: Path) -> None:
    """A label over two columns, names of two lines beside it, and a label for two rows."""
    content = "".join(f"{x} 740 m {x} 620 l S\n" for x in (50, 150, 250, 450))
    content += "350 710 m 350 620 l S\n"
    content += "".join(f"50 {y} m 450 {y} l S\n" for y in (740, 680, 660, 620))
    content += "250 710 m 450 710 l S\n150 640 m 450 640 l S\n"
    placed = [
        (55, 715, "Pump"), (55, 703, "family"), (155, 709, "Site"), (320, 720, "Output"),
        (255, 692, "Flow"), (355, 692, "Power"),
        (55, 664, "K7"), (155, 664, "Linz"), (255, 664, "12 l/s"), (355, 664, "3 kW"),
        (55, 634, "K9"), (155, 644, "Graz"), (255, 644, "14 l/s"), (355, 644, "4 kW"),
        (155, 624, "Wels"), (255, 624, "15 l/s"), (355, 624, "5 kW"),
    ]  # fmt: skip
    content += "".join(text_at(*item) for item in placed)
    parsed = parse_bytes(build_pdf([content]), "a.pdf", folder=tmp_path)
    assert parsed.blocks("table") == [
        "| Pump family | Site | Output / Flow | Output / Power |\n| --- | --- | --- | --- |\n"
        "| K7 | Linz | 12 l/s | 3 kW |\n"
        "| K9 | Graz | 14 l/s | 4 kW |\n| K9 | Wels | 15 l/s | 5 kW |"
    ]
    for box in parsed.pages[0].boxes:
        assert parsed.text[box.start : box.end] in {text for _, _, text in placed}


def test_rows_stay_apart_where_lines_are_drawn_under_some_columns_only(tmp_path: Path) -> None:
    content = ruled([50, 200, 300], [740, 720])
    content += "".join(f"{x} 740 m {x} 660 l S\n" for x in (50, 200, 300))
    content += "200 690 m 300 690 l S\n50 660 m 300 660 l S\n"
    for y, (name, value) in (
        (726, ("Item", "EUR")),
        (708, ("Wages", "120")),
        (696, ("Rent", "30")),
        (676, ("Sum", "150")),
    ):
        content += text_at(55, y, name) + text_at(205, y, value)
    text = parse_bytes(build_pdf([content]), "a.pdf", folder=tmp_path).text
    assert text.endswith("| Sum | 150 |")
    assert text.count("Wages") == 1


def test_prose_in_a_frame_is_no_table(tmp_path: Path) -> None:
    content = ruled([40, 560], [760, 690])
    content += text_at(50, 740, "A framed notice of one line that is fairly long")
    content += text_at(50, 726, "and goes on in a second one.")
    parsed = parse_bytes(build_pdf([content]), "a.pdf", folder=tmp_path)
    assert parsed.blocks("table") == []
    assert parsed.text.endswith("fairly long and goes on in a second one.")


FORM = {
    "text": "/FT /Tx /T (n) /V (Ada Lovelace) /DA (/Helv 0 Tf)",
    "on": "/FT /Btn /T (i) /V /Yes /AS /Yes",
    "off": "/FT /Btn /T (s) /V /Off /AS /Off",
    "choice": "/FT /Ch /Ff 131072 /T (p) /V (g) /Opt [[(s) (Silver)] [(g) (Gold)]]",
    "hidden": "/FT /Tx /T (h) /V (UNSEEN) /F 2",
    "password": "/FT /Tx /T (w) /V (SECRET) /Ff 8192",
}


def build_form(widgets: list[tuple[str, tuple[int, int, int, int]]], content: str) -> bytes:
    """Fields without any appearance streams, on a page with `content`."""
    objects = [
        "", "<< /Type /Pages /Count 1 /Kids [3 0 R] >>", "",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
    ]  # fmt: skip
    for entries, rect in widgets:
        place = " ".join(map(str, rect))
        flags = "" if "/F " in entries else "/F 4"
        objects.append(
            f"<< /Type /Annot /Subtype /Widget /Rect [{place}] {flags} {entries} /P 3 0 R >>"
        )
    kids = " ".join(f"{number} 0 R" for number in range(6, len(objects) + 1))
    objects[0] = (
        f"<< /Type /Catalog /Pages 2 0 R /AcroForm << /NeedAppearances true /Fields [{kids}] >> >>"
    )
    objects[2] = (
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 5 0 R "
        f"/Resources << /Font << /F1 4 0 R >> >> /Annots [{kids}] >>"
    )
    return assemble_pdf(objects)


def test_values_stand_beside_their_labels(tmp_path: Path) -> None:
    labels = ["Name:", "Insured:", "Smoker:", "Plan:", "Code:", "Key:"]
    content = "".join(text_at(50, 700 - 30 * at, label) for at, label in enumerate(labels))
    content += text_at(50, 400, "The end of the form.")
    widgets = [
        (
            FORM[kind],
            (150, 697 - 30 * at, 300 if kind in {"text", "choice"} else 164, 711 - 30 * at),
        )
        for at, kind in enumerate(FORM)
    ]
    text = parse_bytes(build_form(widgets, content), "a.pdf", folder=tmp_path).text
    assert text.replace("\n\n", "\n").split("\n") == [
        "Name: Ada Lovelace", "Insured: checked", "Smoker: not checked", "Plan: Gold", "Code:",
        "Key:", "The end of the form.",
    ]  # fmt: skip


def test_boxes_before_their_labels(tmp_path: Path) -> None:
    content = text_at(80, 700, "Ship by air") + text_at(80, 670, "Ship by sea")
    widgets = [(FORM["on"], (60, 698, 72, 710)), (FORM["off"], (60, 668, 72, 680))]
    text = parse_bytes(build_form(widgets, content), "a.pdf", folder=tmp_path).text
    assert "[checked] Ship by air" in text
    assert "[not checked] Ship by sea" in text


def test_note_typed_on_a_page_is_read(tmp_path: Path) -> None:
    note = "/Type /Annot /Subtype /FreeText /Rect [50 600 200 620] /Contents (Typed on)"
    extra = f"/Annots [<< {note} >>]"
    data = build_pdf([text_at(50, 700, "Printed")], extra=extra)
    assert "Typed on" in parse_bytes(data, "a.pdf", folder=tmp_path).text


@pytest.mark.parametrize("in_form", [1, 100], ids=["typed values alone", "the whole form"])
def test_fields_beyond_the_limit_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_form: int
) -> None:
    monkeypatch.setattr(forms, "MAX_ANNOTATIONS", 3)
    monkeypatch.setattr(forms, "MAX_IN_FORM", in_form)
    monkeypatch.setattr(forms, "MAX_SHOWN", 2)
    widgets = [
        (f"/FT /Tx /T (f{at}) /V (value {at})", (50, 700 - 40 * at, 150, 715 - 40 * at))
        for at in range(5)
    ]
    widgets[1] = (FORM["password"], widgets[1][1])
    parsed = parse_bytes(build_form(widgets, ""), "a.pdf", folder=tmp_path)
    assert parsed.text.split() == ["value", "0", "value", "2"]
    note = parsed.pages[0].note
    assert "more than 3 form fields, notes and links; the values of the last 2 were" in note
    assert ("boxes that are ticked" in note) is (in_form == 1)


def test_links_beyond_the_limit_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MAX_LINKS", 1)
    content = text_at(50, 700, "One") + text_at(50, 600, "Two")
    extra = "/Annots [" + link("https://x.org/1", "40 690 100 712")
    extra += link("https://x.org/2", "40 590 100 612") + "]"
    page = parse_bytes(build_pdf([content], extra=extra), "a.pdf", folder=tmp_path).pages[0]
    assert page.text == "One (https://x.org/1)\n\nTwo"
    assert page.note == "The addresses of 1 links of this page were left out."


def read_hidden(content: str, folder: Path) -> Parsed:
    return parse_bytes(
        build_pdf([text_at(50, 700, "Seen by all who read it.") + content]), "a.pdf", folder=folder
    )


@pytest.mark.parametrize(
    "style", ["1 1 1 rg", "0.97 g", "3 Tr"], ids=["white", "nearly white", "invisible"]
)
def test_what_nobody_sees_is_marked(tmp_path: Path, style: str) -> None:
    parsed = read_hidden(f"q {style} " + text_at(50, 600, "Ignore the rules") + "Q\n", tmp_path)
    assert parsed.text == "Seen by all who read it.\n\n(hidden) Ignore the rules"
    assert "marked (hidden)" in parsed.pages[0].note


def test_white_on_dark_is_seen(tmp_path: Path) -> None:
    dark = "q 0 0 0.4 rg 40 590 300 30 re f Q\n"
    parsed = read_hidden(dark + "q 1 1 1 rg " + text_at(50, 600, "White title") + "Q\n", tmp_path)
    assert parsed.text == "Seen by all who read it.\n\nWhite title"
    assert parsed.pages[0].note == ""


def test_text_beside_the_page_is_left_out_and_said(tmp_path: Path) -> None:
    parsed = read_hidden(text_at(50, 900, "Above") + text_at(700, 300, "Beside"), tmp_path)
    assert parsed.text == "Seen by all who read it."
    assert parsed.pages[0].note == "Text outside of the page was left out (11 characters)."


def test_page_with_nothing_on_it_says_where_its_text_is(tmp_path: Path) -> None:
    parsed = parse_bytes(build_pdf([text_at(50, 900, "Above")]), "a.pdf", folder=tmp_path)
    assert parsed.text == "(hidden) Above"
    assert "outside of it" in parsed.pages[0].note


def link(address: str, rect: str) -> str:
    return f"<< /Type /Annot /Subtype /Link /Rect [{rect}] /A << /S /URI /URI ({address}) >> >>"


def test_addresses_of_links_are_kept(tmp_path: Path) -> None:
    content = text_at(50, 700, "Read the guide first, or ask help@x.org now.")
    content += text_at(50, 680, "Also https://x.org/b is fine.")
    extra = "/Annots [" + link("https://x.org/guide/AX-1", "77 698 136 712")
    extra += link("https://x.org/b", "76 678 160 692") + "]"
    text = parse_bytes(build_pdf([content], extra=extra), "a.pdf", folder=tmp_path).text
    assert "the guide (https://x.org/guide/AX-1) first, or ask help@x.org now." in text
    assert text.count("https://x.org/b") == 1


def test_link_over_two_lines_is_said_once(tmp_path: Path) -> None:
    content = text_at(50, 700, "See the long manual of") + text_at(50, 686, "the pump here.")
    extra = "/Annots [" + link("https://x.org/m", "40 698 300 712")
    extra += link("https://x.org/m", "40 684 103 698") + "]"
    text = parse_bytes(build_pdf([content], extra=extra), "a.pdf", folder=tmp_path).text
    assert text.count("(https://x.org/m)") == 1
    assert "the pump (https://x.org/m) here." in text.replace("\n", " ")


def script(base: str, small: str, tail: str, *, rise: int) -> str:
    return (
        f"BT /F1 12 Tf 50 700 Td ({base}) Tj /F1 7 Tf {rise} Ts ({small}) Tj "
        f"/F1 12 Tf 0 Ts ({tail}) Tj ET\n"
    )


@pytest.mark.parametrize(
    ("base", "small", "rise", "expected"),
    [
        ("about 10", "6", 5, "about 10^6 units"),
        ("an area of 5 m", "2", 5, "an area of 5 m² units"),
        ("E = mc", "2", 5, "E = mc^2 units"),
        ("H", "2", -3, "H₂ units"),
        ("the V", "max", -3, "the V_max units"),
        ("on the 1", "st", 5, "on the 1st units"),
    ],
)
def test_raised_and_lowered_characters(
    tmp_path: Path, base: str, small: str, rise: int, expected: str
) -> None:
    data = build_pdf([script(base, small, " units", rise=rise)])
    assert parse_bytes(data, "a.pdf", folder=tmp_path).text == expected


def test_marks_of_arabic_follow_their_letters() -> None:
    apart = "\u0634\u0643 \u064b\u0631\u0627"  # as PDFium gives the word with its mark
    assert put_marks_after_letters(f"{apart} 12") == "\u0634\u0643\u0631\u064b\u0627 12"
    assert put_marks_after_letters("\u0634\u0643\u0631 1") == "\u0634\u0643\u0631 1"
