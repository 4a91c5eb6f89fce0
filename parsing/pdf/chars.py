"""Segments of text on a PDF page, with their places, from PDFium's characters."""

from __future__ import annotations

import bisect
import ctypes
import math
import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pypdfium2.raw as pdfium

from parsing.inline import lowered, raised
from parsing.pdf.geometry import SLANTED, Affine, Box, to_frame
from parsing.text import clean_text

MAX_CHARS = 400_000
"""Characters taken from one page; more is a drawing made of letters, not a text."""

_GAP_EMS, _SPACE_EMS = 1.6, 0.12
_HYPHENS = frozenset({2, 0xFFFE})
_FOOTNOTE_MARKS = frozenset("∗⋆★†‡§¶,; ")
_SHOWN, _UNSEEN, _OUTSIDE = range(3)
_MARKED = re.compile("\u0020([\u064b-\u0652\u0670]+)([\u0621-\u064a])")
_ALEFS = "\u0627\u0623\u0625\u0622"


@dataclass(slots=True)
class Segment:
    """Text without a large gap in it.

    Places are points from the top left of the frame it runs in: the shown page, turned by `turn`.
    `glyphs` are pairs of an offset into the text and a box, kept where links ask for them.
    `cells` are the rows of a ruled table that the segment stands for, `has_header` says that the
    first is a header. `is_field` says that it holds the value of a form field, and so a line of its
    own.
    """

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool = False
    line: int = 0
    vertical: bool = False
    turn: int = 0
    glyphs: list[tuple[int, Box]] = field(default_factory=list)
    cells: list[list[list[Segment]]] | None = None
    has_header: bool = False
    is_field: bool = False


@dataclass(slots=True)
class PageText:
    """What the text layer of a page shows, and what it holds beside: unseen, or off the page.

    `notes` say what else of the page was left out.
    """

    segments: list[Segment] = field(default_factory=list)
    hidden: list[Segment] = field(default_factory=list)
    outside: list[Segment] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def put_marks_after_letters(text: str) -> str:
    """Arabic with its vowel marks behind the letters they belong to.

    PDFium gives a mark where it is drawn: before its letter, and apart from the one before that.
    """
    return _MARKED.sub(r"\2\1", text)


class _Collector:
    """Characters of the segment in the making. Boxes are in the frame that its text runs in."""

    def __init__(self) -> None:
        self.chars: list[str] = []
        self.boxes: list[Box] = []
        self.places: list[int] = []
        self.indices: list[int] = []
        self.first = -1
        self.space = False
        self.rtl = False
        self.turn = 0
        self.layer = _SHOWN
        self.ended = False

    def add(self, char: str, box: Box, index: int) -> None:
        """Append a character; `places` says where each glyph stands among the characters."""
        if self.space and self.chars:
            self.chars.append(" ")
        self.space = False
        self.rtl = self.rtl or "\u0590" <= char <= "\u08ff" or "\ufb1d" <= char <= "\ufefc"
        if self.first < 0:
            self.first = index
        same_glyph = bool(self.boxes) and self.boxes[-1] == box
        self.places.append(len(self.chars))
        self.indices.append(index)
        if same_glyph and char == "\u0644" and self.chars and self.chars[-1] in _ALEFS:
            # One lam-alef glyph comes as its two letters in visual order: put them right.
            self.chars.insert(len(self.chars) - 1, char)
        else:
            self.chars.append(char)
        self.boxes.append(box)

    def extend(self, code: int, box: Box, index: int) -> bool:
        """Append a character that plainly goes on in the word; False if that is not so plain."""
        if self.space or self.ended or self.turn or not self.boxes:
            return False
        last = self.boxes[-1]
        if last[1] != box[1] or last[3] != box[3]:
            return False
        if not -0.02 < (box[0] - last[2]) / (box[3] - box[1] + 0.01) < 0.05:
            return False
        self.places.append(len(self.chars))
        self.indices.append(index)
        self.chars.append(chr(code))
        self.boxes.append(box)
        return True


