"""DOC, PPT and MSG, built byte by byte."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from parsing.mail.compressed_rtf import decompress_rtf
from parsing.types import ParseError
from tests.parsing.builders import build_ole, parse_bytes


def build_doc(text: str, *, flags: int = 0x0200, wide: bool = True) -> bytes:
    body = text.encode("utf-16-le") if wide else text.encode("cp1252")
    place = 0x800 if wide else 0x800 * 2 | 0x40000000
    plc = struct.pack("<II", 0, len(text)) + struct.pack("<HIH", 0, place, 0)
    clx = b"\x02" + struct.pack("<I", len(plc)) + plc
    stream = bytearray(0x800)
    struct.pack_into("<HH", stream, 0, 0xA5EC, 193)
    struct.pack_into("<H", stream, 10, flags)
    struct.pack_into("<II", stream, 0x01A2, 0, len(clx))
    return build_ole({"WordDocument": bytes(stream) + body, "1Table": clx})


def test_doc(tmp_path: Path) -> None:
    text = (
        'Title\rSee \x13HYPERLINK "x"\x14the page\x15.\rA\x07B\x07\x071\x072\x07\x07End\x0cNext\r'
    )
    parsed = parse_bytes(build_doc(text), "a.doc", folder=tmp_path)
    assert parsed.blocks("paragraph") == ["Title", "See the page.", "End", "Next"]
    assert parsed.blocks("table") == ["| A | B |\n| --- | --- |\n| 1 | 2 |"]
    assert len(parsed.pages) == 2


def test_doc_with_eight_bit_text(tmp_path: Path) -> None:
    parsed = parse_bytes(build_doc("Größe “x”\r", wide=False), "a.doc", folder=tmp_path)
    assert parsed.text == "Größe “x”"


def test_doc_with_a_password(tmp_path: Path) -> None:
    with pytest.raises(ParseError) as caught:
        parse_bytes(build_doc("x", flags=0x0300), "a.doc", folder=tmp_path)
    assert caught.value.code == "encrypted"


def test_doc_with_a_table_out_of_bounds(tmp_path: Path) -> None:
    data = bytearray(build_doc("some text"))
    at = data.index(struct.pack("<HH", 0xA5EC, 193))
    struct.pack_into("<II", data, at + 0x01A2, 0xFFFFFF, 0xFFFF)
    with pytest.raises(ParseError) as caught:
        parse_bytes(bytes(data), "a.doc", folder=tmp_path)
    assert caught.value.code == "corrupt"


def record(kind: int, body: bytes, *, container: bool = False, instance: int = 0) -> bytes:
    return struct.pack("<HHI", (instance << 4) | (0xF if container else 0), kind, len(body)) + body


def atom(text_type: int, text: str) -> bytes:
    return record(3999, struct.pack("<I", text_type)) + record(4000, text.encode("utf-16-le"))


def test_ppt(tmp_path: Path) -> None:
    listed = record(1011, b"\x00" * 20) + atom(0, "First") + atom(1, "Point")
    document = record(1000, record(4080, listed, container=True), container=True)
    slide = record(1006, record(1036, atom(4, "In a shape"), container=True), container=True)
    notes = record(1008, record(1036, atom(2, "Spoken"), container=True), container=True)
    stream = (document + slide + notes).ljust(4096, b"\x00")
    parsed = parse_bytes(build_ole({"PowerPoint Document": stream}), "a.ppt", folder=tmp_path)
    assert parsed.pages[0].label == "Slide 1: First"
    assert parsed.text == "First\n\nPoint\n\nIn a shape\n\nNotes: Spoken"


def test_ppt_hidden_slide(tmp_path: Path) -> None:
    slides = b""
    for text, flags in (("Shown", 0), ("SECRET", 4)):
        info = record(1017, struct.pack("<IIBBHBBH", 0, 0, 0, 0, flags, 0, 0, 0))
        slides += record(1006, info + record(1036, atom(4, text), container=True), container=True)
    stream = (record(1000, b"", container=True) + slides).ljust(4096, b"\x00")
    parsed = parse_bytes(build_ole({"PowerPoint Document": stream}), "a.ppt", folder=tmp_path)
    assert [page.text for page in parsed.pages] == ["Shown", ""]
    assert "hidden" in parsed.pages[1].note


def test_doc_links_keep_their_address(tmp_path: Path) -> None:
    text = 'See \x13 HYPERLINK "https://example.org/guide" \\o "tip" \x14the guide\x15.\r'
    parsed = parse_bytes(build_doc(text), "a.doc", folder=tmp_path)
    assert parsed.text == "See the guide (https://example.org/guide)."
    assert "automatic numbers" in parsed.opened.metadata["note"]


def biff(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def build_xls(cells: bytes, *, formats: list[str]) -> bytes:
    """One sheet; style 1 has the first of the formats, style 2 the second."""
    head = biff(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)) + biff(0x42, b"\xb0\x04")
    for number, code in enumerate(formats, start=164):
        head += biff(0x41E, struct.pack("<HHB", number, len(code), 0) + code.encode())
    for number in (0, *range(164, 164 + len(formats))):
        head += biff(0xE0, struct.pack("<HH", 0, number) + b"\x00" * 16)
    name = b"Rates"
    start = len(head) + 4 + 8 + len(name) + 4
    head += biff(0x85, struct.pack("<IBBBB", start, 0, 0, len(name), 0) + name) + biff(0x0A)
    sheet = biff(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0)) + cells + biff(0x0A)
    return build_ole({"Workbook": head + sheet})


def test_xls_as_it_is_shown(tmp_path: Path) -> None:
    def label(row: int, column: int, text: str) -> bytes:
        return biff(0x204, struct.pack("<HHHHB", row, column, 0, len(text), 0) + text.encode())

    cells = biff(0x7D, struct.pack("<HHHHHH", 2, 2, 2048, 0, 1, 0))
    cells += biff(0x208, struct.pack("<HHHHHHI", 3, 0, 3, 255, 0, 0, 0x20))
    cells += label(0, 0, "Item") + label(0, 1, "Value") + label(0, 2, "HIDDENCOLUMN")
    cells += label(1, 0, "Rate") + biff(0x203, struct.pack("<HHHd", 1, 1, 1, 0.0575))
    cells += label(2, 0, "Rent") + biff(0x27E, struct.pack("<HHHI", 2, 1, 2, 1234 << 2 | 2))
    cells += label(3, 0, "HIDDENROW")
    cells += label(4, 0, "Ratio") + biff(0x205, struct.pack("<HHHBB", 4, 1, 0, 7, 1))
    data = build_xls(cells, formats=["0.00%", '"$"#,##0.00'])
    parsed = parse_bytes(data, "a.xls", folder=tmp_path)
    assert parsed.blocks("table") == [
        "| Item | Value |\n| --- | --- |\n| Rate | 5.75% |\n| Rent | $1,234.00 |\n"
        "| Ratio | #DIV/0! |"
    ]
    assert parsed.pages[0].note == "1 hidden row and 1 hidden column were left out."


def test_msg(tmp_path: Path) -> None:
    streams = {
        "__properties_version1.0": b"",
        "__substg1.0_0037001F": "Lunch".encode("utf-16-le"),
        "__substg1.0_0C1A001F": "Ann".encode("utf-16-le"),
        "__substg1.0_1000001F": "At noon?\r\n\r\nAnn".encode("utf-16-le"),
    }
    parsed = parse_bytes(build_ole(streams), "a.msg", folder=tmp_path)
    assert parsed.opened.title == "Lunch"
    assert parsed.text == "Lunch\n\nFrom: Ann\n\nAt noon?\n\nAnn"


def test_rtf_as_it_is_shown(tmp_path: Path) -> None:
    rtf = (
        r'{\rtf1\ansi See {\field{\*\fldinst{HYPERLINK "https://example.org/g"}}'
        r"{\fldrslt{the guide}}} now: 10{\super\insrsid7 6} H{\sub 2}O {\v SECRET}end"
        r" {\deleted SECRET}there.\par{\pntext\f0 1.\tab}first\par {\listtext (a)\tab}second\par}"
    )
    parsed = parse_bytes(rtf.encode(), "a.rtf", folder=tmp_path)
    assert parsed.blocks("paragraph") == [
        "See the guide (https://example.org/g) now: 10^6 H₂O end there.",
        "1.\tfirst",
        "(a)\tsecond",
    ]
    assert parsed.opened.metadata["note"] == "Hidden or deleted text was left out."


def test_xls_formulas_without_a_result_and_links(tmp_path: Path) -> None:
    def label(row: int, column: int, text: str) -> bytes:
        return biff(0x204, struct.pack("<HHHHB", row, column, 0, len(text), 0) + text.encode())

    def formula(row: int, column: int, tokens: bytes) -> bytes:
        blank = b"\x00" * 6 + b"\xff\xff"
        head = struct.pack("<HHH", row, column, 0) + blank + b"\x00" * 6
        return biff(0x06, head + struct.pack("<H", len(tokens)) + tokens)

    def quoted(text: str) -> bytes:
        return bytes((0x17, len(text), 0)) + text.encode()

    link = quoted("https://example.org/x") + quoted("guide") + b"\x42\x02\x67\x01"
    cells = label(0, 0, "Part") + label(0, 1, "Total") + label(1, 0, "Bolt")
    cells += formula(1, 1, b"\x44\x01\x00\x01\xc0\x1e\x02\x00\x05")
    cells += label(2, 0, "Nut") + formula(2, 1, b"\x44\x01\x00\x01\xc0")
    cells += biff(0x207, struct.pack("<HB", 4, 0) + b"done")
    cells += label(3, 0, "See") + formula(3, 1, link)
    parsed = parse_bytes(build_xls(cells, formats=[]), "a.xls", folder=tmp_path)
    assert parsed.blocks("table") == [
        "| Part | Total |\n| --- | --- |\n| Bolt | [formula without a stored result] |\n"
        "| Nut | done |\n| See | guide (https://example.org/x) |"
    ]
    assert "2 formulas without a stored result are shown" in parsed.pages[0].note


def test_xls_of_a_writer_that_does_not_calculate(tmp_path: Path) -> None:
    def cells(tail: bytes) -> bytes:
        empty = struct.pack("<HHH", 1, 1, 0) + b"\x03" + b"\x00" * 5 + b"\xff\xff" + b"\x00" * 8
        name = biff(0x204, struct.pack("<HHHHB", 1, 0, 0, 4, 0) + b"Bolt")
        return name + biff(0x06, empty) + tail

    data = build_xls(cells(b""), formats=[])
    parsed = parse_bytes(data, "a.xls", folder=tmp_path)
    assert "[formula without a stored result]" in parsed.text
    assert parsed.pages[0].note == "1 formula without a stored result is shown as such."
    solved = biff(0x06, struct.pack("<HHHd", 2, 1, 0, 3.0) + b"\x00" * 8)
    parsed = parse_bytes(build_xls(cells(solved), formats=[]), "a.xls", folder=tmp_path)
    assert "[formula" not in parsed.text
    assert parsed.pages[0].note == "1 formula has an empty result, or none that was stored."


COLORS = r"{\colortbl;\red0\green0\blue0;\red255\green255\blue255;}"
FONTS = r"{\fonttbl{\f0\froman Times New Roman;}{\f1\fnil\fcharset2 Symbol;}}"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (r"open {\cf2 SECRET}\par", "open"),
        (r"open {\fs2 SECRET}\par", "open"),
        (r"{\v SECRET {\b still secret}} open\par", "open"),
        (r"{\deleted SECRET\'e9\u8364?} open\par", "open"),
        (r"{\cb1\cf2 banner}\par", "banner"),
        (r"\pard\cbpat1 {\cf2 banner}\par", "banner"),
        (r"{\cf1\fs16 small}\par", "small"),
        (r"\cf2 SECRET\plain  open\par", "open"),
    ],
)
def test_unseen_text_of_rtf(tmp_path: Path, body: str, shown: str) -> None:
    data = rf"{{\rtf1\ansi{FONTS}{COLORS}{body}}}"
    parsed = parse_bytes(data.encode(), "a.rtf", folder=tmp_path)
    assert parsed.text.strip() == shown
    assert bool(parsed.opened.metadata.get("note")) is ("SECRET" in body)


def test_symbol_font_and_footnote_of_rtf(tmp_path: Path) -> None:
    body = (
        r"p {\f1 \'a3} 5 {\f1 m}m{\super\f1 -}{\super 3}{\footnote From {\i all} sites.}, |x|\par"
    )
    data = rf"{{\rtf1\ansi\deff0{FONTS}{body}}}"
    text = parse_bytes(data.encode(), "a.rtf", folder=tmp_path).text.strip()
    assert text == "p ≤ 5 μm^−3 [Footnote: From all sites.], |x|"


def test_merged_cells_of_rtf(tmp_path: Path) -> None:
    def row(flags: list[str], *cells: str) -> str:
        places = "".join(f"{flag}\\cellx{1000 * at}" for at, flag in enumerate(flags, start=1))
        return rf"\trowd{places}\intbl " + "".join(rf"{cell}\cell " for cell in cells) + r"\row "

    plain = ["", "", ""]
    body = (
        row(plain, "Region", "City", "Tonnes")
        + row([r"\clvmgf", "", ""], "North", "Kiel", "14")
        + row([r"\clvmrg", "", ""], "", "Bremen", "21")
        + row(plain, "South", "Ulm", "9")
    )
    parsed = parse_bytes(rf"{{\rtf1\ansi {body}\pard End\par}}".encode(), "a.rtf", folder=tmp_path)
    assert parsed.blocks("table") == [
        "| Region | City | Tonnes |\n| --- | --- | --- |\n"
        "| North | Kiel | 14 |\n| North | Bremen | 21 |\n| South | Ulm | 9 |"
    ]


def test_compressed_rtf_of_the_specification() -> None:
    # The first example of MS-OXRTFCP.
    data = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af3206865"
        "6c090020627705b06c647d0a800fa0"
    )
    assert decompress_rtf(data) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
