"""Streams of OLE compound files (DOC, PPT, MSG)."""

from __future__ import annotations

import olefile

from parsing.source import Source
from parsing.types import ParseError


def open_ole(source: Source) -> olefile.OleFileIO:
    """The compound file; ParseError if it is damaged."""
    source.file.seek(0)
    try:
        return olefile.OleFileIO(source.file)
    except Exception as error:  # olefile raises whatever its parsing meets
        raise damaged() from error


def read_stream(ole: olefile.OleFileIO, name: str) -> bytes:
    """Bytes of one stream, empty if there is none; ParseError if it is damaged."""
    if not ole.exists(name):
        return b""
    try:
        with ole.openstream(name) as stream:
            return bytes(stream.read())
    except Exception as error:
        raise damaged() from error


def read_properties(ole: olefile.OleFileIO) -> dict[str, str]:
    """Title and author, where the file says them legibly."""
    try:
        metadata = ole.get_metadata()
    except Exception:
        return {}
    encoding = f"cp{metadata.codepage}" if (metadata.codepage or 0) > 0 else "cp1252"
    result: dict[str, str] = {}
    for key in ("title", "author", "subject"):
        value = getattr(metadata, key, None)
        if isinstance(value, bytes) and value:
            try:
                result[key] = value.decode(encoding, "replace")
            except LookupError:
                result[key] = value.decode("cp1252", "replace")
    return result


def damaged() -> ParseError:
    """The reason given for a broken compound file."""
    return ParseError(
        "corrupt",
        "This file is damaged or cut off. Open it in the program that made it, save it again, "
        "and upload that copy.",
    )


def encrypted() -> ParseError:
    """The reason given for a file with a password."""
    return ParseError(
        "encrypted",
        "This file is protected by a password. Remove the password and upload it again.",
    )
