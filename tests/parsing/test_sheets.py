"""Workbooks as they are shown: formats, comments, merged cells, hidden parts, headers."""

from __future__ import annotations

import datetime
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from openpyxl.comments import Comment

from parsing.types import ParseError
from tests.parsing.builders import Parsed, build_zip, parse_bytes


def parse(book: Any, folder: Path) -> Parsed:
    out = io.BytesIO()
    book.save(out)
    return parse_bytes(out.getvalue(), "a.xlsx", folder=folder)


def fill(sheet: Any, *rows: tuple[object, ...]) -> None:
    for row in rows:
        sheet.append(list(row))


def test_blank_cells_keep_their_column_far_from_other_cells(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    fill(book.active, ("Sensor", "Limit", "Unit"), ("P-200", None, "bar"), ("F-300", 12, "l/min"))
    book.active["XFD1048000"] = "stray"
    parsed = parse(book, tmp_path)
    assert "| P-200 |  | bar |" in parsed.text
    assert "stray" in parsed.text


def test_cells_are_shown_with_their_format(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    rows: list[tuple[str, object, str]] = [
        ("Rate", 0.0575, "0.00%"),
        ("Rent", 56701.0309278, '"$"#,##0.00'),
        ("Code", 7, "00000"),
        ("Overtime", datetime.timedelta(hours=36), "[h]:mm"),
        ("Serial", 4012345678901234, "General"),
        ("Kickoff", datetime.date(2024, 3, 5), "dd/mm/yyyy"),
        ("Flag", True, "General"),
        ("Ratio", "#DIV/0!", "General"),
    ]
    fill(book.active, ("Item", "Value"), *((name, value) for name, value, _ in rows))
    for at, (_, _, code) in enumerate(rows, start=2):
        book.active.cell(at, 2).number_format = code
    book.active["B7"].comment = Comment("Moved because of snow", "Ann")
    parsed = parse(book, tmp_path)
    assert parsed.blocks("table") == [
        "| Item | Value |\n| --- | --- |\n| Rate | 5.75% |\n| Rent | $56,701.03 |\n"
        "| Code | 00007 |\n| Overtime | 36:00 |\n| Serial | 4012345678901234 |\n"
        "| Kickoff | 2024-03-05 [Comment by Ann: Moved because of snow] |\n"
        "| Flag | TRUE |\n| Ratio | #DIV/0! |"
    ]


def test_formulas_without_results_are_shown(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    fill(book.active, ("Part", "Total"), ("Bolt", "=2*4"), ("Sum", "=SUM(B2:B2)"))
    parsed = parse(book, tmp_path)
    assert "| Bolt | =2*4 |" in parsed.text
    assert "| Sum | =SUM(B2:B2) |" in parsed.text
    assert parsed.pages[0].note == (
        "2 formulas without a stored result are shown as the formula itself."
    )


def test_the_nought_that_a_library_stores_is_no_result(tmp_path: Path) -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet("Calc")
    sheet.write_row(0, 0, ["Part", "Total"])
    sheet.write_row(1, 0, ["Bolt"])
    sheet.write_formula(1, 1, "=2*4")
    sheet.write_row(2, 0, ["Nut"])
    sheet.write_formula(2, 1, "=3*5", None, 15)
    book.close()
    parsed = parse_bytes(out.getvalue(), "a.xlsx", folder=tmp_path)
    assert "| Bolt | =2*4 |" in parsed.text
    assert "| Nut | 15 |" in parsed.text


def test_hidden_sheets_rows_and_columns_are_left_out(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    fill(
        book.active,
        ("Name", "Price", "Cost"),
        ("Valve", 10, 7.77),
        ("Retired", 8, 6.66),
        ("Pump", 20, 15.55),
    )
    book.active.row_dimensions[3].hidden = True
    book.active.column_dimensions["C"].hidden = True
    for name, state in (("Scratch", "hidden"), ("Deep", "veryHidden")):
        sheet = book.create_sheet(name)
        sheet["A1"] = "SECRET"
        sheet.sheet_state = state
    parsed = parse(book, tmp_path)
    assert parsed.blocks("table") == [
        "| Name | Price |\n| --- | --- |\n| Valve | 10 |\n| Pump | 20 |"
    ]
    assert "SECRET" not in parsed.text
    assert parsed.pages[0].note == "1 hidden row and 1 hidden column were left out."
    assert parsed.opened.metadata["note"] == "2 hidden sheets were left out: Scratch, Deep."


def test_a_workbook_with_only_hidden_content_says_so(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Secret")
    sheet["A1"] = "x"
    sheet.sheet_state = "hidden"
    with pytest.raises(ParseError) as caught:
        parse(book, tmp_path)
    assert caught.value.code == "empty"
    assert "Secret" in caught.value.reason


def test_merged_cells_repeat_their_label(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    fill(
        book.active,
        ("Region", "City", "Limit"),
        ("North", "Oslo", 10),
        (None, "Bergen", 20),
        ("South", "Rome", 30),
    )
    book.active.merge_cells("A2:A3")
    assert "| North | Bergen | 20 |" in parse(book, tmp_path).text


def test_title_unit_and_notes_stand_outside_the_table(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Budget"
    fill(
        book.active,
        ("Annual budget",),
        ("Unit:", "kEUR"),
        ("Region", "Plan", "Actual", "Delta"),
        ("North", 10, 12, 2),
        ("South", 20, 18, -2),
        ("Source: the controlling department, March 2024",),
    )
    book.active.merge_cells("A1:D1")
    parsed = parse(book, tmp_path)
    assert parsed.pages[0].text == (
        "Budget\n\nAnnual budget\n\nUnit: kEUR\n\n"
        "| Region | Plan | Actual | Delta |\n| --- | --- | --- | --- |\n"
        "| North | 10 | 12 | 2 |\n| South | 20 | 18 | -2 |\n\n"
        "Source: the controlling department, March 2024"
    )


@pytest.mark.parametrize("merged", [True, False])
def test_two_header_rows_become_one(tmp_path: Path, merged: bool) -> None:
    book = openpyxl.Workbook()
    fill(
        book.active,
        (None, 2023, None, 2024, None),
        ("Region", "Q1", "Q2", "Q1", "Q2"),
        ("North", 1, 2, 3, 4),
        ("South", 5, 6, 7, 8),
    )
    if merged:
        book.active.merge_cells("B1:C1")
        book.active.merge_cells("D1:E1")
    assert parse(book, tmp_path).blocks("table") == [
        "| Region | 2023 / Q1 | 2023 / Q2 | 2024 / Q1 | 2024 / Q2 |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| North | 1 | 2 | 3 | 4 |\n| South | 5 | 6 | 7 | 8 |"
    ]


def test_a_line_of_units_belongs_to_the_header(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    fill(
        book.active, ("Part", "Weight", "Price"), (None, "kg", "EUR"), ("Bolt", 2, 3), ("Nut", 1, 1)
    )
    assert parse(book, tmp_path).text.startswith("| Part | Weight / kg | Price / EUR |\n| ---")


def test_rows_after_an_empty_row_keep_their_header(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    fill(book.active, ("City", "Sales"), ("Graz", 1), ("Wels", 2), (), ("Linz", 3), ("Enns", 4))
    assert parse(book, tmp_path).blocks("table")[1] == (
        "| City | Sales |\n| --- | --- |\n| Linz | 3 |\n| Enns | 4 |"
    )


def test_a_table_without_a_header_gets_column_letters(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    fill(book.active, ("Graz", 1), ("Wels", 2), ("Linz", 3))
    assert parse(book, tmp_path).text.startswith("| A | B |\n| --- | --- |\n| Graz | 1 |")


def test_numbers_may_name_columns(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    fill(book.active, ("Hour", 1, 2, 3), ("Bus", 5, 5, 9), ("Tram", 7, 1, 2))
    assert parse(book, tmp_path).text.startswith("| Hour | 1 | 2 | 3 |\n| --- |")


def test_links_keep_their_address(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    fill(book.active, ("Doc", "Where"), ("Guide", "here"), ("Form", "there"))
    book.active["B2"].hyperlink = "https://example.org/guide/AX-77"
    book.active["B2"].value = "here"
    book.active["B3"] = '=HYPERLINK("https://example.org/form", "the form")'
    parsed = parse(book, tmp_path)
    assert "| Guide | here (https://example.org/guide/AX-77) |" in parsed.text
    assert "| Form | the form (https://example.org/form) |" in parsed.text


def test_raised_characters_in_a_cell(tmp_path: Path) -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet("S")
    up, down = book.add_format({"font_script": 1}), book.add_format({"font_script": 2})
    sheet.write_row(0, 0, ["Dose", "What"])
    sheet.write_rich_string(1, 0, "10", up, "6", " units")
    sheet.write_rich_string(1, 1, "H", down, "2", "O")
    book.close()
    parsed = parse_bytes(out.getvalue(), "a.xlsx", folder=tmp_path)
    assert "| 10^6 units | H₂O |" in parsed.text


ODS = """<office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"><office:automatic-styles>
<style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/>
</style:style></office:automatic-styles><office:body><office:spreadsheet>
<table:table table:name="Rates"><table:table-column table:number-columns-repeated="3"/>
<table:table-column table:visibility="collapse"/>
<table:table-row><table:table-cell><text:p>Region</text:p></table:table-cell>
<table:table-cell><text:p>Item</text:p></table:table-cell>
<table:table-cell><text:p>Value</text:p></table:table-cell>
<table:table-cell><text:p>HIDDENCOST</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell table:number-rows-spanned="2"><text:p>North</text:p>
</table:table-cell><table:table-cell><text:p>Rate</text:p></table:table-cell>
<table:table-cell office:value-type="percentage" office:value="0.0575"><text:p>5.75%</text:p>
<office:annotation><dc:creator>Ann</dc:creator><dc:date>2024-01-01</dc:date>
<text:p>check</text:p></office:annotation></table:table-cell></table:table-row>
<table:table-row><table:covered-table-cell/><table:table-cell><text:p>
<text:a xlink:href="https://example.org/fee">Fee</text:a></text:p></table:table-cell>
<table:table-cell office:value-type="percentage" office:value="0.5"/></table:table-row>
<table:table-row table:visibility="filter"><table:table-cell><text:p>HIDDENROW</text:p>
</table:table-cell></table:table-row>
<table:table-row table:number-rows-repeated="1000000"><table:table-cell/></table:table-row>
</table:table><table:table table:name="Draft" table:style-name="ta2"><table:table-row>
<table:table-cell><text:p>SECRET</text:p></table:table-cell></table:table-row></table:table>
</office:spreadsheet></office:body></office:document-content>"""


def test_ods(tmp_path: Path) -> None:
    mimetype = "application/vnd.oasis.opendocument.spreadsheet"
    data = build_zip({"mimetype": mimetype, "content.xml": ODS}, stored=("mimetype",))
    parsed = parse_bytes(data, "a.ods", folder=tmp_path)
    assert parsed.blocks("table") == [
        "| Region | Item | Value |\n| --- | --- | --- |\n"
        "| North | Rate | 5.75% [Comment by Ann: check] |\n"
        "| North | Fee (https://example.org/fee) | 50% |"
    ]
    for absent in ("SECRET", "HIDDENROW", "HIDDENCOST"):
        assert absent not in parsed.text
    assert parsed.pages[0].note == "1 hidden row and 1 hidden column were left out."
    assert parsed.opened.metadata["note"] == "1 hidden sheet was left out: Draft."


def test_a_lone_far_row_keeps_its_columns(tmp_path: Path) -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet()
    for row, texts in (
        (0, ("Sensor", "Limit", "Unit")),
        (1, ("P2", "4", "C")),
        (900, ("T", "", "u")),
    ):
        for column, text in enumerate(texts):
            if text:
                sheet.write(row, column, text)
    book.close()
    parsed = parse_bytes(out.getvalue(), "a.xlsx", folder=tmp_path)
    assert parsed.blocks("table")[-1] == (
        "| Sensor | Limit | Unit |\n| --- | --- | --- |\n| T |  | u |"
    )


def test_white_and_struck_cells(tmp_path: Path) -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet()
    white = book.add_format({"font_color": "#FFFFFF"})
    header = book.add_format({"font_color": "#FFFFFF", "bg_color": "#1F4E79"})
    struck = book.add_format({"font_strikeout": True})
    sheet.write_row(0, 0, ["Item", "Price"], header)
    sheet.write_row(1, 0, ["Bolt", "4 EUR"])
    sheet.write(1, 2, "SECRET", white)
    sheet.write(2, 0, "Nut")
    sheet.write(2, 1, "5 EUR", struck)
    book.close()
    parsed = parse_bytes(out.getvalue(), "a.xlsx", folder=tmp_path)
    assert parsed.blocks("table") == [
        "| Item | Price |\n| --- | --- |\n| Bolt | 4 EUR |\n| Nut | (struck out: 5 EUR) |"
    ]
    assert parsed.pages[0].note == "1 cell with white text on white was left out."


def test_cells_too_small_to_be_seen(tmp_path: Path) -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet()
    tiny, small = book.add_format({"font_size": 1}), book.add_format({"font_size": 6})
    sheet.write_row(0, 0, ["Part", "Mass"])
    sheet.write_row(1, 0, ["Axle", "12 kg"])
    sheet.write(1, 2, "SECRET", tiny)
    sheet.write_row(2, 0, ["Hub", "3 kg"], small)
    book.close()
    parsed = parse_bytes(out.getvalue(), "a.xlsx", folder=tmp_path)
    assert parsed.blocks("table") == [
        "| Part | Mass |\n| --- | --- |\n| Axle | 12 kg |\n| Hub | 3 kg |"
    ]
    assert parsed.pages[0].note == "1 cell with text too small to be seen was left out."
