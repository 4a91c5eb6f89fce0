"""Page text built line by line, each line with its place on the page."""

from __future__ import annotations

import re
from collections.abc import Callable

from parsing.types import Block, BlockKind, LineBox, ParsedPage

_HYPHENATED = re.compile(r"([^\W\d_]+)[-\u2010]$")

_MAX_WORD = 60

Box = tuple[float, float, float, float]


def round_box(start: int, end: int, box: Box) -> LineBox:
    """A LineBox inside the page; four decimals are a tenth of a point on the largest paper."""
    x0, y0, x1, y1 = (min(1.0, max(0.0, round(value, 4))) for value in box)
    return LineBox(start, end, x0, y0, x1, y1)


class BoxedBuilder:
    """Appends lines to blocks; offsets of blocks and boxes always fit the text."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._boxes: list[LineBox] = []
        self._open: tuple[BlockKind, int, int] | None = None

    @property
    def length(self) -> int:
        """Characters so far."""
        return self._length

    def start_block(self, kind: BlockKind, *, level: int = 0) -> None:
        """End the open block, if any, and begin another."""
        self.end_block()
        if self._length:
            self._append("\n\n")
        self._open = (kind, level, self._length)

    def end_block(self) -> None:
        """End the open block."""
        if self._open is not None:
            kind, level, start = self._open
            if self._length > start:
                self._blocks.append(Block(kind=kind, level=level, start=start, end=self._length))
            self._open = None

    def add_line(self, text: str, box: Box | None, *, separator: str) -> None:
        """Append a line to the open block, after `separator` unless it is the block's first."""
        if not text:
            return
        if self._open is not None and self._length > self._open[2]:
            self._append(separator)
        start = self._length
        self._append(text)
        if box is not None:
            self._boxes.append(round_box(start, self._length, box))

    def drop_hyphen(self) -> None:
        """Take back the hyphen the text ends with; the next line goes on in the same word."""
        last = self._parts[-1]
        self._parts[-1] = last[:-1]
        self._length -= 1
        if self._boxes and self._boxes[-1].end > self._length:
            box = self._boxes[-1]
            self._boxes[-1] = LineBox(box.start, self._length, box.x0, box.y0, box.x1, box.y1)

    def move_boxes(self, move: Callable[[Box], Box]) -> None:
        """Put every line so far to another place."""
        self._boxes = [
            round_box(box.start, box.end, move((box.x0, box.y0, box.x1, box.y1)))
            for box in self._boxes
        ]

    def build(
        self,
        number: int,
        *,
        label: str,
        width: float,
        height: float,
        note: str = "",
        confidence: float | None = None,
    ) -> ParsedPage:
        """The finished page."""
        self.end_block()
        return ParsedPage(
            number=number,
            text="".join(self._parts),
            label=label,
            blocks=tuple(self._blocks),
            boxes=tuple(box for box in self._boxes if box.end > box.start),
            width=width,
            height=height,
            note=note,
            confidence=confidence,
        )

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)


def joins_hyphenated(before: str, after: str, *, compounds: frozenset[str]) -> bool:
    """Whether the hyphen at the end of `before` only marks a word broken over two lines.

    `compounds` are words the page spells with a hyphen elsewhere, in lower case.
    """
    if before[-1:] not in {"-", "\u2010"}:
        return False
    head = _HYPHENATED.search(before[-_MAX_WORD:])
    tail = re.match(r"[^\W\d_]+", after)
    if not head or not tail or not after[0].islower():
        return False
    return f"{head.group(1)}-{tail.group(0)}".lower() not in compounds


def find_compounds(lines: list[str]) -> frozenset[str]:
    """Words with a hyphen inside a line, in lower case."""
    compounds: set[str] = set()
    words = (word for line in lines if "-" in line for word in line.split())
    for word in words:
        if "-" in word[1:-1] and len(word) < _MAX_WORD:
            compounds.update(part.lower() for part in re.findall(r"[^\W\d_]+-[^\W\d_]+", word))
    return frozenset(compounds)
