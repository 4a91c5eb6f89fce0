"""Files are known by their content; names only decide between kinds of text."""

from __future__ import annotations

import io

import pytest

from parsing.sniff import sniff_file
from parsing.types import ParseError
from tests.parsing.builders import build_docx, build_pdf, build_zip, paragraph


def sniff_bytes(data: bytes, filename: str) -> tuple[str, str, str]:
    found = sniff_file(io.BytesIO(data), filename=filename)
    return found.format, found.charset, found.note


@pytest.mark.parametrize(
    ("data", "filename", "expected"),
    [
        (build_pdf([""]), "a.pdf", "pdf"),
        (b"junk before\n" + build_pdf([""]), "a.pdf", "pdf"),
        (build_docx(paragraph("x")), "a.docx", "docx"),
        (b"{\\rtf1 hello}", "a.rtf", "rtf"),
        (b"# Title\n", "a.md", "md"),
        (b"a,b\n1,2\n", "a.csv", "csv"),
        (b"print(1)\n", "a.py", "code"),
        (b"FROM scratch\n", "Dockerfile", "code"),
        (b"WEBVTT\n\n00:00.000 --> 00:01.000\nHi\n", "noname", "vtt"),
        (b"<!doctype html><p>x", "noname", "html"),
        (b"<?xml version='1.0'?><a/>", "noname", "xml"),
        (b"From: a@b.c\nTo: d@e.f\nSubject: Hi\n\nBody", "noname", "eml"),
        (b"just words", "noname", "txt"),
        (b"\x89PNG\r\n\x1a\n", "a.png", "png"),
    ],
)
def test_formats(data: bytes, filename: str, expected: str) -> None:
    assert sniff_bytes(data, filename)[0] == expected


@pytest.mark.parametrize(
    ("text", "charset"),
    [("Grüße", "utf-8"), ("Grüße an alle", "utf-16"), ("Grüße", "utf-8-sig")],
)
def test_charsets(text: str, charset: str) -> None:
    assert sniff_bytes(text.encode(charset), "a.txt")[1] == charset


def test_wide_text_without_a_mark_is_text() -> None:
    assert sniff_bytes("plain words".encode("utf-16-le"), "a.txt")[:2] == ("txt", "utf-16-le")


def test_legacy_charset_is_found() -> None:
    data = "Zażółć gęślą jaźń i jeszcze kilka słów po polsku.".encode("cp1250")
    assert data.decode(sniff_bytes(data, "a.txt")[1]).startswith("Za")


def test_mislabelled_file_is_read_as_what_it_is() -> None:
    found, _, note = sniff_bytes(build_pdf([""]), "report.docx")
    assert found == "pdf"
    assert "ends in .docx" in note
    assert "PDF" in note


def test_web_page_named_text_is_a_web_page() -> None:
    assert sniff_bytes(b"<html><body>x</body></html>", "a.txt")[0] == "html"


@pytest.mark.parametrize(
    ("data", "filename", "code"),
    [
        (b"", "a.txt", "empty"),
        (b"\x00" * 100, "a.txt", "empty"),
        (b" \n \n", "a.md", "empty"),
        (b"\x7fELF\x02\x01\x01" + bytes(range(256)), "a.txt", "unsupported"),
        (b"MZ\x90\x00\x03\x00\x00\x00" + bytes(range(256)), "a.pdf", "unsupported"),
        (b"\x1f\x8b\x08" + bytes(range(256)), "a.gz", "unsupported"),
        (build_zip({"x.txt": "x"}), "a.zip", "unsupported"),
        # Named, because the archive holds the time and two test processes must agree on names.
        pytest.param(build_zip({"x.txt": "x"})[:40], "a.docx", "corrupt", id="half an archive"),
        (bytes(range(256)) * 4, "a.pdf", "mislabelled"),
        (bytes(range(256)) * 4, "a.bin", "unsupported"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.doc", "corrupt"),
    ],
)
def test_refusals_say_why(data: bytes, filename: str, code: str) -> None:
    with pytest.raises(ParseError) as caught:
        sniff_bytes(data, filename)
    assert caught.value.code == code
    assert caught.value.reason.endswith(".")
