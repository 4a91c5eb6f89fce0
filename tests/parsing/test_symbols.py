"""Characters of symbol fonts in Word and PowerPoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsing.office.symbol_fonts import symbol_text
from tests.parsing.builders import build_docx, parse_bytes


def sym(code: str, font: str = "Symbol") -> str:
    return f'<w:r><w:sym w:font="{font}" w:char="{code}"/></w:r>'


def written(text: str, font: str) -> str:
    fonts = f'<w:rFonts w:ascii="{font}" w:hAnsi="{font}"/>'
    return f"<w:r><w:rPr>{fonts}</w:rPr><w:t>{text}</w:t></w:r>"


@pytest.mark.parametrize(
    ("run", "text"),
    [
        (sym("F0B1"), "±"), (sym("F0B3"), "≥"), (sym("F06D"), "μ"), (sym("F0A3"), "≤"),
        (sym("F0B0"), "°"), (sym("F0B4"), "×"), (sym("F0AE"), "→"), (sym("00B3"), "≥"),
        (sym("F0FE", "Wingdings"), "☑"), (sym("F0FD", "Wingdings"), "☒"),
        (sym("F0A8", "Wingdings"), "☐"), (sym("2265", "Arial"), "≥"),
        (written("m", "Symbol"), "μ"), (written("\uf0a3", "Symbol"), "≤"),
        (written("m", "Arial"), "m"),
    ],
)  # fmt: skip
def test_symbols_of_word(tmp_path: Path, run: str, text: str) -> None:
    body = f"<w:p><w:r><w:t>a</w:t></w:r>{run}<w:r><w:t>b</w:t></w:r></w:p>"
    parsed = parse_bytes(build_docx(body), "a.docx", folder=tmp_path)
    assert parsed.text.strip() == f"a{text}b"
    assert "note" not in parsed.opened.metadata or not parsed.opened.metadata["note"]


@pytest.mark.parametrize(
    "run", [sym("F0F0"), sym("F023", "Marlett"), sym("F05B", "Wingdings"), sym("0007", "Arial")]
)
def test_a_symbol_that_is_not_known_is_never_another_one(tmp_path: Path, run: str) -> None:
    parsed = parse_bytes(build_docx(f"<w:p>{run}</w:p>"), "a.docx", folder=tmp_path)
    assert parsed.text.strip() == "\ufffd"
    assert "1 character of a symbol font could not be told" in parsed.opened.metadata["note"]


def test_the_symbol_encoding_has_its_characters_in_place() -> None:
    assert symbol_text("abgDW^~", "Symbol") == "αβγΔΩ⊥∼"
    assert symbol_text("\xa5\xb9\xc6\xd6\xe5\xf2\xfe", "symbol") == "∞≠∅√∑∫⎭"
    assert symbol_text("\x81\x8b\x95", "Wingdings") == "①⓿❿"
