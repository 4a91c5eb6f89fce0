"""What XLS workbooks (BIFF8) say besides values: formats, errors, hidden parts, notes, links."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from parsing.office.cell_formats import BUILTIN, format_number

_BOF, _EOF, _BOUNDSHEET, _FORMAT, _XF, _DATEMODE = 0x809, 0x0A, 0x85, 0x41E, 0xE0, 0x22
_ROW, _COLINFO, _NUMBER, _RK, _MULRK, _FORMULA = 0x208, 0x7D, 0x203, 0x27E, 0xBD, 0x06
_STRING = 0x207
_BOOLERR, _NOTE, _OBJ, _TXO, _CONTINUE, _HLINK = 0x205, 0x1C, 0x5D, 0x1B6, 0x3C, 0x1B8
_BIFF8 = 0x0600
_ERRORS = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?",
    0x24: "#NUM!", 0x2A: "#N/A",
}  # fmt: skip
_UNSOLVED = "[formula without a stored result]"
_URL_MONIKER = bytes.fromhex("e0c9ea79f9bace118c8200aa004ba90b")


@dataclass(slots=True)
class BinarySheet:
    """Rows and columns are counted from 0. `texts` are numbers and errors as they are shown;
    `unsolved` are formulas without a stored result, with what stands for them; `empty` those whose
    stored result is an empty text.
    """

    texts: dict[tuple[int, int], str] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    comments: dict[tuple[int, int], str] = field(default_factory=dict)
    links: dict[tuple[int, int], str] = field(default_factory=dict)
    unsolved: dict[tuple[int, int], str] = field(default_factory=dict)
    empty: dict[tuple[int, int], str] = field(default_factory=dict)
    _last: tuple[int, int] = (-1, -1)
    _is_calculated: bool = False


@dataclass(slots=True)
class _Globals:
    formats: dict[int, str] = field(default_factory=lambda: dict(BUILTIN))
    styles: list[int] = field(default_factory=list)
    sheets: list[int] = field(default_factory=list)
    is_1904: bool = False

    def show(self, value: float, style: int) -> str:
        number = self.styles[style] if style < len(self.styles) else 0
        code = self.formats.get(number, "General")
        return format_number(value, code, is_1904=self.is_1904)


def read_binary_sheets(stream: bytes) -> list[BinarySheet] | None:
    """One for each sheet, in order; None for what is no BIFF8 or is damaged."""
    try:
        kind, _, version = struct.unpack_from("<HHH", stream)
        if (kind, version) != (_BOF, _BIFF8):
            return None
        book = _read_globals(stream)
        return [_read_sheet(stream, start, book) for start in book.sheets]
    except (struct.error, IndexError, UnicodeDecodeError):
        return None


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Kind and body of the records of one part, up to its end; charts inside it are passed over."""
    depth = 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        body = stream[at + 4 : at + 4 + size]
        at += 4 + size
        depth += (kind == _BOF) - (kind == _EOF)
        if depth == 1:
            yield kind, body
        if depth <= 0:
            return


def _read_globals(stream: bytes) -> _Globals:
    book = _Globals()
    for kind, body in _records(stream, 0):
        if kind == _BOUNDSHEET:
            book.sheets.append(struct.unpack_from("<I", body)[0])
        elif kind == _FORMAT:
            number, length, flags = struct.unpack_from("<HHB", body)
            book.formats[number] = _characters(body[5:], length, flags)
        elif kind == _XF:
            book.styles.append(struct.unpack_from("<H", body, 2)[0])
        elif kind == _DATEMODE:
            book.is_1904 = struct.unpack_from("<H", body)[0] == 1
    return book


def _characters(data: bytes, length: int, flags: int) -> str:
    if flags & 1:
        return data[: 2 * length].decode("utf-16-le", "replace")
    return data[:length].decode("latin-1")


def _read_sheet(stream: bytes, start: int, book: _Globals) -> BinarySheet:
    sheet = BinarySheet()
    notes: dict[int, tuple[int, int]] = {}
    texts: dict[int, str] = {}
    number, length = 0, 0
    for kind, body in _records(stream, start):
        if kind in _READERS:
            _READERS[kind](sheet, body, book)
        elif kind == _OBJ and len(body) >= 8:
            number = struct.unpack_from("<H", body, 6)[0]
        elif kind == _TXO and len(body) >= 12:
            length = struct.unpack_from("<H", body, 10)[0]
        elif kind == _CONTINUE and length and body:
            texts[number], length = _characters(body[1:], length, body[0]), 0
        elif kind == _NOTE:
            row, column, _, key = struct.unpack_from("<HHHH", body)
            notes[key] = (row, column)
    links = {place: text for place, text in sheet.empty.items() if place in sheet.links}
    # A sheet in which no formula has a result was written by a program that does not calculate.
    sheet.unsolved |= links if sheet._is_calculated else sheet.empty
    sheet.empty = {} if not sheet._is_calculated else sheet.empty
    sheet.comments = {place: texts[key] for key, place in notes.items() if key in texts}
    return sheet


