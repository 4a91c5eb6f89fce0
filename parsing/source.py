"""The file being parsed, as the format readers see it."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from parsing.types import Limits, Opened, ParsedPage


def _go_on() -> None:
    """Where nobody else is to be waited for."""


@dataclass(slots=True)
class Source:
    """One open file with what is known of it. Readers only ever read from `file`.

    `await_turn` is called before a page's text is recognised, and returns when no other document
    is at that: it takes much memory for a moment.
    """

    file: BinaryIO
    size: int
    filename: str
    format: str
    media_type: str
    charset: str
    limits: Limits
    first_page: int = 1
    ocr: bool = True
    await_turn: Callable[[], None] = _go_on
    metadata: dict[str, str] = field(default_factory=dict)

    def read(self) -> bytes:
        """All bytes of the file."""
        self.file.seek(0)
        return self.file.read()

    def map(self) -> ctypes.Array[ctypes.c_ubyte]:
        """The file as one buffer for readers in C: a private mapping that copies when written."""
        mapped = mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_COPY)
        return (ctypes.c_ubyte * len(mapped)).from_buffer(mapped)


Reader = Callable[[Source], Iterator[Opened | ParsedPage]]
