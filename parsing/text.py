"""Cleaning and decoding of text, and the building of pages out of blocks."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from apps.core.text import storable
from parsing.charsets.detect import detect_charset, normalise_charset
from parsing.types import Block, BlockKind, ParsedPage

PAGE_CHARS = 20_000
"""Formats without pages of their own are cut near this many characters, between blocks."""

MAX_BLOCK_CHARS = 40_000
_JUNK_SAMPLE, _JUNK_SHARE = 65_536, 0.1
_MAX_PADDED_CELLS = 2_000_000

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufeff\ufffe\uffff]")
_LIGATURES = {
    0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st",
    0xFB06: "st", 0xA0: " ", 0x2028: "\n", 0x2029: "\n", 0xAD: "",
}  # fmt: skip


def clean_text(text: str) -> str:
    """Keep what a database and a browser can hold, and unify line ends."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _FORBIDDEN.sub("", storable(text)).translate(_LIGATURES)


def is_junk(text: str) -> bool:
    """Whether a text is what binary data look like when they are read as characters."""
    sample = text[:_JUNK_SAMPLE]
    odd = sum(
        1 for char in sample
        if char == "\ufffd" or "\x7f" <= char <= "\x9f"
        or (char > "\xff" and unicodedata.category(char) in {"Cn", "Cs"})
    )  # fmt: skip
    return odd > max(3, _JUNK_SHARE * len(sample))


def squeeze(text: str) -> str:
    """One line: every run of whitespace becomes one space."""
    return " ".join(text.split())


def decode_text(data: bytes, *, charset: str = "") -> str:
    """Text of `data`, cleaned. Bytes that do not fit the charset become U+FFFD.

    What a sender declares is only taken at its word where the bytes bear it out, or where nothing
    else fits them either.
    """
    name = normalise_charset(charset) or detect_charset(data) or "utf-8"
    if name == "cp1252" and charset and detect_charset(data) == "utf-8":
        name = "utf-8"  # Windows-1252 fits any bytes, and is the usual wrong declaration.
    try:
        return clean_text(data.decode(name))
    except UnicodeDecodeError:
        pass
    other = detect_charset(data) if charset else name
    with contextlib.suppress(UnicodeDecodeError):
        return clean_text(data.decode(other or name))
    return clean_text(data.decode(name, errors="replace"))


@dataclass(frozen=True, slots=True)
class Piece:
    """A block before it has a place: its text, and whether a new page begins with it."""

    kind: BlockKind
    text: str
    level: int = 0
    page_break: bool = False


class PageBuilder:
    """Joins blocks into one page's text and keeps their offsets."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def length(self) -> int:
        """Characters so far."""
        return self._length

    def add(self, kind: BlockKind, text: str, *, level: int = 0) -> None:
        """Append a block, two newlines after the one before; list items join their list."""
        text = clean_text(text).strip("\n")
        if kind not in {"code", "list"}:
            text = text.strip()
        if not text.strip():
            return
        last = self._blocks[-1] if self._blocks else None
        joins = last is not None and kind == "list" and last.kind == "list"
        separator = "" if last is None else "\n" if joins else "\n\n"
        start = self._length + len(separator)
        self._parts += (separator, text)
        self._length = start + len(text)
        if joins and last is not None:
            self._blocks[-1] = replace(last, end=self._length)
        else:
            self._blocks.append(Block(kind=kind, level=level, start=start, end=self._length))

    def build(self, number: int, *, label: str = "", note: str = "") -> ParsedPage:
        """The page, with the text of all blocks added so far."""
        return ParsedPage(
            number=number,
            text="".join(self._parts),
            label=squeeze(clean_text(label))[:200],
            blocks=tuple(self._blocks),
            note=note,
        )


def split_long(piece: Piece) -> Iterator[Piece]:
    """Pieces of at most MAX_BLOCK_CHARS, cut at line ends or spaces where there are any."""
    text = piece.text
    while len(text) > MAX_BLOCK_CHARS:
        cut = max(text.rfind("\n", MAX_BLOCK_CHARS // 2, MAX_BLOCK_CHARS), 0)
        cut = cut or max(text.rfind(" ", MAX_BLOCK_CHARS // 2, MAX_BLOCK_CHARS), 0)
        cut = cut or MAX_BLOCK_CHARS
        yield replace(piece, text=text[:cut])
        text = text[cut:]
        piece = replace(piece, page_break=False)
    yield replace(piece, text=text)


def paginate(
    pieces: Iterable[Piece], *, first: int = 1, label: str = "", page_chars: int = PAGE_CHARS
) -> list[ParsedPage]:
    """Pages out of blocks: a page ends at a page break, or before it grows beyond `page_chars`.

    A heading near the end of a page starts the next one. Without any text the result is empty.
    """
    pages: list[ParsedPage] = []
    builder = PageBuilder()
    for whole in pieces:
        for piece in split_long(whole):
            room = page_chars * (0.85 if piece.kind == "heading" else 1.0)
            full = builder.length + len(piece.text) > room
            if builder.length and (piece.page_break or full):
                pages.append(builder.build(first + len(pages), label=label))
                builder = PageBuilder()
            builder.add(piece.kind, piece.text, level=piece.level)
    if builder.length:
        pages.append(builder.build(first + len(pages), label=label))
    return pages


def cut_lines(text: str, *, min_chars: int, may_cut: Callable[[str, str], bool]) -> Iterator[Piece]:
    """Blocks of code of more than `min_chars`, cut where `may_cut(line, line before)` allows it."""
    lines: list[str] = []
    size = 0
    for line in text.split("\n"):
        if lines and size > min_chars and may_cut(line, lines[-1]):
            yield Piece("code", "\n".join(lines))
            lines, size = [], 0
        lines.append(line)
        size += len(line) + 1
    if lines:
        yield Piece("code", "\n".join(lines))


def format_table(rows: list[list[str]], *, repeat_every: int = 25) -> Iterator[Piece]:
    """Markdown-like tables, each with the header row on top, so that each can stand alone.

    A table has `repeat_every` rows, or more where the header would be most of its text.
    """
    rows = [[_cell(value) for value in row] for row in rows]
    rows = [row for row in rows if any(row)]
    if not rows:
        return
    width = max(len(row) for row in rows)
    pad = width if width * len(rows) <= _MAX_PADDED_CELLS else 0
    top = [_row(rows[0], pad), _row(["---"] * max(pad, len(rows[0])), pad)]
    if len(rows) == 1:
        yield Piece("table", top[0])
        return
    lines: list[str] = []
    size, min_size = 0, len(top[0])
    for row in rows[1:]:
        lines.append(_row(row, pad))
        size += len(lines[-1])
        if len(lines) >= repeat_every and size >= min_size:
            yield Piece("table", "\n".join(top + lines))
            lines, size = [], 0
    if lines:
        yield Piece("table", "\n".join(top + lines))


def _cell(value: str) -> str:
    return squeeze(value).replace("|", "\\|") if value else ""


def _row(cells: list[str], width: int) -> str:
    return "| " + " | ".join(cells + [""] * (width - len(cells))) + " |"
