"""Word 97-2003 documents (DOC): text by the piece table of MS-DOC, without styles."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from parsing.formats.common import emit
from parsing.inline import with_address
from parsing.ole import damaged, encrypted, open_ole, read_properties, read_stream
from parsing.source import Source
from parsing.text import Piece, format_table, is_junk
from parsing.types import Opened, ParsedPage

_ENCRYPTED, _WHICH_TABLE, _COMPRESSED = 0x0100, 0x0200, 0x40000000
_MAGICS = (0xA5EC, 0xA5DC)
_OLDEST_PIECED = 101
_FIELD = re.compile("\x13([^\x13\x14\x15]*)(?:\x14([^\x13\x14\x15]*))?\x15")
_HYPERLINK = re.compile(r'HYPERLINK\s+"([^"]+)"', re.IGNORECASE)
STYLES_NOTE = (
    "This older kind of Word document was read without its styles: automatic numbers, raised "
    "characters and merged cells are not shown, and hidden or deleted text is not told apart. "
    "Save it as DOCX to keep all of this."
)
_CELL, _PAGE = "\x07", "\x0c"


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """Pages of a DOC file, cut at page breaks set by hand."""
    ole = open_ole(source)
    stream = read_stream(ole, "WordDocument")
    if len(stream) < 0x20 or struct.unpack_from("<H", stream)[0] not in _MAGICS:
        raise damaged()
    version, flags = struct.unpack_from("<H", stream, 2)[0], struct.unpack_from("<H", stream, 10)[0]
    if flags & _ENCRYPTED:
        raise encrypted()
    try:
        if version < _OLDEST_PIECED:
            text = _read_contiguous(stream)
        else:
            table = read_stream(ole, "1Table" if flags & _WHICH_TABLE else "0Table")
            text = _read_pieces(stream, table)
    except (struct.error, IndexError) as error:
        raise damaged() from error
    if is_junk(text):
        raise damaged()
    metadata = {**read_properties(ole), "note": STYLES_NOTE}
    yield from emit(source, _split(text), title=metadata.get("title", ""), metadata=metadata)


def _read_contiguous(stream: bytes) -> str:
    """Word 6 and 95 keep their text in one run."""
    start, end = struct.unpack_from("<II", stream, 0x18)
    return stream[start:end].decode("cp1252", "replace")


def _read_pieces(stream: bytes, table: bytes) -> str:
    """All of the text: body, notes, headers, comments and text boxes follow one another."""
    offset, size = struct.unpack_from("<II", stream, 0x01A2)
    clx = table[offset : offset + size]
    at = 0
    while at < len(clx) and clx[at] == 1:
        at += 3 + struct.unpack_from("<H", clx, at + 1)[0]
    if at >= len(clx) or clx[at] != 2:
        raise damaged()
    length = struct.unpack_from("<I", clx, at + 1)[0]
    plc = clx[at + 5 : at + 5 + length]
    count = (len(plc) - 4) // 12
    positions = struct.unpack_from(f"<{count + 1}I", plc)
    parts: list[str] = []
    for index in range(count):
        place = struct.unpack_from("<I", plc, 4 * (count + 1) + 8 * index + 2)[0]
        chars = positions[index + 1] - positions[index]
        if place & _COMPRESSED:
            start = (place & ~_COMPRESSED) // 2
            parts.append(stream[start : start + chars].decode("cp1252", "replace"))
        else:
            parts.append(stream[place : place + 2 * chars].decode("utf-16-le", "replace"))
    return "".join(parts)


def _split(text: str) -> Iterator[Piece]:
    """Paragraphs end with a return, table cells with a bell, rows with an empty cell."""
    text = _drop_fields(text).translate({0x0B: "\n", 0x1E: "-", 0x1F: "", 1: "", 8: "", 5: ""})
    rows: list[list[str]] = []
    row: list[str] = []
    breaks = False
    for part in re.findall("[^\r\x07\x0c]*[\r\x07\x0c]|[^\r\x07\x0c]+$", text):
        body, end = part.rstrip("\r\x07\x0c"), part[-1]
        if end == _CELL:
            if body.strip() or not row:
                row.append(body)
            else:
                rows.append(row)
                row = []
            continue
        if row:
            # A cell of several paragraphs: its parts before the last end with a return.
            row.append(body)
            continue
        yield from format_table(rows)
        rows = []
        if body.strip():
            yield Piece("paragraph", body, page_break=breaks)
            breaks = False
        breaks = breaks or end == _PAGE
    yield from format_table([*rows, row])


def _drop_fields(text: str) -> str:
    """Keep what a field shows, drop the instruction that made it; fields may be nested."""
    for _ in range(20):
        shorter = _FIELD.sub(_shown, text)
        if shorter == text:
            break
        text = shorter
    return re.sub("[\x13-\x15]", "", text)


def _shown(field: re.Match[str]) -> str:
    """What a field shows; a link with its address."""
    link = _HYPERLINK.search(field.group(1))
    shown = field.group(2) or ""
    return with_address(shown, link.group(1)) if link else shown
