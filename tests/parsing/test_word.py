"""Word documents: numbers before paragraphs, merged cells, equations, links, hidden text."""

from __future__ import annotations

import io
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from parsing.office.numbering import number_text
from tests.parsing.builders import Parsed, W, build_docx, build_zip, parse_bytes

M = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'


def parse(body: str, folder: Path, **parts: str) -> Parsed:
    return parse_bytes(build_docx(body, **parts), "a.docx", folder=folder)


def level(
    at: int, form: str, text: str, *, start: int = 1, style: str = "", extra: str = ""
) -> str:
    linked = f'<w:pStyle w:val="{style}"/>' if style else ""
    return (
        f'<w:lvl w:ilvl="{at}"><w:start w:val="{start}"/><w:numFmt w:val="{form}"/>{linked}'
        f'{extra}<w:lvlText w:val="{text}"/></w:lvl>'
    )


def numbering(levels: str, *, numbers: str = "") -> str:
    numbers = numbers or '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
    return (
        f'<w:numbering {W}><w:abstractNum w:abstractNumId="0">{levels}</w:abstractNum>'
        f"{numbers}</w:numbering>"
    )


def item(text: str, at: int = 0, *, number: int = 1) -> str:
    return (
        f'<w:p><w:pPr><w:numPr><w:ilvl w:val="{at}"/><w:numId w:val="{number}"/></w:numPr></w:pPr>'
        f"<w:r><w:t>{text}</w:t></w:r></w:p>"
    )


LEGAL = (
    level(0, "decimal", "Article %1.", start=4)
    + level(1, "decimal", "%1.%2")
    + level(2, "lowerLetter", "(%3)")
)


def test_a_legal_list(tmp_path: Path) -> None:
    body = (
        item("Deliveries") + item("By truck", 1) + item("unless it snows", 2)
        + item("unless on strike", 2) + "<w:p><w:r><w:t>A remark.</w:t></w:r></w:p>"
        + item("By rail", 1) + item("if it runs", 2) + item("Returns") + item("Free", 1)
    )  # fmt: skip
    assert parse(body, tmp_path, numbering=numbering(LEGAL)).text == (
        "Article 4. Deliveries\n  4.1 By truck\n    (a) unless it snows\n    (b) unless on strike"
        "\n\nA remark.\n\n"
        "  4.2 By rail\n    (a) if it runs\nArticle 5. Returns\n  5.1 Free"
    )


def test_headings_numbered_by_their_style(tmp_path: Path) -> None:
    styles = f"<w:styles {W}>" + "".join(
        f'<w:style w:type="paragraph" w:styleId="H{at}"><w:name w:val="heading {at}"/><w:pPr>'
        f'<w:numPr><w:ilvl w:val="{at - 1}"/><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
        for at in (1, 2)
    )
    styles += (
        '<w:style w:type="paragraph" w:styleId="Own"><w:name w:val="Own"/>'
        '<w:basedOn w:val="H2"/></w:style></w:styles>'
    )
    levels = level(0, "decimal", "%1", style="H1") + level(1, "decimal", "%1.%2", style="H2")
    body = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'
        for style, text in (("H1", "Scope"), ("H1", "Terms"), ("H2", "Buyer"), ("Own", "Seller"))
    )
    parsed = parse(body, tmp_path, styles=styles, numbering=numbering(levels))
    assert parsed.blocks("heading") == ["1 Scope", "2 Terms", "2.1 Buyer", "2.2 Seller"]


def test_lists_restart_where_they_say_so(tmp_path: Path) -> None:
    numbers = "".join(
        f'<w:num w:numId="{at}"><w:abstractNumId w:val="0"/>{override}</w:num>'
        for at, override in (
            (1, ""),
            (2, ""),
            (3, '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride>'),
        )
    )
    body = "".join(item(f"n{at}", number=at) for at in (1, 1, 2, 3, 3))
    parsed = parse(
        body, tmp_path, numbering=numbering(level(0, "upperRoman", "%1)"), numbers=numbers)
    )
    assert parsed.blocks("list") == ["I) n1\nII) n1\nIII) n2\nVII) n3\nVIII) n3"]


