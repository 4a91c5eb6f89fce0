"""TNEF, the winmail.dat that Outlook sends: its text and its attachments (MS-OXTNEF)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from parsing.formats.rtf import strip_rtf
from parsing.mail.compressed_rtf import decompress_rtf
from parsing.text import clean_text, decode_text, squeeze

_SIGNATURE = b"\x78\x9f\x3e\x22"
_BODY, _PROPERTIES = 0x0002800C, 0x00069003
_NEW_ATTACHMENT, _ATTACHMENT_PROPERTIES = 0x00069002, 0x00069005
_ATTACHMENT_TITLE, _ATTACHMENT_DATA = 0x00018010, 0x0006800F
_TEXT, _RTF, _HTML = 0x1000, 0x1009, 0x1013
_LONG_NAME, _SHORT_NAME, _CONTENT = 0x3707, 0x3704, 0x3701
_FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 4, 20: 8, 64: 8, 72: 16}
_TEXT8, _TEXT16, _OBJECT, _BINARY, _MANY = 0x1E, 0x1F, 0x0D, 0x102, 0x1000
_MAX_ITEMS = 20_000


@dataclass(slots=True)
class TnefContent:
    """What a TNEF stream holds. `damage` says so where the stream is cut off."""

    text: str = ""
    html: str = ""
    attachments: list[tuple[str, bytes]] = field(default_factory=list)
    damage: str = ""


def is_tnef(data: bytes) -> bool:
    """Whether the bytes begin as TNEF does."""
    return data.startswith(_SIGNATURE)


def read_tnef(data: bytes) -> TnefContent:
    """Text and attachments of a TNEF stream, as far as it can be read."""
    content = TnefContent()
    rtf = b""
    try:
        for kind, value in _iter_attributes(data):
            if kind == _BODY:
                content.text = content.text or decode_text(value.rstrip(b"\x00"))
            elif kind == _PROPERTIES:
                properties = dict(_iter_properties(value))
                content.text = _read_text(properties, _TEXT) or content.text
                content.html = _read_text(properties, _HTML)
                rtf = properties.get(_RTF, (0, b""))[1]
            elif kind == _NEW_ATTACHMENT:
                content.attachments.append(("", b""))
            elif content.attachments:
                _read_attachment(content, kind, value)
    except (struct.error, IndexError, ValueError):
        content.damage = "it is damaged or cut off"
    if not content.text and not content.html and rtf:
        content.text = strip_rtf(decompress_rtf(rtf).decode("latin-1"))
    return content


def _read_attachment(content: TnefContent, kind: int, value: bytes) -> None:
    """Put what an attribute says of the last attachment into it."""
    name, body = content.attachments[-1]
    if kind == _ATTACHMENT_TITLE:
        name = name or _clean_name(decode_text(value.rstrip(b"\x00")))
    elif kind == _ATTACHMENT_DATA:
        body = value
    elif kind == _ATTACHMENT_PROPERTIES:
        properties = dict(_iter_properties(value))
        long_name = _read_text(properties, _LONG_NAME) or _read_text(properties, _SHORT_NAME)
        name = _clean_name(long_name) or name
        type_, inner = properties.get(_CONTENT, (0, b""))
        if inner and not body:
            body = inner[16:] if type_ == _OBJECT else inner  # an object begins with its GUID
    content.attachments[-1] = (name, body)


def _clean_name(name: str) -> str:
    return squeeze(clean_text(name))[:200]


def _iter_attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(identifier, value) of each attribute; struct.error where the stream is cut off."""
    at = 6
    for _ in range(_MAX_ITEMS):
        if at >= len(data):
            return
        _, kind, size = struct.unpack_from("<BII", data, at)
        at += 9
        if at + size > len(data):
            raise ValueError("cut off")
        yield kind, data[at : at + size]
        at += size + 2  # the checksum
    raise ValueError("too many attributes")


def _iter_properties(data: bytes) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """(identifier, (type, first value)) of each MAPI property."""
    (count,) = struct.unpack_from("<I", data)
    at = 4
    for _ in range(min(count, _MAX_ITEMS)):
        type_, key = struct.unpack_from("<HH", data, at)
        at += 4
        if key >= 0x8000:
            at = _skip_name(data, at)
        values, base = 1, type_ & ~_MANY
        if type_ & _MANY or base in {_TEXT8, _TEXT16, _OBJECT, _BINARY}:
            (values,) = struct.unpack_from("<I", data, at)
            at += 4
        if values > len(data):
            raise ValueError("too many values")
        first = b""
        for number in range(values):
            if base in _FIXED:
                value, size = data[at : at + _FIXED[base]], _FIXED[base]
            else:
                (length,) = struct.unpack_from("<I", data, at)
                value, size = data[at + 4 : at + 4 + length], 4 + length + -length % 4
            at += size
            first = first if number else value
            if at > len(data) + 3:
                raise ValueError("cut off")
        yield key, (base, first)


def _skip_name(data: bytes, at: int) -> int:
    """Past the name of a property that has one instead of a number."""
    kind, length = struct.unpack_from("<II", data, at + 16)
    return at + 24 + (int(length) + -int(length) % 4 if kind else 0)


def _read_text(properties: dict[int, tuple[int, bytes]], key: int) -> str:
    type_, value = properties.get(key, (0, b""))
    if type_ == _TEXT16:
        return value.decode("utf-16-le", "replace").rstrip("\x00")
    return decode_text(value.rstrip(b"\x00")) if value else ""
