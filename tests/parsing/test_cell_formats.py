"""Number formats of spreadsheets; the right values are what Excel shows, dates in ISO order."""

from __future__ import annotations

import pytest

from parsing.office.cell_formats import format_number, format_text, general, is_date_format


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (0.0575, "0.00%", "5.75%"),
        (0.653035934239, "0%", "65%"),
        (0.25, "0.0 %", "25.0 %"),
        (56701.0309278, '"$"#,##0.00', "$56,701.03"),
        (1234.5, "[$€-407] #,##0.00", "€ 1,234.50"),
        (1234.5, "#,##0.00 [$€-407]", "1,234.50 €"),
        (1234.5, "[$-409]#,##0.0", "1,234.5"),
        (12.5, '#,##0.00\\ "zł"', "12.50 zł"),
        (-1234.5, "#,##0.00_);[Red](#,##0.00)", "(1,234.50)"),
        (-3, "0", "-3"),
        (-0.001, "0.00", "0.00"),
        (-42, "0;-0;0", "-42"),
        (0, '_(* #,##0.00_);_(* \\(#,##0.00\\);_(* "-"??_);_(@_)', "-"),
        (7, "00000", "00007"),
        (5551234567, "(000) 000-0000", "(555) 123-4567"),
        (123456789, "000-00-0000", "123-45-6789"),
        (1234567, "#,##0", "1,234,567"),
        (1234567, "#,##0,", "1,235"),
        (1234567, '0.0,,"M"', "1.2M"),
        (1.005, "0.00", "1.01"),
        (0.5, "#.##", ".5"),
        (12.5, 'General" kg"', "12.5 kg"),
        (3, "0\\ \\k\\g", "3 kg"),
        (1.25, "# ?/?", "1 1/4"),
        (0.5, "# ??/??", "1/2"),
        (2.375, "# ?/8", "2 3/8"),
        (12345, "0.00E+00", "1.23E+04"),
        (0.000123, "0.00E+00", "1.23E-04"),
        (9.999, "0.0E+0", "1.0E+1"),
        (12345, "##0.0E+0", "12.3E+3"),
        (3, '[>=100]"big";[<10]"small";0', "small"),
        (1_500_000, '[>=1000000]0.0,,"M";[>=1000]0.0,"K";0', "1.5M"),
        (0, '"Yes";"Yes";"No"', "No"),
        (5, ";;;", ""),
    ],
)
def test_numbers(value: float, code: str, shown: str) -> None:
    assert format_number(value, code) == shown


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (45356, "dd/mm/yyyy", "2024-03-05"),
        (45356, "[$-F800]dddd, mmmm dd, yyyy", "2024-03-05"),
        (45356, 'yyyy"年"m"月"d"日"', "2024-03-05"),
        (45356, "mmm-yy", "Mar 2024"),
        (45356, "mm/yyyy", "2024-03"),
        (45356, "yyyy", "2024"),
        (45356, "dddd", "Tuesday"),
        (45356.60416666666, "yyyy-mm-dd hh:mm", "2024-03-05 14:30"),
        (45356.75, "d.m.yy h:mm AM/PM", "2024-03-05 18:00"),
        (0.375, "hh:mm", "09:00"),
        (0.375, "h:mm:ss", "09:00:00"),
        (0.9999999, "h:mm", "00:00"),
        (1.5, "[h]:mm", "36:00"),
        (-0.5, "[h]:mm", "-12:00"),
        (1.5, "[mm]:ss", "2160:00"),
        (150 / 86400, "mm:ss", "02:30"),
        (2.5 / 86400, "mm:ss.0", "00:02.5"),
        (1, "yyyy-mm-dd", "1900-01-01"),
        (60, "yyyy-mm-dd", "1900-02-29"),
        (61, "yyyy-mm-dd", "1900-03-01"),
    ],
)
def test_dates_and_durations(value: float, code: str, shown: str) -> None:
    assert format_number(value, code) == shown


def test_dates_counted_from_1904() -> None:
    assert format_number(0, "yyyy-mm-dd", is_1904=True) == "1904-01-01"


@pytest.mark.parametrize(
    ("value", "raw", "shown"),
    [
        (4012345678901234.0, "4012345678901234", "4012345678901234"),
        (1.2345678901234568e19, "12345678901234567890", "12345678901234567890"),
        (12.0, "12.0", "12"),
        (0.1 + 0.2, "", "0.3"),
        (1e-7, "", "0.0000001"),
        (1e25, "", "1E+25"),
    ],
)
def test_numbers_without_a_format(value: float, raw: str, shown: str) -> None:
    assert general(value, raw=raw) == shown


def test_text_sections() -> None:
    assert format_text("Meier", '0;0;0;"Dr. "@') == "Dr. Meier"
    assert format_text("kept", "0.00") == "kept"
    assert format_text("unseen", ";;;") == ""


def test_what_is_a_date() -> None:
    assert is_date_format("d-mmm")
    assert is_date_format("[h]:mm")
    assert not is_date_format('0 "days"')
    assert not is_date_format("0.00E+00")
    assert not is_date_format("[Red]#,##0")