def test_legal_levels_show_digits_and_bullets_are_bullets(tmp_path: Path) -> None:
    levels = (
        level(0, "upperRoman", "%1.")
        + level(1, "decimal", "%1.%2", extra="<w:isLgl/>")
        + level(2, "bullet", "o")
    )
    body = item("one") + item("two") + item("inner", 1) + item("point", 2)
    assert parse(body, tmp_path, numbering=numbering(levels)).blocks("list") == [
        "I. one\nII. two\n  2.1 inner\n    - point"
    ]


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (4, "upperRoman", "IV"), (1999, "lowerRoman", "mcmxcix"), (27, "lowerLetter", "aa"),
        (28, "upperLetter", "BB"), (3, "decimalZero", "03"), (22, "ordinal", "22nd"),
        (12, "ordinal", "12th"), (21, "cardinalText", "Twenty-one"),
        (30, "ordinalText", "Thirtieth"), (5, "none", ""), (5, "thaiNumbers", "5"),
    ],
)  # fmt: skip
def test_number_formats(value: int, form: str, text: str) -> None:
    assert number_text(value, form) == text


def cell(text: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"


def test_merged_cells_repeat_their_label(tmp_path: Path) -> None:
    start, on = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    rows = [
        cell("Region") + cell("City") + cell("Limit"),
        cell("North", start) + cell("Oslo") + cell("10"),
        cell("", on) + cell("Bergen") + cell("20"),
        cell("", on) + cell("Both", '<w:gridSpan w:val="2"/>'),
        cell("South") + cell("Rome") + cell("30"),
    ]
    body = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"
    assert parse(body, tmp_path).blocks("table") == [
        "| Region | City | Limit |\n| --- | --- | --- |\n| North | Oslo | 10 |\n"
        "| North | Bergen | 20 |\n| North | Both | Both |\n| South | Rome | 30 |"
    ]


def test_two_header_rows_and_a_title_row(tmp_path: Path) -> None:
    head = "<w:trPr><w:tblHeader/></w:trPr>"
    rows = [
        head + cell("Prices", '<w:gridSpan w:val="3"/>'),
        head
        + cell("2024", '<w:gridSpan w:val="2"/>')
        + cell("Note", '<w:vMerge w:val="restart"/>'),
        head + cell("H1") + cell("H2") + cell("", "<w:vMerge/>"),
        cell("5") + cell("6") + cell("seven"),
    ]
    body = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"
    assert parse(body, tmp_path).text == (
        "Prices\n\n| 2024 / H1 | 2024 / H2 | Note |\n| --- | --- | --- |\n| 5 | 6 | seven |"
    )


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


UP, DOWN = '<w:vertAlign w:val="superscript"/>', '<w:vertAlign w:val="subscript"/>'


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        (run("10") + run("6", UP) + run(" units"), "10^6 units"),
        (run("10") + run("-3", UP), "10^-3"),
        (run("(a+b)") + run("n+1", UP), "(a+b)^(n+1)"),
        (run("12 m") + run("2", UP), "12 m²"),
        (run("the 1") + run("st", UP) + run(" of May"), "the 1st of May"),
        (run("Acme") + run("TM", UP), "AcmeTM"),
        (run("H") + run("2", DOWN) + run("O"), "H₂O"),
        (run("V") + run("max", DOWN), "V_max"),
    ],
)
def test_raised_and_lowered_text(tmp_path: Path, runs: str, text: str) -> None:
    assert parse(f"<w:p>{runs}</w:p>", tmp_path).text == text


