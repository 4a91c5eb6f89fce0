"""Rich Text Format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from striprtf.striprtf import rtf_to_text

from parsing.formats.common import emit
from parsing.source import Source
from parsing.text import Piece, format_table
from parsing.types import Opened, ParsedPage

_CONTROLS = r"((?:\\[a-z]+-?\d* ?|[\r\n])*)"
_PLAIN = r"((?:[^{}\\]|\\'[0-9a-fA-F]{2}|\\u-?\d+ ?\??)*)"
_HIDDEN = re.compile(r"\\(?:v|deleted)(?![a-z0-9])" + _CONTROLS + " ?" + _PLAIN)
_SUPER = re.compile(r"\\super(?![a-z0-9])" + _CONTROLS + r" ?([-+\u2212]?\d+)(?=[\\{}\r\n])")
_SUB = re.compile(r"\\sub(?![a-z0-9])" + _CONTROLS + r" ?(\d+)(?=[\\{}\r\n])")
_LINK = re.compile(r'(\S)\("([^"\s]+)"\)')
_TITLE = re.compile(r"\{\\title\s+([^{}\\]{1,300})\}")


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of an RTF file. RTF is ASCII; other characters are escaped in it."""
    raw = source.read().decode("latin-1")
    text = strip_rtf(raw)
    title = _TITLE.search(raw)
    hidden = any(match.group(2).strip() for match in _HIDDEN.finditer(raw))
    note = "Hidden or deleted text was left out." if hidden else ""
    yield from emit(
        source, _split(text), title=title.group(1) if title else "", metadata={"note": note}
    )


def strip_rtf(raw: str) -> str:
    """Text of RTF given as Latin-1 characters.

    Hidden and deleted text is left out; raised and lowered numbers, the numbers of lists and the
    addresses of links are kept.
    """
    raw = _HIDDEN.sub(lambda match: match.group(1), raw)
    raw = _SUPER.sub(r"\\super\1\\'5e\2", raw)
    raw = _SUB.sub(lambda match: f"\\sub{match[1]}{_lowered_digits(match[2])}", raw)
    raw = raw.replace("{\\pntext", "{\\listtext")
    convert: Callable[..., Any] = rtf_to_text
    return _LINK.sub(r"\1 (\2)", str(convert(raw, errors="replace")))


def _lowered_digits(digits: str) -> str:
    return "".join(f"\\u{0x2080 + int(digit)}?" for digit in digits)


def _split(text: str) -> Iterator[Piece]:
    """Paragraphs, and tables, which arrive as lines of cells with a bar after each."""
    table: list[list[str]] = []
    for line in text.split("\n"):
        if "|" in line and line.rstrip().endswith("|"):
            table.append(line.rstrip().removesuffix("|").split("|"))
            continue
        yield from format_table(table)
        table = []
        if line.strip():
            yield Piece("paragraph", line)
    yield from format_table(table)