class SegmentReader:
    """Reads the characters of one page into segments.

    `rules` are vertical lines as (x, top, bottom), sorted, which no segment crosses.
    `hidden` are the characters that nobody sees.
    """

    def __init__(
        self,
        textpage: Any,
        affine: Affine,
        *,
        width: float,
        height: float,
        rules: list[tuple[float, float, float]],
        hidden: frozenset[int] = frozenset(),
        keep_glyphs: bool = False,
    ) -> None:
        self._textpage, self._affine = textpage, affine
        self._width, self._height = width, height
        self._rules, self._hidden, self._keep_glyphs = rules, hidden, keep_glyphs
        self._page = PageText()
        self._current, self._line = _Collector(), 0

    def read(self) -> PageText:
        """All segments in the order of the content stream, which PDFium mends."""
        is_plain = not self._hidden
        for index, code, box in iter_chars(self._textpage, self._affine):
            if code in (10, 13):
                self._current.ended = True
            elif code in (32, 160, 9) or box is None:
                self._current.space = self._current.space or code in (32, 160, 9)
            elif not (is_plain and 2 < code < 0x590 and self._current.extend(code, box, index)):
                self._add(index, code, box)
        self._finish()
        return self._page

    def _add(self, index: int, code: int, box: Box) -> None:
        current = self._current
        layer = self._find_layer(index, box)
        if current.boxes:
            turn = current.turn
            place = to_frame(box, turn, self._width, self._height) if turn else box
            breaks = _measure_break(current, place)
            if current.ended:
                breaks = 0 if breaks == 0 and _is_after_script(current, place) else 2
                step = place[0] - current.boxes[-1][2]
                current.space = current.space or step > _SPACE_EMS * (place[3] - place[1])
            if not breaks and self._rules and not turn:
                breaks = self._crosses_rule(current.boxes[-1], place)
            if breaks or layer != current.layer:
                self._finish(next_line=breaks > 1)
                current = self._current
        current.ended = False
        if not current.boxes:
            current.turn = self._find_turn(index)
            current.layer = layer
        if current.turn:
            box = to_frame(box, current.turn, self._width, self._height)
        current.add("-" if code in _HYPHENS else chr(code), box, index)

    def _find_layer(self, index: int, box: Box) -> int:
        if box[2] < 0 or box[3] < 0 or box[0] > self._width or box[1] > self._height:
            return _OUTSIDE
        return _UNSEEN if self._hidden and index in self._hidden else _SHOWN

    def _find_turn(self, index: int) -> int:
        matrix = pdfium.FS_MATRIX()
        if not pdfium.FPDFText_GetMatrix(self._textpage, index, matrix):
            return 0
        return self._affine.turn(matrix.a, matrix.b)

    def _crosses_rule(self, last: Box, box: Box) -> int:
        """1 if a vertical line stands between two characters."""
        left, right = (last[2], box[0]) if box[0] >= last[0] else (box[2], last[0])
        if right - left <= 0.05 * (box[3] - box[1]):
            return 0
        middle = (box[1] + box[3]) / 2
        for at in range(bisect.bisect_left(self._rules, (left - 1, 0.0, 0.0)), len(self._rules)):
            x, top, bottom = self._rules[at]
            if x > right + 1:
                break
            if top <= middle <= bottom:
                return 1
        return 0

    def _finish(self, *, next_line: bool = False) -> None:
        segment = self._build()
        if segment is not None:
            page = self._page
            (page.segments, page.hidden, page.outside)[self._current.layer].append(segment)
        self._current = _Collector()
        self._line += next_line

    def _build(self) -> Segment | None:
        current = self._current
        boxes = current.boxes
        if not boxes:
            return None
        x0, x1 = min(box[0] for box in boxes), max(box[2] for box in boxes)
        y0, y1 = min(box[1] for box in boxes), max(box[3] for box in boxes)
        heights = [box[3] - box[1] for box in boxes]
        tall = sorted(heights)[len(boxes) // 2]
        if len(boxes) > 1 and not current.rtl and current.turn != SLANTED:
            smallest = min(heights)
            if smallest < 0.88 * max(heights) and smallest > 0:
                self._mark_scripts(heights)
        text = clean_text("".join(current.chars)).replace("\n", " ").replace("\t", " ").strip()
        if not text:
            return None
        text = put_marks_after_letters(text) if current.rtl else text
        vertical = len(boxes) > 2 and (y1 - y0) > 2.5 * tall and (x1 - x0) < (y1 - y0)
        vertical = vertical or current.turn == SLANTED
        size, bold = _measure_font(self._textpage, current.first)
        segment = Segment(
            text, x0, y0, x1, y1, size or tall, bold=bold, line=self._line, vertical=vertical,
            turn=0 if current.turn == SLANTED else current.turn,
        )  # fmt: skip
        if self._keep_glyphs:
            segment.glyphs = self._list_glyphs(text)
        return segment

    def _mark_scripts(self, heights: list[float]) -> None:
        """Write raised and lowered characters so that they cannot be taken for others."""
        current = self._current
        most = statistics.mode([round(height, 1) for height in heights])
        tall = max(most, statistics.median(heights))
        main = [
            box for box, height in zip(current.boxes, heights, strict=True) if height > 0.9 * tall
        ]
        if not main:
            return
        top, bottom = (statistics.median(box[at] for box in main) for at in (1, 3))
        kinds = [_script_kind(box, tall, top, bottom) for box in current.boxes]
        at = 0
        while at < len(kinds):
            end = at + 1
            while end < len(kinds) and kinds[end] == kinds[at]:
                end += 1
            if kinds[at] and at and self._is_smaller(at):
                self._write_script(kinds[at], at, end)
            at = end

    def _is_smaller(self, at: int) -> bool:
        """Whether a glyph's font is smaller than that of most: symbol fonts only look tall."""
        indices = self._current.indices
        sizes = [
            _measure_font(self._textpage, index)[0] for index in (indices[at], indices[at - 1])
        ]
        return sizes[0] < 0.92 * sizes[1] or self._current.first == indices[at]

    def _write_script(self, kind: int, at: int, end: int) -> None:
        """Put what a run of raised or lowered glyphs reads as into its first character."""
        current = self._current
        start = current.places[at]
        stop = current.places[end] if end < len(current.places) else len(current.chars)
        before = "".join(current.chars[max(0, start - 20) : start])
        run = "".join(current.chars[start:stop])
        if set(run) <= _FOOTNOTE_MARKS:
            return
        write = raised if kind > 0 else lowered
        current.chars[start:stop] = [write(run, before), *[""] * (stop - start - 1)]

    def _list_glyphs(self, text: str) -> list[tuple[int, Box]]:
        """Offsets into the text and boxes on the shown page."""
        current = self._current
        joined = "".join(current.chars)
        if len(joined) != len(text):
            return []
        offsets, length = [], 0
        for char in current.chars:
            offsets.append(length)
            length += len(char)
        return [
            (offsets[place], box) for place, box in zip(current.places, current.boxes, strict=True)
        ]


def _script_kind(box: Box, tall: float, top: float, bottom: float) -> int:
    """1 for a raised glyph, -1 for a lowered one, 0 for others."""
    if box[3] - box[1] > 0.88 * tall:
        return 0
    if box[3] < bottom - 0.2 * tall and box[1] < top + 0.35 * tall:
        return 1
    if box[1] > top + 0.3 * tall and box[3] > bottom - 0.02 * tall:
        return -1
    return 0


def iter_chars(textpage: Any, affine: Affine) -> Iterator[tuple[int, int, Box | None]]:
    """(index, code point, box) of each character; lone surrogate halves are put together."""
    count = min(pdfium.FPDFText_CountChars(textpage), MAX_CHARS)
    rect = pdfium.FS_RECTF()
    pointer = ctypes.byref(rect)
    get_code, get_box = pdfium.FPDFText_GetUnicode, pdfium.FPDFText_GetLooseCharBox
    a, b, c, d, e, f = affine.a, affine.b, affine.c, affine.d, affine.e, affine.f
    is_upright = b == 0 == d and a > 0 > e  # nearly all pages, and this is the busiest loop
    pending = 0
    for index in range(count):
        code = get_code(textpage, index)
        if code in (10, 13, 32):
            yield index, code, None
            continue
        if 0xD800 <= code < 0xDC00:
            pending = code
            continue
        if 0xDC00 <= code < 0xE000:
            if not pending:
                continue
            code = 0x10000 + ((pending - 0xD800) << 10) + (code - 0xDC00)
        pending = 0
        if code == 0 or not get_box(textpage, index, pointer):
            continue
        if is_upright:
            left, top, right, bottom = rect.left, rect.top, rect.right, rect.bottom
            if left <= right and bottom <= top:
                yield index, code, (a * left + c, e * top + f, a * right + c, e * bottom + f)
                continue
        x0, y0 = a * rect.left + b * rect.top + c, d * rect.left + e * rect.top + f
        x1, y1 = a * rect.right + b * rect.bottom + c, d * rect.right + e * rect.bottom + f
        yield index, code, (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def _measure_break(current: _Collector, box: Box) -> int:
    """0: the character goes on in the segment. 1: a wide gap. 2: another line.

    Where right-to-left text is mixed with other, neighbours in the text are far apart on paper.
    """
    boxes = current.boxes
    last = boxes[-1]
    height = max(last[3] - last[1], box[3] - box[1], 1.0)
    if current.turn == SLANTED:
        step = math.hypot(box[0] + box[2] - last[0] - last[2], box[1] + box[3] - last[1] - last[3])
        return 2 if step / 2 > 2 * max(height, box[2] - box[0]) else 0
    overlap = min(last[3], box[3]) - max(last[1], box[1])
    lowest = min(last[3] - last[1], box[3] - box[1])
    if overlap < 0.25 * lowest:
        # Text that runs up or down the page: letters stand over one another, so stay together.
        close = max(last[1] - box[3], box[1] - last[3]) < 0.5 * height
        same_column = min(last[2], box[2]) - max(last[0], box[0]) > 0.5 * (box[2] - box[0])
        return 0 if close and same_column and _is_vertical(boxes) else 2
    if current.rtl:
        return 0
    gap = max(box[0] - last[2], last[0] - box[2])
    return 1 if gap > _GAP_EMS * height else 0


def _is_after_script(current: _Collector, box: Box) -> bool:
    """Whether a character goes on right after a raised or lowered one, where PDFium ends the line.

    Or whether it is the raised one.
    """
    last = current.boxes[-1]
    tall, last_tall = box[3] - box[1], last[3] - last[1]
    if abs(tall - last_tall) < 0.12 * max(tall, last_tall):
        return False
    overlap = min(last[3], box[3]) - max(last[1], box[1])
    gap = box[0] - last[2]
    highest = max(tall, last_tall)
    return overlap > 0.5 * min(tall, last_tall) and -0.35 * highest < gap < 0.5 * highest


def _is_vertical(boxes: list[Box]) -> bool:
    if len(boxes) < 2:
        return True
    return (
        boxes[-1][0] < boxes[0][2]
        and boxes[-1][2] > boxes[0][0]
        and (abs(boxes[-1][1] - boxes[0][1]) > 0.5 * (boxes[0][3] - boxes[0][1]))
    )


def _measure_font(textpage: Any, index: int) -> tuple[float, bool]:
    """Font size in points as shown, and whether the font is bold."""
    matrix = pdfium.FS_MATRIX()
    size = float(pdfium.FPDFText_GetFontSize(textpage, index))
    if pdfium.FPDFText_GetMatrix(textpage, index, matrix):
        scale = math.hypot(matrix.c, matrix.d)
        size *= scale if scale > 0 else 1.0
    buffer, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    length = pdfium.FPDFText_GetFontInfo(textpage, index, buffer, 128, flags)
    name = buffer.raw[: max(0, min(length, 128) - 1)].lower()
    heavy = pdfium.FPDFText_GetFontWeight(textpage, index) >= 600
    return size, heavy or b"bold" in name or b"black" in name or b"heavy" in name