def math(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


def part(name: str, inner: str) -> str:
    return f"<m:{name}>{inner}</m:{name}>"


@pytest.mark.parametrize(
    ("equation", "text"),
    [
        (math("Q=") + part("f", part("num", math("V")) + part("den", math("t"))), "Q=V/t"),
        (
            part("f", part("num", math("a+b")) + part("den", math("2c") + math("-1"))),
            "(a+b)/(2c-1)",
        ),
        (
            math("E=m") + part("sSup", part("e", math("c")) + part("sup", math("2"))),
            "E=mc^2",
        ),
        (
            part("sSubSup", part("e", math("x")) + part("sub", math("i")) + part("sup", math("2"))),
            "x_i^2",
        ),
        (part("rad", part("deg", "") + part("e", math("x+1"))), "√(x+1)"),
        (
            part(
                "nary",
                '<m:naryPr><m:chr m:val="∑"/></m:naryPr>'
                + part("sub", math("i=1")) + part("sup", math("n")) + part("e", math("i")),
            ),
            "∑_(i=1)^n i",
        ),
        (part("d", part("e", math("x")) + part("e", math("y"))), "(x|y)"),
        (
            part("m", part("mr", part("e", math("1")) + part("e", math("0")))
                 + part("mr", part("e", math("0")) + part("e", math("1")))),
            "[1, 0; 0, 1]",
        ),
    ],
)  # fmt: skip
def test_equations(tmp_path: Path, equation: str, text: str) -> None:
    assert parse(f"<w:p><m:oMath {M}>{equation}</m:oMath></w:p>", tmp_path).text == text


def test_hidden_and_deleted_text_is_left_out_and_noted(tmp_path: Path) -> None:
    styles = (
        f'<w:styles {W}><w:style w:type="character" w:styleId="Inner"><w:name w:val="Inner"/>'
        '<w:rPr><w:vanish/></w:rPr></w:style><w:style w:type="paragraph" w:styleId="Sub">'
        '<w:name w:val="Sub"/><w:basedOn w:val="Gone"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="Gone"><w:name w:val="Gone"/><w:rPr><w:vanish/>'
        "</w:rPr></w:style></w:styles>"
    )
    styled, shown = '<w:rStyle w:val="Inner"/>', '<w:vanish w:val="0"/>'
    body = (
        f"<w:p>{run('Shown ')}{run('SECRET1', '<w:vanish/>')}"
        f"{run('SECRET2', styled)}"
        f"{run('kept', shown)}</w:p>"
        f'<w:p><w:pPr><w:pStyle w:val="Sub"/></w:pPr>{run("SECRET3")}</w:p>'
        "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>The fee </w:t></w:r></w:p>"
        f"<w:p><w:del><w:r><w:delText>SECRET4</w:delText></w:r></w:del>{run('is 9 euros.')}</w:p>"
    )
    parsed = parse(body, tmp_path, styles=styles)
    assert parsed.text == "Shown kept\n\nThe fee is 9 euros."
    assert parsed.opened.metadata["note"] == (
        "Hidden text was left out. "
        "Tracked changes were read as if all were accepted: deleted text was left out."
    )


def test_links_keep_their_address(tmp_path: Path) -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("Read ")
    key = document.part.relate_to(
        "https://example.org/guide/AX-77",
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink",
        is_external=True,
    )
    paragraph._p.append(
        parse_xml(
            f'<w:hyperlink {nsdecls("w", "r")} r:id="{key}"><w:r><w:t>the guide</w:t></w:r>'
            "</w:hyperlink>"
        )
    )
    fields = "".join(
        f"<w:r {nsdecls('w')}>{inner}</w:r>\n"
        for inner in (
            '<w:fldChar w:fldCharType="begin"/>',
            '<w:instrText> HYPERLINK "https://example.org/form" </w:instrText>',
            '<w:fldChar w:fldCharType="separate"/>',
            "<w:t>the form</w:t>",
            '<w:fldChar w:fldCharType="end"/>',
        )
    )
    other = document.add_paragraph("Fill in ")
    for element in fields.splitlines():
        other._p.append(parse_xml(element))
    other.add_run(" now.")
    out = io.BytesIO()
    document.save(out)
    parsed = parse_bytes(out.getvalue(), "a.docx", folder=tmp_path)
    assert parsed.text == (
        "Read the guide (https://example.org/guide/AX-77)\n\n"
        "Fill in the form (https://example.org/form) now."
    )


def test_empty_items_count_and_old_fractions_are_read(tmp_path: Path) -> None:
    fields = "".join(
        f"<w:r>{inner}</w:r>"
        for inner in (
            '<w:fldChar w:fldCharType="begin"/>',
            "<w:instrText> EQ \\f(V;t) </w:instrText>",
            '<w:fldChar w:fldCharType="end"/>',
        )
    )
    body = item("one") + item("") + item("three") + f"<w:p>{run('Q=')}{fields}</w:p>"
    parsed = parse(body, tmp_path, numbering=numbering(level(0, "decimal", "%1.")))
    assert parsed.text == "1. one\n3. three\n\nQ=V/t"


def test_charts_are_tables(tmp_path: Path) -> None:
    chart = (
        '<c:chartSpace xmlns:c="urn:c" xmlns:a="urn:a"><c:title><a:t>Sales</a:t></c:title><c:ser>'
        "<c:tx><c:v>2024</c:v></c:tx><c:cat><c:v>East</c:v></c:cat><c:val><c:v>19.2</c:v></c:val>"
        "</c:ser></c:chartSpace>"
    )
    parsed = parse(f"<w:p>{run('Text')}</w:p>", tmp_path, chart=chart)
    assert parsed.text == ("Text\n\nChart: Sales\n\n|  | 2024 |\n| --- | --- |\n| East | 19.2 |")


def test_notes_say_where_they_belong(tmp_path: Path) -> None:
    notes = (
        f'<w:footnotes {W}><w:footnote w:id="7"><w:p>{run("See there")}</w:p></w:footnote>'
        "</w:footnotes>"
    )
    body = f'<w:p>{run("Claim")}<w:r><w:footnoteReference w:id="7"/></w:r>{run(" made.")}</w:p>'
    parsed = parse(body, tmp_path, footnotes=notes)
    assert parsed.text == "Claim [Footnote 1] made.\n\nFootnote 1: See there"


ODT = """<office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:draw="urn:d"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"><office:automatic-styles>
<style:style style:name="Up" style:family="text"><style:text-properties
 style:text-position="super 58%"/></style:style>
<style:style style:name="Gone" style:family="text"><style:text-properties text:display="none"/>
</style:style>
<text:list-style style:name="L1"><text:list-level-style-number text:level="1"
 style:num-format="1" style:num-suffix="." text:start-value="3"/>
<text:list-level-style-number text:level="2" style:num-format="a" style:num-prefix="("
 style:num-suffix=")"/></text:list-style></office:automatic-styles><office:body><office:text>
<text:p>The dose is 10<text:span text:style-name="Up">6</text:span> units.</text:p>
<text:p>Shown<text:span text:style-name="Gone">SECRET</text:span></text:p>
<text:section text:display="none"><text:p>SECRET</text:p></text:section>
<text:p>Read <text:a xlink:href="https://example.org/guide">the guide</text:a>.</text:p>
<text:p>Flow <draw:frame><draw:object xlink:href="./Object 1"/></draw:frame></text:p>
<text:list text:style-name="L1"><text:list-item><text:p>one</text:p><text:list><text:list-item>
<text:p>inner</text:p></text:list-item></text:list></text:list-item><text:list-item>
<text:p>two</text:p></text:list-item></text:list>
<table:table><table:table-row><table:table-cell><text:p>Region</text:p></table:table-cell>
<table:table-cell><text:p>City</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell table:number-rows-spanned="2"><text:p>North</text:p>
</table:table-cell><table:table-cell><text:p>Oslo</text:p></table:table-cell></table:table-row>
<table:table-row><table:covered-table-cell/><table:table-cell><text:p>Bergen</text:p>
</table:table-cell></table:table-row></table:table></office:text></office:body>
</office:document-content>"""

MATHML = """<math xmlns="http://www.w3.org/1998/Math/MathML">
<semantics><mrow><mi>Q</mi><mo>=</mo>
<mfrac><mi>V</mi><mi>t</mi></mfrac></mrow><annotation>Q is V over t</annotation></semantics>
</math>"""


def test_opendocument_text(tmp_path: Path) -> None:
    mimetype = "application/vnd.oasis.opendocument.text"
    members: dict[str, str | bytes] = {
        "mimetype": mimetype, "content.xml": ODT, "Object 1/content.xml": MATHML,
    }  # fmt: skip
    parsed = parse_bytes(build_zip(members, stored=("mimetype",)), "a.odt", folder=tmp_path)
    assert parsed.text == (
        "The dose is 10^6 units.\n\nShown\n\nRead the guide (https://example.org/guide).\n\n"
        "Flow  Q = V/t\n\n3. one\n  (a) inner\n4. two\n\n"
        "| Region | City |\n| --- | --- |\n| North | Oslo |\n| North | Bergen |"
    )
    assert parsed.opened.metadata["note"] == "Hidden text was left out."


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (3, "decimalEnclosedCircle", "③"), (21, "decimalEnclosedCircle", "㉑"),
        (10, "hex", "A"), (10, "russianLower", "к"), (2, "russianUpper", "Б"),
        (7, "thaiCounting", "7"),
    ],
)  # fmt: skip
def test_rarer_kinds_of_numbers(value: int, form: str, text: str) -> None:
    assert number_text(value, form) == text


def test_an_unknown_kind_of_number_is_said(tmp_path: Path) -> None:
    parsed = parse(item("One"), tmp_path, numbering=numbering(level(0, "thaiCounting", "%1.")))
    assert parsed.text.strip() == "1. One"
    assert "(thaiCounting) are shown as plain numbers" in parsed.opened.metadata["note"]


@pytest.mark.parametrize(("state", "text"), [("1", "☒ agreed"), ("0", "☐ agreed")])
def test_check_boxes_of_old_forms(tmp_path: Path, state: str, text: str) -> None:
    body = (
        '<w:p><w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox><w:default w:val="0"/>'
        f'<w:checked w:val="{state}"/></w:checkBox></w:ffData></w:fldChar></w:r>'
        "<w:r><w:instrText> FORMCHECKBOX </w:instrText></w:r>"
        '<w:r><w:fldChar w:fldCharType="end"/></w:r><w:r><w:t> agreed</w:t></w:r></w:p>'
    )
    assert parse(body, tmp_path).text.strip() == text
