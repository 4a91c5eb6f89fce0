"""Plain text, code, tables, data, transcripts, mail, RTF and EPUB."""

from __future__ import annotations

import json
from email.message import EmailMessage
from pathlib import Path

import pytest

from parsing.formats.delimited import find_delimiter
from parsing.types import Limits, ParseError
from tests.parsing.builders import build_zip, parse_bytes


def test_plain_text(tmp_path: Path) -> None:
    parsed = parse_bytes(b"One\ntwo\n\n- a\n- b\n\x00\nThree", "a.txt", folder=tmp_path)
    assert parsed.blocks("paragraph") == ["One\ntwo", "Three"]
    assert parsed.blocks("list") == ["- a\n- b"]


def test_wide_text(tmp_path: Path) -> None:
    assert parse_bytes("Grüße\n".encode("utf-16"), "a.txt", folder=tmp_path).text == "Grüße"


def test_rst_headings(tmp_path: Path) -> None:
    text = b"=====\nTitle\n=====\n\nWords.\n\nPart\n----\n\nMore.\n"
    page = parse_bytes(text, "a.rst", folder=tmp_path).pages[0]
    headings = [(b.level, page.text[b.start : b.end]) for b in page.blocks if b.kind == "heading"]
    assert headings == [(1, "Title"), (2, "Part")]
    assert "==" not in page.text


def test_code_keeps_its_indentation(tmp_path: Path) -> None:
    code = "def f():\n    return 1\n"
    assert parse_bytes(code.encode(), "a.py", folder=tmp_path).blocks("code") == [code.rstrip("\n")]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("a\tb\n1\t2\n", "\t"),
        ('"x;y",b\n"1;2",c\n', ","),
        ("only one column\nof words\n", ""),
    ],
)
def test_delimiters(text: str, delimiter: str) -> None:
    assert find_delimiter(text) == delimiter


def test_csv(tmp_path: Path) -> None:
    parsed = parse_bytes(b'Name;Note\nAnn;"a; b\nc"\n', "a.csv", folder=tmp_path)
    assert parsed.text == "| Name | Note |\n| --- | --- |\n| Ann | a; b c |"


def test_csv_with_too_many_columns(tmp_path: Path) -> None:
    with pytest.raises(ParseError) as caught:
        parse_bytes(b"x," * 5000 + b"\n", "a.csv", folder=tmp_path, limits=Limits(columns=100))
    assert caught.value.code == "too_large"
    assert "5,001 columns" in caught.value.reason


def test_json_on_one_line_is_laid_out(tmp_path: Path) -> None:
    data = json.dumps({"city": "Zürich", "list": list(range(300))}).encode()
    text = parse_bytes(data, "a.json", folder=tmp_path).text
    assert '"city": "Zürich"' in text
    assert text.count("\n") > 300


def test_json_lines(tmp_path: Path) -> None:
    parsed = parse_bytes(b'{"a": 1}\n\n{"a": 2}\n', "a.jsonl", folder=tmp_path)
    assert parsed.blocks("code") == ['{"a": 1}', '{"a": 2}']


def test_json_that_is_none_is_text(tmp_path: Path) -> None:
    parsed = parse_bytes(b'{"a": oops', "a.json", folder=tmp_path)
    assert "not valid JSON" in parsed.opened.metadata["note"]


def test_xml_names_stand_with_values(tmp_path: Path) -> None:
    xml = b'<?xml version="1.0"?><f><c name="France"><capital>Paris</capital>tail</c></f>'
    assert parse_bytes(xml, "a.xml", folder=tmp_path).text == (
        "f\n  c (name: France)\n    capital: Paris\n    tail"
    )


def test_transcript(tmp_path: Path) -> None:
    vtt = b"WEBVTT\n\nNOTE x\n\n1\n00:01.000 --> 00:02.000\n<v Ann>Hello <i>you</i></v>\n"
    assert parse_bytes(vtt, "a.vtt", folder=tmp_path).text == "[00:01] Ann: Hello you"
    srt = b"1\n00:00:05,000 --> 00:00:06,000\nHi\n\n2\n00:00:06,000 --> 00:00:07,000\nthere\n"
    assert parse_bytes(srt, "a.srt", folder=tmp_path).text == "[00:00:05] Hi\nthere"


def test_mail_with_attachments(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Plän", "a@x.org", "b@x.org"
    message.set_content("The plan is in the attachment.")
    message.add_alternative("<p>The plan is in the attachment.</p>", subtype="html")
    message.add_attachment("Step one", filename="plan.txt")
    message.add_attachment(b"\x00\x01", maintype="application", subtype="zip", filename="b.zip")
    inner = EmailMessage()
    inner["Subject"] = "Older"
    inner.set_content("Inner words")
    message.add_attachment(inner)
    parsed = parse_bytes(message.as_bytes(), "a.eml", folder=tmp_path)
    assert parsed.opened.title == "Plän"
    assert parsed.pages[0].text.count("The plan is in the attachment.") == 1
    assert "Attachments: plan.txt, b.zip" in parsed.pages[0].text
    assert [page.label for page in parsed.pages] == ["Plän", "Attachment plan.txt", "Older"]
    assert "Inner words" in parsed.text


def test_rtf(tmp_path: Path) -> None:
    rtf = rb"{\rtf1\ansi{\info{\title Memo}}Caf\'e9 \u8364?\par Second\par}"
    parsed = parse_bytes(rtf, "a.rtf", folder=tmp_path)
    assert parsed.opened.title == "Memo"
    assert parsed.blocks("paragraph") == ["Café €", "Second"]


def build_epub(**extra: str) -> bytes:
    members: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<c><rootfile full-path="OEBPS/book.opf"/></c>',
        "OEBPS/book.opf": (
            '<package xmlns:dc="d"><metadata><dc:title>Tales</dc:title></metadata><manifest>'
            '<item id="b" href="b.xhtml" media-type="application/xhtml+xml"/>'
            '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>'
            '<item id="evil" href="../../../../etc/passwd" media-type="application/xhtml+xml"/>'
            '</manifest><spine><itemref idref="a"/><itemref idref="b"/><itemref idref="evil"/>'
            "</spine></package>"
        ),
        "OEBPS/a.xhtml": "<html><body><h1>Alpha</h1><p>Once</p></body></html>",
        "OEBPS/b.xhtml": "<html><body><h1>Beta</h1><p>Then</p></body></html>",
    }
    return build_zip({**members, **extra}, stored=("mimetype",))


def test_epub_chapters(tmp_path: Path) -> None:
    parsed = parse_bytes(build_epub(), "a.epub", folder=tmp_path)
    assert parsed.opened.title == "Tales"
    assert [(page.label, page.text) for page in parsed.pages] == [
        ("Alpha", "Alpha\n\nOnce"),
        ("Beta", "Beta\n\nThen"),
    ]


def test_protected_epub(tmp_path: Path) -> None:
    encryption = (
        '<e><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/></e>'
    )
    data = build_epub(**{"META-INF/encryption.xml": encryption})
    with pytest.raises(ParseError) as caught:
        parse_bytes(data, "a.epub", folder=tmp_path)
    assert caught.value.code == "encrypted"
