"""Text that a file holds but does not show, by its colour or its size."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsing.markup import parse_xml
from parsing.types import ParseError
from tests.parsing.builders import W, build_docx, build_zip, parse_bytes

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


def build_odt(styles: str, body: str, *, fonts: str = "") -> bytes:
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{space}:1.0"'
        for name, space in (
            ("office", "office"), ("style", "style"), ("text", "text"),
            ("fo", "xsl-fo-compatible"), ("svg", "svg-compatible"),
        )
    )  # fmt: skip
    content = (
        f"<office:document-content {names}><office:font-face-decls>{fonts}</office:font-face-decls>"
        f"<office:automatic-styles>{styles}</office:automatic-styles><office:body><office:text>"
        f"{body}</office:text></office:body></office:document-content>"
    )
    return build_zip(
        {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content},
        stored=("mimetype",),
    )


def test_paragraph_styles_of_odt_hide_and_strike(tmp_path: Path) -> None:
    style = (
        '<style:style style:name="{}" style:family="{}"><style:text-properties {}/></style:style>'
    )
    styles = (
        style.format("White", "paragraph", 'fo:color="#ffffff"')
        + style.format("Tiny", "paragraph", 'fo:font-size="1pt"')
        + style.format("Old", "paragraph", 'style:text-line-through-style="solid"')
        + style.format("Black", "text", 'fo:color="#000000" fo:font-size="9pt"')
    )
    body = "".join(
        f'<text:p text:style-name="{name}">{name} text '
        f'<text:span text:style-name="Black">{name} black</text:span></text:p>'
        for name in ("White", "Tiny", "Old")
    )
    parsed = parse_bytes(build_odt(styles, body), "a.odt", folder=tmp_path)
    assert parsed.text == "White black\n\nTiny black\n\n(struck out: Old text Old black)"
    assert parsed.opened.metadata["note"] == "Hidden text was left out."


def test_symbol_font_and_readings_of_odt(tmp_path: Path) -> None:
    fonts = '<style:font-face style:name="Symbol1" svg:font-family="Symbol"/>'
    styles = (
        '<style:style style:name="S" style:family="text">'
        '<style:text-properties style:font-name="Symbol1"/></style:style>'
    )
    body = (
        '<text:p>limit <text:span text:style-name="S">\u00a3</text:span> 5 '
        '<text:span text:style-name="S">m</text:span>g</text:p>'
        "<text:p><text:ruby><text:ruby-base>大阪</text:ruby-base>"
        "<text:ruby-text>おおさか</text:ruby-text></text:ruby>市</text:p>"
    )
    parsed = parse_bytes(build_odt(styles, body, fonts=fonts), "a.odt", folder=tmp_path)
    assert parsed.text == "limit ≤ 5 μg\n\n大阪(おおさか)市"


def word_styles(*styles: str) -> str:
    return f"<w:styles {W}>{''.join(styles)}</w:styles>"


def word_style(key: str, run_properties: str, *, kind: str = "paragraph", group: str = "") -> str:
    return (
        f'<w:style w:type="{kind}" w:styleId="{key}"><w:name w:val="{key}"/>{group}'
        f"<w:rPr>{run_properties}</w:rPr></w:style>"
    )


def styled(key: str, text: str, properties: str = "") -> str:
    return (
        f'<w:p><w:pPr><w:pStyle w:val="{key}"/></w:pPr>'
        f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r></w:p>"
    )


CUT = '<w:rStyle w:val="Cut"/>'


def test_styles_of_word_hide_and_strike(tmp_path: Path) -> None:
    ground = '<w:pPr><w:shd w:val="clear" w:fill="203864"/></w:pPr>'
    styles = word_styles(
        word_style("White", WHITE),
        word_style("Banner", WHITE, group=ground),
        word_style("Tiny", '<w:sz w:val="2"/>'),
        word_style("Gone", "<w:strike/>"),
        word_style("Cut", "<w:strike/>", kind="character"),
    )
    body = (
        styled("White", "SECRET one")
        + styled("White", "red text", '<w:color w:val="FF0000"/>')
        + styled("Banner", "banner text")
        + styled("Tiny", "SECRET two")
        + styled("Gone", "30 days")
        + styled("Gone", "60 days", '<w:strike w:val="0"/>')
        + f"<w:p>{run(CUT, '4 bar')}</w:p>"
    )
    parsed = parse_bytes(build_docx(body, styles=styles), "a.docx", folder=tmp_path)
    assert parsed.text.split("\n\n") == [
        "red text", "banner text", "(struck out: 30 days)", "60 days", "(struck out: 4 bar)",
    ]  # fmt: skip
    assert parsed.opened.metadata["note"] == NOTE


def test_reading_follows_what_it_is_the_reading_of(tmp_path: Path) -> None:
    body = (
        "<w:p><w:r><w:ruby><w:rt><w:r><w:t>なごや</w:t></w:r></w:rt><w:rubyBase><w:r>"
        "<w:t>名古屋</w:t></w:r></w:rubyBase></w:ruby></w:r><w:r><w:t>支店</w:t></w:r></w:p>"
    )
    text = parse_bytes(build_docx(body), "a.docx", folder=tmp_path).text
    assert text.strip() == "名古屋(なごや)支店"
    page = (
        "<p><ruby>札幌<rp>(</rp><rt>さっぽろ</rt><rp>)</rp></ruby>と"
        "<ruby>函館<rt>はこだて</rt></ruby></p>"
    )
    text = parse_bytes(page.encode(), "a.html", folder=tmp_path).text
    assert text == "札幌(さっぽろ)と函館(はこだて)"


def test_deep_nesting_is_said_in_plain_words() -> None:
    with pytest.raises(ParseError, match="nested too deeply") as caught:
        parse_xml(b"<a>" * 3_000 + b"</a>" * 3_000)
    assert "XML_PARSE" not in str(caught.value)
