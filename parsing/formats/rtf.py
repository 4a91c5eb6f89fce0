"""Rich Text Format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from striprtf.striprtf import rtf_to_text

from parsing.formats.common import emit
from parsing.grid import Grid, grid_pieces
from parsing.inline import join_notes, settle
from parsing.office.rtf_text import ACROSS, BAR, DOWN, RtfRewriter
from parsing.office.symbol_fonts import unknown_note
from parsing.source import Source
from parsing.text import Piece, squeeze
from parsing.types import Opened, ParsedPage

_FIELD = re.compile(r'\{\\\*\\fldinst\s*(?:\\[a-z]+-?\d*\s*)*(HYPERLINK\s+"[^"{}]*"[^{}"]*)\}')
_LINK = re.compile(r'(\S)\("([^"\s]+)"\)')
_TITLE = re.compile(r"\{\\title\s+([^{}\\]{1,300})\}")


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of an RTF file. RTF is ASCII; other characters are escaped in it."""
    raw = source.read().decode("latin-1")
    rewriter = RtfRewriter()
    text = _convert(raw, rewriter)
    title = _TITLE.search(raw)
    note = join_notes(
        "Hidden or deleted text was left out." if rewriter.hidden else "",
        "Text that is white on white, or too small to be seen, was left out."
        if rewriter.unseen
        else "",
        unknown_note(rewriter.unknown),
    )
    yield from emit(
        source, _split(text), title=title.group(1) if title else "", metadata={"note": note}
    )


def strip_rtf(raw: str) -> str:
    """Text of RTF given as Latin-1 characters.

    Hidden and deleted text is left out; raised and lowered numbers, the numbers of lists and the
    addresses of links are kept.
    """
    text = _convert(raw, RtfRewriter())
    return text.translate({ord(DOWN): "", ord(ACROSS): "", ord(BAR): "|"})


def _convert(raw: str, rewriter: RtfRewriter) -> str:
    raw = _FIELD.sub(r"{\\*\\fldinst{\1}}", raw.replace("{\\pntext", "{\\listtext"))
    convert: Callable[..., Any] = rtf_to_text
    text = str(convert(rewriter.rewrite(raw), errors="replace"))
    return _LINK.sub(r"\1 (\2)", "\n".join(settle(line) for line in text.split("\n")))


def _split(text: str) -> Iterator[Piece]:
    """Paragraphs, and tables, which arrive as lines of cells with a bar after each."""
    grid = Grid([])
    for line in text.split("\n"):
        if "|" in line and line.rstrip().endswith("|"):
            _add_row(grid, line.rstrip().removesuffix("|").split("|"))
            continue
        yield from grid_pieces(grid)
        grid = Grid([])
        if line.strip():
            yield Piece("paragraph", line.replace(BAR, "|"))
    yield from grid_pieces(grid)


def _add_row(grid: Grid, cells: list[str]) -> None:
    """A row; a cell that goes on from above or from the left repeats that one."""
    y = len(grid.rows)
    row: list[str] = []
    for x, cell in enumerate(cells):
        text = squeeze(cell.translate({ord(DOWN): "", ord(ACROSS): "", ord(BAR): "|"}))
        if DOWN in cell and not text and y and x < len(grid.rows[-1]):
            grid.down.add((y, x))
            text = grid.rows[-1][x]
        elif ACROSS in cell and not text and row:
            grid.across.add((y, x))
            text = row[-1]
        row.append(text)
    grid.rows.append(row)
