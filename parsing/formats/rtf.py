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

_TITLE = re.compile(r"\{\\title\s+([^{}\\]{1,300})\}")


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of an RTF file. RTF is ASCII; other characters are escaped in it."""
    raw = source.read().decode("latin-1")
    text = strip_rtf(raw)
    title = _TITLE.search(raw)
    yield from emit(source, _split(text), title=title.group(1) if title else "")


def strip_rtf(raw: str) -> str:
    """Text of RTF given as Latin-1 characters."""
    convert: Callable[..., Any] = rtf_to_text
    return str(convert(raw, errors="replace"))


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
