"""Files meant to do harm, or merely enormous: each ends in a clear error or a clean text."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest

from parsing.types import Limits, ParseError
from tests.parsing.builders import (
    W,
    assemble_pdf,
    build_docx,
    build_pdf,
    build_zip,
    paragraph,
    parse_bytes,
    text_at,
)

LAUGHS = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'


def expect_error(data: bytes, filename: str, folder: Path, limits: Limits | None = None) -> str:
    with pytest.raises(ParseError) as caught:
        parse_bytes(data, filename, folder=folder, limits=limits)
    assert caught.value.reason.endswith(".")
    return caught.value.code


def parse_or_code(data: bytes, filename: str, folder: Path) -> tuple[str, str]:
    """(text, "") or ("", code of the error)."""
    try:
        return parse_bytes(data, filename, folder=folder).text, ""
    except ParseError as error:
        return "", error.code


@pytest.mark.parametrize("data", [LAUGHS, OUTSIDE, LAUGHS.decode().encode("utf-16")])
def test_entities_are_refused(tmp_path: Path, data: bytes) -> None:
    assert expect_error(data, "a.xml", tmp_path) == "expansion"


def test_entities_inside_an_office_file_are_refused(tmp_path: Path) -> None:
    bomb = LAUGHS.replace(b"<a>&c;</a>", f"<w:document {W}>&c;</w:document>".encode())
    data = build_zip({"word/document.xml": bomb})
    assert expect_error(data, "a.docx", tmp_path) == "expansion"


def test_plain_doctype_is_accepted(tmp_path: Path) -> None:
    xml = b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a>text</a>'
    assert parse_bytes(xml, "a.xml", folder=tmp_path).text == "a: text"


def test_zip_that_unpacks_beyond_the_limit(tmp_path: Path) -> None:
    data = build_docx(paragraph("x" * 3_000_000))
    assert expect_error(data, "a.docx", tmp_path, Limits(expanded_mb=2)) == "expansion"


def test_zip_with_an_absurd_ratio(tmp_path: Path) -> None:
    data = build_docx(paragraph("x" * 60_000_000))
    assert expect_error(data, "a.docx", tmp_path) == "expansion"


def test_zip_with_too_many_members(tmp_path: Path) -> None:
    data = build_zip({"word/document.xml": "<a/>", **{f"m{n}": "" for n in range(60)}})
    assert expect_error(data, "a.docx", tmp_path, Limits(archive_entries=50)) == "expansion"


def test_zip_whose_sizes_lie(tmp_path: Path) -> None:
    data = bytearray(build_docx(paragraph("x" * 100_000)))
    real = struct.pack("<I", len(f"<w:document {W}><w:body></w:body></w:document>") + 100_033)
    assert real in data
    lying = bytes(data).replace(real, struct.pack("<I", 10))
    assert expect_error(lying, "a.docx", tmp_path) == "corrupt"


def test_zip_with_a_password(tmp_path: Path) -> None:
    data = bytearray(build_docx(paragraph("secret")))
    central = data.index(b"PK\x01\x02")
    while central != -1:
        data[central + 8] |= 1
        central = data.find(b"PK\x01\x02", central + 4)
    assert expect_error(bytes(data), "a.docx", tmp_path) == "encrypted"


def test_members_with_climbing_names_are_never_written(tmp_path: Path) -> None:
    body = build_docx(paragraph("harmless"))
    folder = tmp_path / "inner"
    folder.mkdir()
    out = io.BytesIO(body)
    import zipfile

    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("../../escaped.txt", "x")
    assert parse_bytes(out.getvalue(), "a.docx", folder=folder).text == "harmless"
    assert [path.name for path in tmp_path.rglob("*.txt")] == []


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
def test_truncated_files(tmp_path: Path, keep: float) -> None:
    docx = build_docx(paragraph("x"))
    assert expect_error(docx[: int(len(docx) * keep)], "a.docx", tmp_path) == "corrupt"


def test_truncated_pdf_gives_what_is_left_or_an_error(tmp_path: Path) -> None:
    data = build_pdf([text_at(50, 700, f"Page {n}") for n in range(5)])
    for keep in (0.2, 0.5, 0.8, 0.98):
        text, code = parse_or_code(data[: int(len(data) * keep)], "a.pdf", tmp_path)
        assert "Page 0" in text or code in {"corrupt", "no_text"}


def test_file_beyond_the_size_limit(tmp_path: Path) -> None:
    assert expect_error(b"x" * 1_100_000, "a.txt", tmp_path, Limits(file_mb=1)) == "too_large"


def test_text_beyond_the_output_limit(tmp_path: Path) -> None:
    data = b"word " * 50_000
    assert expect_error(data, "a.txt", tmp_path, Limits(output_chars=100_000)) == "too_large"


def build_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\x00" * 100))
        + chunk(b"IEND", b"")
    )


def test_gigantic_picture(tmp_path: Path) -> None:
    assert expect_error(build_png(60_000, 60_000), "a.png", tmp_path) == "too_large"


def test_truncated_picture(tmp_path: Path) -> None:
    assert expect_error(build_png(500, 500)[:60], "a.png", tmp_path) == "corrupt"


def test_deep_json(tmp_path: Path) -> None:
    data = b"[" * 200_000 + b"]" * 200_000
    assert expect_error(data, "a.json", tmp_path) == "corrupt"


def test_deep_html_gives_its_text_or_an_error(tmp_path: Path) -> None:
    data = b"<html><body><p>Start</p>" + b"<div>" * 100_000 + b"deep" + b"</div>" * 100_000
    text, code = parse_or_code(data, "a.html", tmp_path)
    assert "Start" in text or code == "corrupt"


def test_deep_xml(tmp_path: Path) -> None:
    data = b"<?xml version='1.0'?>" + b"<a>" * 3_000 + b"x" + b"</a>" * 3_000
    assert expect_error(data, "a.xml", tmp_path) == "corrupt"


def test_tables_nested_in_cells_without_end(tmp_path: Path) -> None:
    body = "<w:tbl><w:tr><w:tc>" * 200 + paragraph("deep") + "</w:tc></w:tr></w:tbl>" * 200
    text, code = parse_or_code(build_docx(paragraph("top") + body), "a.docx", tmp_path)
    assert text.startswith("top") or code == "corrupt"


def test_deeply_nested_mail(tmp_path: Path) -> None:
    head = "".join(
        f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(2_000)
    )
    text, code = parse_or_code(f"From: a@b.c\nSubject: x\n{head}".encode(), "a.eml", tmp_path)
    assert text.startswith("x") or code in {"corrupt", "no_text"}


def test_pdf_whose_pages_contain_themselves(tmp_path: Path) -> None:
    data = assemble_pdf(
        ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 9 /Kids [2 0 R 2 0 R] >>"]
    )
    assert expect_error(data, "a.pdf", tmp_path) in {"corrupt", "no_text"}


@pytest.mark.parametrize(
    "text",
    [
        "<!---->" * 5_000 + "x",
        "**a " * 5_000,
        "[a](" * 5_000,
        "`" * 9_000 + "x",
        "# " + " " * 50_000 + "x",
        "|" * 50_000 + "\n" + "|-" * 25_000,
        "- " * 20_000,
        "> " * 20_000,
        "<a " * 20_000,
    ],
)
def test_patterns_do_not_backtrack_without_end(tmp_path: Path, text: str) -> None:
    # The time limit of the test run fails this test where an expression explodes.
    for filename in ("a.md", "a.html", "noname", "a.txt"):
        _, code = parse_or_code(text.encode(), filename, tmp_path)
        assert code in {"", "no_text"}


def test_text_without_spaces_is_no_trouble(tmp_path: Path) -> None:
    content = text_at(10, 700, "a" * 20_000) + text_at(10, 680, "b" * 20_000)
    assert "b" in parse_bytes(build_pdf([content]), "a.pdf", folder=tmp_path).text
