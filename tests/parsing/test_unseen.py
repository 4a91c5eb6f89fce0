"""Text that a file holds but does not show, by its colour or its size."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsing.markup import parse_xml
from parsing.types import ParseError
from tests.parsing.builders import build_docx, build_zip, parse_bytes

WHITE = '<w:color w:val="FFFFFF"/>'
NOTE = "Text that is white on white, or too small to be seen, was left out."


def run(properties: str, text: str = "SECRET") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"


@pytest.mark.parametrize("properties", [WHITE, '<w:sz w:val="2"/>'])
def test_unseen_text_of_word(tmp_path: Path, properties: str) -> None:
    body = f"<w:p><w:r><w:t>shown</w:t></w:r>{run(properties)}</w:p>"
    parsed = parse_bytes(build_docx(body), "a.docx", folder=tmp_path)
    assert parsed.text.strip() == "shown"
    assert parsed.opened.metadata["note"] == NOTE


@pytest.mark.parametrize(
    "body",
    [
        f'<w:p>{run(WHITE + """<w:shd w:val="clear" w:fill="1F4E79"/>""")}</w:p>',
        f'<w:p>{run(WHITE + """<w:highlight w:val="blue"/>""")}</w:p>',
        f'<w:tbl><w:tr><w:tc><w:tcPr><w:shd w:val="clear" w:fill="000000"/></w:tcPr>'
        f"<w:p>{run(WHITE)}</w:p></w:tc></w:tr></w:tbl>",
        f'<w:tbl><w:tblPr><w:tblStyle w:val="Grid"/></w:tblPr><w:tr><w:tc><w:p>{run(WHITE)}</w:p>'
        "</w:tc></w:tr></w:tbl>",
        f'<w:p>{run("""<w:sz w:val="12"/>""")}</w:p>',
    ],
)
def test_white_text_on_a_dark_ground_is_kept(tmp_path: Path, body: str) -> None:
    assert parse_bytes(build_docx(body), "a.docx", folder=tmp_path).text.strip() == "SECRET"


@pytest.mark.parametrize(
    ("style", "is_shown"),
    [
        ("opacity:0", False), ("opacity: .0; x:y", False), ("font-size:0", False),
        ("font-size:1px", False), ("color:#fff", False), ("color: white", False),
        ("color:#fff; background:#000", True), ("opacity:0.5", True), ("color:#fffff0", True),
        ("font-size:10px", True), ("font-size:0.8em", True),
    ],
)  # fmt: skip
def test_unseen_text_of_web_pages(tmp_path: Path, style: str, is_shown: bool) -> None:
    page = f'<html><p>shown <span style="{style}">SECRET</span></p></html>'
    parsed = parse_bytes(page.encode(), "a.html", folder=tmp_path)
    assert ("SECRET" in parsed.text) is is_shown
    assert bool(parsed.opened.metadata.get("note")) is not is_shown


def test_unseen_text_of_odt(tmp_path: Path) -> None:
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{space}:1.0"'
        for name, space in (("office", "office"), ("style", "style"), ("text", "text"),
                            ("fo", "xsl-fo-compatible"))
    )  # fmt: skip
    style = (
        '<style:style style:name="{}" style:family="text"><style:text-properties {}/></style:style>'
    )
    styles = style.format("W", 'fo:color="#ffffff"') + style.format("T", 'fo:font-size="1pt"')
    styles += style.format("B", 'fo:color="#ffffff" fo:background-color="#000000"')
    spans = "".join(f'<text:span text:style-name="{name}">{name}1 </text:span>' for name in "WTB")
    content = (
        f"<office:document-content {names}><office:automatic-styles>{styles}"
        f"</office:automatic-styles><office:body><office:text><text:p>shown {spans}</text:p>"
        "</office:text></office:body></office:document-content>"
    )
    data = build_zip(
        {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content},
        stored=("mimetype",),
    )
    parsed = parse_bytes(data, "a.odt", folder=tmp_path)
    assert parsed.text.strip() == "shown B1"
    assert "left out" in parsed.opened.metadata["note"]


def test_deep_nesting_is_said_in_plain_words() -> None:
    with pytest.raises(ParseError, match="nested too deeply") as caught:
        parse_xml(b"<a>" * 3_000 + b"</a>" * 3_000)
    assert "XML_PARSE" not in str(caught.value)
