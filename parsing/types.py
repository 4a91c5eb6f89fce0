"""What parsing takes and gives: pages of text, blocks and line boxes, limits and errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

BlockKind = Literal["heading", "paragraph", "table", "code", "list"]


@dataclass(frozen=True, slots=True)
class Block:
    """One structural piece of a page. `start` and `end` are offsets into the page's text."""

    kind: BlockKind
    level: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class LineBox:
    """Where characters `start` to `end` of the page's text stand, as fractions of the page.

    The origin is the top left corner of the page as it is shown (after rotation).
    """

    start: int
    end: int
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """One page. `width` and `height` are points (0 where the format has no page size).

    `confidence` is how sure text recognition is of the text, 0 to 100; None where it was not
    recognised but read.
    """

    number: int
    text: str
    label: str = ""
    blocks: tuple[Block, ...] = ()
    boxes: tuple[LineBox, ...] = ()
    width: float = 0.0
    height: float = 0.0
    note: str = ""
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """What is known of a document before its first page. `metadata["note"]` is for the reader."""

    pages_total: int
    title: str
    media_type: str
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one document may cost. Beyond each limit the parse ends with a ParseError."""

    seconds: float = 1800.0
    page_seconds: float = 120.0
    memory_mb: int = 1024
    file_mb: int = 200
    expanded_mb: int = 1024
    archive_entries: int = 20_000
    output_chars: int = 50_000_000
    pages: int = 5_000
    image_pixels: int = 120_000_000
    columns: int = 2_000
    bad_pages: int = 20


class ParseError(Exception):
    """A document that cannot be read. `reason` is a plain sentence for the person who sent it.

    `code` is one of encrypted, empty, corrupt, unsupported, mislabelled, too_large, expansion,
    timeout, memory, no_text, crashed, cancelled.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason

    def __reduce__(self) -> tuple[type[ParseError], tuple[str, str]]:
        return (ParseError, (self.code, self.reason))
