"""ZIP containers (OOXML, ODF, EPUB) opened with limits, so that no archive expands without end."""

from __future__ import annotations

import posixpath
import zipfile
from typing import BinaryIO
from urllib.parse import unquote

from parsing.types import Limits, ParseError

MAX_RATIO = 250
"""Declared expansion of one member beyond which it is taken for a bomb (XML packs about 10-50)."""

RATIO_FLOOR = 50 * 1024 * 1024
"""Members smaller than this when expanded are harmless whatever their ratio."""


class SafeArchive:
    """A ZIP file whose members are read into memory only, never written to a path."""

    def __init__(self, file: BinaryIO, *, limits: Limits) -> None:
        try:
            self._zip = zipfile.ZipFile(file)
            infos = self._zip.infolist()
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise _broken() from error
        _check_limits(infos, limits=limits)
        self._infos = {info.filename: info for info in infos if not info.is_dir()}
        self._left = limits.expanded_mb * 1024 * 1024

    @property
    def names(self) -> list[str]:
        """Names of all members that are files, in archive order."""
        return list(self._infos)

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    def read(self, name: str) -> bytes:
        """Expanded bytes of one member; ParseError if damaged, KeyError if there is none."""
        info = self._infos[name]
        try:
            with self._zip.open(info) as member:
                data = member.read(min(info.file_size, self._left) + 1)
        except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError) as error:
            raise _broken() from error
        except Exception as error:  # zlib.error and lzma errors share no base class
            raise _broken() from error
        self._left -= len(data)
        if self._left <= 0:
            raise _bomb()
        return data

    def read_optional(self, name: str) -> bytes | None:
        """Bytes of a member, or None if the archive has none of that name."""
        return self.read(name) if name in self._infos else None


def resolve_member(base: str, target: str) -> str:
    """The member that `target`, a reference found in member `base`, points to.

    References that climb out of the archive stay inside it: members are only looked up by name.
    """
    target = unquote(target.split("#", 1)[0])
    if target.startswith("/"):
        return posixpath.normpath(target).lstrip("/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), target)).lstrip("/")


def _check_limits(infos: list[zipfile.ZipInfo], *, limits: Limits) -> None:
    if any(info.flag_bits & 0x1 for info in infos):
        raise ParseError(
            "encrypted",
            "This file is protected by a password. Remove the password and upload it again.",
        )
    if len(infos) > limits.archive_entries:
        raise _bomb()
    if sum(info.file_size for info in infos) > limits.expanded_mb * 1024 * 1024:
        raise _bomb()
    for info in infos:
        large = info.file_size > RATIO_FLOOR
        if large and info.file_size > MAX_RATIO * max(info.compress_size, 1):
            raise _bomb()


def _bomb() -> ParseError:
    return ParseError(
        "expansion",
        "This file unpacks to far more data than its size allows for, so it was not opened. "
        "If it is genuine, split it into smaller files.",
    )


def _broken() -> ParseError:
    return ParseError(
        "corrupt",
        "This file is damaged or cut off: its container cannot be unpacked. "
        "Open it in the program that made it, save it again, and upload that copy.",
    )
