"""Equations as lines of text that can be read in one way only."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsing.formulas import fraction, power, root
from tests.parsing.builders import parse_bytes


@pytest.mark.parametrize(
    ("top", "bottom", "text"),
    [
        ("a+b", "2c", "(a+b)/(2c)"), ("V", "2t", "V/(2t)"), ("1", "2π", "1/(2π)"),
        ("V", "t", "V/t"), ("1", "12.5", "1/12.5"), ("1", "2(a+b)", "1/(2(a+b))"),
        ("1", "ab", "1/(ab)"), ("1", "(a+b)", "1/(a+b)"), ("profit", "revenue", "profit/revenue"),
        ("2t", "3", "2t/3"),
    ],
)  # fmt: skip
def test_fractions(top: str, bottom: str, text: str) -> None:
    assert fraction(top, bottom) == text


def test_powers_and_roots() -> None:
    assert [power("e", up) for up in ("2t", "-x", "2", "n+1", "∞")] == [
        "e^(2t)", "e^-x", "e^2", "e^(n+1)", "e^∞",
    ]  # fmt: skip
    assert [root("8", "3"), root("x"), root("x", "2"), root("x+1", "n")] == [
        "root(3, 8)", "√(x)", "√(x)", "root(n, x+1)",
    ]  # fmt: skip


def test_mathml(tmp_path: Path) -> None:
    page = (
        "<html><p><math><mfrac><mn>1</mn><mrow><mn>2</mn><mi>π</mi></mrow></mfrac></math>, "
        "<math><mroot><mn>8</mn><mn>3</mn></mroot></math>, "
        "<math><munderover><mo>∑</mo><mn>1</mn><mi>n</mi></munderover><mi>i</mi></math></p></html>"
    )
    text = parse_bytes(page.encode(), "a.html", folder=tmp_path).text.strip()
    assert text == "1/(2π), root(3, 8), ∑_1^n i"
