"""Outlook messages (MSG): property streams of a compound file."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import PurePath

import olefile

from parsing.formats.common import emit_pages
from parsing.formats.mail import header_pieces, text_pieces
from parsing.formats.rtf import strip_rtf
from parsing.ole import open_ole, read_stream
from parsing.source import Source
from parsing.text import Piece, clean_text, paginate, squeeze
from parsing.types import Opened, ParsedPage

_SUBJECT, _BODY, _HTML, _RTF = "0037", "1000", "1013", "1009"
_SENDER_NAME, _SENDER_ADDRESS, _TO, _CC = "0C1A", "0C1F", "0E04", "0E03"
_TRANSPORT_HEADERS, _LONG_NAME, _SHORT_NAME, _DATA = "007D", "3707", "3704", "3701"
_TEXT_SUFFIXES = frozenset((".txt", ".md", ".csv", ".log", ".json", ".xml", ".ics", ".html"))
_RTF_START = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    b"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    b"\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
MAX_ATTACHMENTS = 500


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """The message, then its text attachments."""
    ole = open_ole(source)
    headers = _read_headers(ole)
    subject = headers["Subject"]
    folders = sorted(
        {entry[0] for entry in ole.listdir() if entry[0].startswith("__attach_version1.0_")}
    )[:MAX_ATTACHMENTS]
    names = [_attachment_name(ole, folder) for folder in folders]
    pieces = [*header_pieces(headers), *_body_pieces(ole)]
    if any(names):
        listed = ", ".join(name for name in names if name)
        pieces.append(Piece("paragraph", f"Attachments: {listed}"))
    pages = paginate(pieces, label=subject)
    for folder, name in zip(folders, names, strict=True):
        suffix = PurePath(name.lower()).suffix
        if suffix in _TEXT_SUFFIXES:
            data = read_stream(ole, f"{folder}/__substg1.0_{_DATA}0102")
            found = text_pieces(data, is_html=suffix == ".html")
            pages += paginate(found, first=len(pages) + 1, label=f"Attachment {name}")
    metadata = {key.lower(): value for key, value in headers.items() if key != "Subject"}
    yield from emit_pages(source, pages, title=subject, metadata=metadata)


def _read_headers(ole: olefile.OleFileIO) -> dict[str, str]:
    name, address = _read_text(ole, _SENDER_NAME), _read_text(ole, _SENDER_ADDRESS)
    sender = f"{name} <{address}>" if name and "@" in address and name != address else name
    date = ""
    for line in _read_text(ole, _TRANSPORT_HEADERS).splitlines():
        if line.lower().startswith("date:"):
            date = line[5:].strip()
    return {
        "Subject": squeeze(_read_text(ole, _SUBJECT)),
        "From": squeeze(sender or address),
        "To": squeeze(_read_text(ole, _TO)),
        "Cc": squeeze(_read_text(ole, _CC)),
        "Date": squeeze(date),
    }


def _body_pieces(ole: olefile.OleFileIO) -> list[Piece]:
    body = _read_text(ole, _BODY)
    if body.strip():
        return text_pieces(body, is_html=False)
    html = read_stream(ole, f"__substg1.0_{_HTML}0102")
    if html:
        return text_pieces(html, is_html=True)
    page = _read_text(ole, _HTML)
    if page.strip():
        return text_pieces(page, is_html=True)
    rtf = decompress_rtf(read_stream(ole, f"__substg1.0_{_RTF}0102"))
    if not rtf:
        return []
    return text_pieces(strip_rtf(rtf.decode("latin-1")), is_html=False)


def _attachment_name(ole: olefile.OleFileIO, folder: str) -> str:
    for key in (_LONG_NAME, _SHORT_NAME, "3001"):
        name = squeeze(_read_text(ole, key, folder=folder))
        if name:
            return name[:200]
    return ""


def _read_text(ole: olefile.OleFileIO, key: str, *, folder: str = "") -> str:
    """A text property, kept as UTF-16 (001F) or in an 8-bit charset (001E)."""
    base = f"{folder}/" if folder else ""
    wide = read_stream(ole, f"{base}__substg1.0_{key}001F")
    if wide:
        return clean_text(wide.decode("utf-16-le", "replace"))
    narrow = read_stream(ole, f"{base}__substg1.0_{key}001E")
    try:
        return clean_text(narrow.decode("utf-8"))
    except UnicodeDecodeError:
        return clean_text(narrow.decode("cp1252", "replace"))


def decompress_rtf(data: bytes) -> bytes:
    """RTF body of a message: LZ-compressed as in MS-OXRTFCP, or stored as it is."""
    if len(data) < 16:
        return b""
    _, raw_size, kind, _ = struct.unpack_from("<IIII", data)
    if kind == 0x414C454D:
        return data[16 : 16 + raw_size]
    if kind != 0x75465A4C:
        return b""
    window = bytearray(_RTF_START.ljust(4096, b"\x00"))
    write, at = len(_RTF_START), 16
    out = bytearray()
    while at < len(data) and len(out) < raw_size:
        control = data[at]
        at += 1
        for bit in range(8):
            if at >= len(data) or len(out) >= raw_size:
                break
            if not control & (1 << bit):
                chunk = data[at : at + 1]
                at += 1
            else:
                token = int.from_bytes(data[at : at + 2], "big")
                at += 2
                offset, length = token >> 4, (token & 0xF) + 2
                if offset == write % 4096:
                    return bytes(out)
                chunk = b""
                for step in range(length):
                    byte = window[(offset + step) % 4096]
                    window[write % 4096] = byte
                    write += 1
                    out.append(byte)
                continue
            window[write % 4096] = chunk[0]
            write += 1
            out += chunk
    return bytes(out)
