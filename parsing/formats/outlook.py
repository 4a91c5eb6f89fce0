"""Outlook messages (MSG): property streams of a compound file."""

from __future__ import annotations

import datetime
import struct
from collections.abc import Iterator

import olefile

from parsing.formats.common import emit_pages
from parsing.formats.mail import header_pieces
from parsing.formats.rtf import strip_rtf
from parsing.mail.attachments import MAX_DEPTH, AttachmentReader
from parsing.mail.body import choose_body, text_pieces
from parsing.mail.compressed_rtf import decompress_rtf
from parsing.ole import open_ole, read_stream
from parsing.source import Source
from parsing.text import Piece, clean_text, decode_text, paginate, squeeze
from parsing.types import Opened, ParsedPage

_SUBJECT, _BODY, _HTML, _RTF = "0037", "1000", "1013", "1009"
_SENDER_NAME, _SENDER_ADDRESS, _SENDER_SMTP = "0C1A", "0C1F", "5D01"
_TO, _CC = "0E04", "0E03"
_TRANSPORT_HEADERS, _LONG_NAME, _SHORT_NAME, _DATA = "007D", "3707", "3704", "3701"
_SENT, _RECEIVED = 0x0039, 0x0E06
_EPOCH = datetime.datetime(1601, 1, 1, tzinfo=datetime.UTC)


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """The message, then what is attached to it."""
    ole = open_ole(source)
    reader = AttachmentReader(source)
    message = _Message(ole, "")
    pages = message.read(reader, first=1, depth=source.depth)
    if reader.note:
        source.add_note(reader.note)
    headers = message.headers
    metadata = {key.lower(): value for key, value in headers.items() if key != "Subject"}
    yield from emit_pages(source, pages, title=headers["Subject"], metadata=metadata)


class _Message:
    """One message: the file's own, or one in a folder of it, attached as it was."""

    def __init__(self, ole: olefile.OleFileIO, folder: str) -> None:
        self._ole, self._folder = ole, folder
        self.headers = self._read_headers()

    def read(self, reader: AttachmentReader, *, first: int, depth: int) -> list[ParsedPage]:
        """Pages of the message and of its attachments."""
        subject = self.headers["Subject"]
        folders = self._list_attachments()
        names = [self._attachment_name(folder) for folder in folders]
        pieces = [*header_pieces(self.headers), *self._body_pieces()]
        if any(names):
            listed = ", ".join(name for name in names if name)
            pieces.append(Piece("paragraph", f"Attachments: {listed}"))
        pages = paginate(pieces, first=first, label=subject)
        for folder, name in zip(folders, names, strict=True):
            place = first + len(pages)
            inner = f"{folder}__substg1.0_{_DATA}000D/"
            if not self._ole.exists(f"{inner}__properties_version1.0"):
                data = read_stream(self._ole, f"{folder}__substg1.0_{_DATA}0102")
                pages += reader.read(data, name=name, media_type="", first=place, depth=depth)
            elif depth >= MAX_DEPTH:
                reader.refuse(name, "mails are nested too deeply")
            else:
                message = _Message(self._ole, inner)
                pages += message.read(reader, first=place, depth=depth + 1)
        return pages

    def _list_attachments(self) -> list[str]:
        """Folders of the attachments of this message, each with a slash at its end."""
        depth = self._folder.count("/")
        folders = {
            entry[depth]
            for entry in self._ole.listdir()
            if len(entry) > depth + 1
            and entry[depth].startswith("__attach_version1.0_")
            and "".join(f"{part}/" for part in entry[:depth]) == self._folder
        }
        return [f"{self._folder}{name}/" for name in sorted(folders)]

    def _read_headers(self) -> dict[str, str]:
        name = self._read_text(_SENDER_NAME)
        address = self._read_text(_SENDER_ADDRESS)
        if "@" not in address:
            address = self._read_text(_SENDER_SMTP) or address
        sender = f"{name} <{address}>" if name and "@" in address and name != address else name
        date = ""
        for line in self._read_text(_TRANSPORT_HEADERS).splitlines():
            if line.lower().startswith("date:"):
                date = line[5:].strip()
        return {
            "Subject": squeeze(self._read_text(_SUBJECT)),
            "From": squeeze(sender or address),
            "To": squeeze(self._read_text(_TO)),
            "Cc": squeeze(self._read_text(_CC)),
            "Date": squeeze(date or self._read_date()),
        }

    def _read_date(self) -> str:
        """When the message was sent, or else received, from its properties."""
        data = read_stream(self._ole, f"{self._folder}__properties_version1.0")
        times: dict[int, int] = {}
        for at in range(24 if self._folder else 32, len(data) - 15, 16):
            kind, key, _, value = struct.unpack_from("<HHIQ", data, at)
            if kind == 0x40 and key in {_SENT, _RECEIVED}:
                times[key] = value
        value = times.get(_SENT) or times.get(_RECEIVED) or 0
        if not 0 < value < 2**62:
            return ""
        moment = _EPOCH + datetime.timedelta(microseconds=value // 10)
        return moment.strftime("%a, %d %b %Y %H:%M:%S +0000")

    def _body_pieces(self) -> list[Piece]:
        plain = text_pieces(self._read_text(_BODY), is_html=False)
        html = read_stream(self._ole, f"{self._folder}__substg1.0_{_HTML}0102")
        page = html or self._read_text(_HTML)
        if plain or page:
            return choose_body(plain, text_pieces(page, is_html=True) if page else [])
        rtf = decompress_rtf(read_stream(self._ole, f"{self._folder}__substg1.0_{_RTF}0102"))
        return text_pieces(strip_rtf(rtf.decode("latin-1")), is_html=False) if rtf else []

    def _attachment_name(self, folder: str) -> str:
        for key in (_LONG_NAME, _SHORT_NAME, "3001"):
            name = squeeze(self._read_text(key, folder=folder))
            if name:
                return name[:200]
        return ""

    def _read_text(self, key: str, *, folder: str = "") -> str:
        """A text property, kept as UTF-16 (001F) or in an 8-bit charset (001E)."""
        base = folder or self._folder
        wide = read_stream(self._ole, f"{base}__substg1.0_{key}001F")
        if wide:
            return clean_text(wide.decode("utf-16-le", "replace"))
        return decode_text(read_stream(self._ole, f"{base}__substg1.0_{key}001E").rstrip(b"\x00"))
