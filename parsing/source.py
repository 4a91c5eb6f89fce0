"""The file being parsed, as the format readers see it."""

from __future__ import annotations

import ctypes
import io
import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from parsing.types import Limits, Opened, ParsedPage


def _go_on() -> None:
    """Take a turn at once: there is nobody to wait for."""


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
    depth: int = 0
    """How many mails this file is attached to, one in the other."""
    await_turn: Callable[[], None] = _go_on
    metadata: dict[str, str] = field(default_factory=dict)

    def add_note(self, note: str) -> None:
        """Add a note for the people who use the document."""
        self.metadata["note"] = f"{self.metadata.get('note', '')} {note}".strip()

    def read(self) -> bytes:
        """All bytes of the file."""
        self.file.seek(0)
        return self.file.read()

    def map(self) -> ctypes.Array[ctypes.c_ubyte]:
        """The file as one buffer for readers in C: a private mapping that copies when written."""
        if isinstance(self.file, io.BytesIO):
            return (ctypes.c_ubyte * self.size).from_buffer_copy(self.file.getbuffer())
        mapped = mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_COPY)
        return (ctypes.c_ubyte * len(mapped)).from_buffer(mapped)


FormatReader = Callable[[Source], Iterator[Opened | ParsedPage]]
