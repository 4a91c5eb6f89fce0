"""Raised and lowered text as it is written out in a line, in all formats that have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parsing.builders import build_docx, parse_bytes


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("10<sup>-</sup><sup>3</sup>", "10^-3"),
        ("10<sup>-</sup><b><sup>1</sup></b><sup>2</sup> m", "10^-12 m"),
        ("x<sub>ma</sub><sub>x</sub>", "x_max"),
        ("10 <sup>6</sup> units", "10^6 units"),
        ("10<sup> 6</sup> units", "10^6 units"),
        ("2<sup>a</sup> and 10<sup>e</sup> and 3<sup>o</sup>", "2^a and 10^e and 3^o"),
        ("1<sup>er</sup> 1<sup>st</sup> 2<sup>nd</sup> 11<sup>th</sup>", "1er 1st 2nd 11th"),
        ("11<sup>st</sup>, 3<sup>er</sup>", "11^st, 3^er"),
        ("1<sup>º</sup> y 2<sup>ª</sup>", "1º y 2ª"),
        ("x<sup>∞</sup> A<sup>*</sup> A<sup>C</sup> A<sup>R</sup>", "x^∞ A^* A^C A^R"),
        ("A<sup>†</sup> Acme<sup>TM</sup> Acme<sup>®</sup> x<sup>′</sup>", "A† AcmeTM Acme® x′"),
        ("1<sup>1</sup>/<sub>2</sub> in", "1 1/2 in"),
        ("1 <sup>3</sup>⁄<sub>4</sub> in", "1 3/4 in"),
        ("<sup>1</sup>/<sub>2</sub> cup", "1/2 cup"),
        ("x<sup>y<sup>z</sup></sup>", "x^(y^z)"),
        ("x<sub>1</sub><sup>2</sup>", "x₁^2"),
        ("in 110 <sup>6</sup>", "in 110 6"),
        ("seen<sup>[4]</sup> <sup>14</sup>C", "seen[4] 14C"),
    ],
)
def test_scripts_of_web_pages(tmp_path: Path, page: str, text: str) -> None:
    parsed = parse_bytes(f"<html><p>{page}</p></html>".encode(), "a.html", folder=tmp_path)
    assert parsed.text.strip() == text


def test_an_exponent_in_two_runs_of_word(tmp_path: Path) -> None:
    up = '<w:rPr><w:vertAlign w:val="superscript"/></w:rPr>'
    runs = f"<w:r><w:t>10</w:t></w:r><w:r>{up}<w:t>-</w:t></w:r><w:r>{up}<w:t>3</w:t></w:r>"
    parsed = parse_bytes(build_docx(f"<w:p>{runs}</w:p>"), "a.docx", folder=tmp_path)
    assert parsed.text.strip() == "10^-3"


def test_an_exponent_in_two_runs_of_rtf(tmp_path: Path) -> None:
    data = rb"{\rtf1\ansi 10{\super -}{\super 3} and 10{\super 6} and x{\super n}\par}"
    assert parse_bytes(data, "a.rtf", folder=tmp_path).text.strip() == "10^-3 and 10^6 and x^n"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ('10<span style="vertical-align: super; font-size: 70%">6</span>', "10^6"),
        ('H<span style="vertical-align:sub">2</span>O', "H₂O"),
        ('10<span class="up">6</span> and 10<font class="up">7</font>', "10^6 and 10^7"),
        ('10<span style="position:relative; top:-0.5em">6</span>', "10^6"),
        ('10<b style="vertical-align: 5px">6</b>', "10^6"),
        ('10<b style="vertical-align: 0">6</b>', "106"),
        (
            "Price <s>12</s> 9, <del>not</del> new",
            "Price (struck out: 12) 9, (struck out: not) new",
        ),
        ('<span style="text-decoration: line-through">gone</span>', "(struck out: gone)"),
    ],
)
def test_marks_by_style(tmp_path: Path, page: str, text: str) -> None:
    whole = f"<html><style>.up {{ vertical-align: super }}</style><p>{page}</p></html>"
    assert parse_bytes(whole.encode(), "a.html", folder=tmp_path).text.strip() == text


def test_struck_text_and_addresses_of_rtf(tmp_path: Path) -> None:
    data = (
        rb'{\rtf1\ansi {\field{\*\fldinst HYPERLINK "https://example.org/rtf"}'
        rb"{\fldrslt the guide}} {\strike old}{\strike  price} now\par}"
    )
    text = parse_bytes(data, "a.rtf", folder=tmp_path).text.strip()
    assert text == "the guide (https://example.org/rtf) (struck out: old price) now"


def test_struck_text_of_word(tmp_path: Path) -> None:
    body = "<w:p><w:r><w:rPr><w:strike/></w:rPr><w:t>30 days</w:t></w:r></w:p>"
    parsed = parse_bytes(build_docx(body), "a.docx", folder=tmp_path)
    assert parsed.text.strip() == "(struck out: 30 days)"
