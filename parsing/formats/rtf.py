"""Rich Text Format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from striprtf.striprtf import rtf_to_text

from parsing.formats.common import emit
from parsing.inline import mark_lowered, mark_raised, mark_struck, settle
from parsing.source import Source
from parsing.text import Piece, format_table
from parsing.types import Opened, ParsedPage

_CONTROLS = r"((?:\\[a-z]+-?\d* ?|[\r\n])*)"
_PLAIN = r"((?:[^{}\\]|\\'[0-9a-fA-F]{2}|\\u-?\d+ ?\??)*)"
_HIDDEN = re.compile(r"\\(?:v|deleted)(?![a-z0-9])" + _CONTROLS + " ?" + _PLAIN)
_MARKED = re.compile(r"\\(super|sub|strike)(?![a-z0-9])" + _CONTROLS + " ?" + _PLAIN)
_RESET = re.compile(r"\\(?:nosupersub|plain|strike0|super0|sub0)(?![a-z0-9])")
_FIELD = re.compile(r'\{\\\*\\fldinst\s*(?:\\[a-z]+-?\d*\s*)*(HYPERLINK\s+"[^"{}]*"[^{}"]*)\}')
_MARKS = {"super": mark_raised, "sub": mark_lowered, "strike": mark_struck}
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
    raw = _MARKED.sub(_mark, raw)
    raw = _FIELD.sub(r"{\\*\\fldinst{\1}}", raw)
    raw = raw.replace("{\\pntext", "{\\listtext")
    convert: Callable[..., Any] = rtf_to_text
    text = "\n".join(settle(line) for line in str(convert(raw, errors="replace")).split("\n"))
    return _LINK.sub(r"\1 (\2)", text)


def _mark(match: re.Match[str]) -> str:
    """A raised, lowered or struck part between marks, as RTF writes characters by number."""
    word, controls, text = match[1], match[2], match[3]
    if _RESET.search(controls) or not text.strip():
        return match[0]
    opening, closing = (
        "".join(f"\\u{ord(char)}?" for char in part) for part in _MARKS[word]("x").split("x")
    )
    return f"\\{word}{controls} {opening}{text}{closing}"


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