def _read_row(sheet: BinarySheet, body: bytes, _: _Globals) -> None:
    row, flags = struct.unpack_from("<H", body)[0], struct.unpack_from("<I", body, 12)[0]
    if flags & 0x20:
        sheet.hidden_rows.add(row)


def _read_columns(sheet: BinarySheet, body: bytes, _: _Globals) -> None:
    first, last, width, _style, flags = struct.unpack_from("<HHHHH", body)
    if flags & 1 or not width:
        sheet.hidden_columns.append((first, last))


def _read_number(sheet: BinarySheet, body: bytes, book: _Globals) -> None:
    row, column, style, value = struct.unpack_from("<HHHd", body)
    sheet.texts[(row, column)] = book.show(value, style)


def _read_rk(sheet: BinarySheet, body: bytes, book: _Globals) -> None:
    row, column, style, value = struct.unpack_from("<HHHI", body)
    sheet.texts[(row, column)] = book.show(_rk_value(value), style)


def _read_many(sheet: BinarySheet, body: bytes, book: _Globals) -> None:
    row, first = struct.unpack_from("<HH", body)
    for at in range((len(body) - 6) // 6):
        style, value = struct.unpack_from("<HI", body, 4 + 6 * at)
        sheet.texts[(row, first + at)] = book.show(_rk_value(value), style)


def _rk_value(packed: int) -> float:
    """A number in 30 bits: an integer or the upper half of a float, perhaps times a hundred."""
    if packed & 2:
        value = float((packed >> 2) - (1 << 30 if packed & 0x80000000 else 0))
    else:
        value = float(struct.unpack("<d", b"\x00" * 4 + struct.pack("<I", packed & 0xFFFFFFFC))[0])
    return value / 100 if packed & 1 else value


def _read_formula(sheet: BinarySheet, body: bytes, book: _Globals) -> None:
    row, column, style = struct.unpack_from("<HHH", body)
    sheet._last = (row, column)
    strings = _hyperlink(body[22:])
    if strings:
        sheet.links[(row, column)] = strings[0]
    sheet._is_calculated |= body[12:14] != b"\xff\xff" or body[6] in {1, 2}
    if body[12:14] != b"\xff\xff":
        value = struct.unpack_from("<d", body, 6)[0]
        sheet.texts[(row, column)] = book.show(value, style)
    elif body[6] == 2:
        sheet.texts[(row, column)] = _ERRORS.get(body[8], "#ERROR")
    elif body[6] == 3:
        sheet.empty[(row, column)] = strings[-1] if strings else _UNSOLVED
    elif body[6] == 0:  # a text, which follows in a record of its own unless it was never made
        sheet.unsolved[(row, column)] = strings[-1] if strings else _UNSOLVED


def _read_string(sheet: BinarySheet, _body: bytes, _: _Globals) -> None:
    sheet.unsolved.pop(sheet._last, None)
    sheet._is_calculated = True


def _hyperlink(tokens: bytes) -> list[str]:
    """Address and label of a HYPERLINK formula that has them as plain strings; else nothing."""
    strings: list[str] = []
    at = 0
    while at + 3 <= len(tokens) and tokens[at] == 0x17 and len(strings) < 2:
        length, flags = tokens[at + 1], tokens[at + 2]
        size = length * (2 if flags & 1 else 1)
        strings.append(_characters(tokens[at + 3 : at + 3 + size], length, flags))
        at += 3 + size
    call = tokens[at : at + 4]
    is_link = len(call) == 4 and call[0] in {0x22, 0x42, 0x62} and call[2:] == b"\x67\x01"
    return strings if is_link else []


def _read_error(sheet: BinarySheet, body: bytes, _: _Globals) -> None:
    row, column, _style, value, is_error = struct.unpack_from("<HHHBB", body)
    if is_error:
        sheet.texts[(row, column)] = _ERRORS.get(value, "#ERROR")


def _read_link(sheet: BinarySheet, body: bytes, _: _Globals) -> None:
    row, _last, column = struct.unpack_from("<HHH", body)
    at = body.find(_URL_MONIKER)
    if at < 0:
        return
    size = struct.unpack_from("<I", body, at + 16)[0]
    address = body[at + 20 : at + 20 + size].decode("utf-16-le", "replace")
    sheet.links[(row, column)] = address.partition("\x00")[0]


_READERS = {
    _ROW: _read_row, _COLINFO: _read_columns, _NUMBER: _read_number, _RK: _read_rk,
    _MULRK: _read_many, _FORMULA: _read_formula, _BOOLERR: _read_error, _HLINK: _read_link,
    _STRING: _read_string,
}  # fmt: skip
