"""Segments of text on a PDF page, with their places, from PDFium's characters."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium

from parsing.text import clean_text

MAX_CHARS = 400_000
"""Characters taken from one page; more is a drawing made of letters, not a text."""

_GAP_EMS = 1.6
_HYPHENS = frozenset({2, 0xFFFE})
_ALEFS = "\u0627\u0623\u0625\u0622"
_PLANE = 10_000


@dataclass(slots=True)
class Segment:
    """Text without a large gap in it. Places are points from the top left of the shown page."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool = False
    line: int = 0
    vertical: bool = False


@dataclass(frozen=True, slots=True)
class _Affine:
    a: float
    b: float
    c: float
    d: float
    e: float
    f: float


def page_transform(page: Any, width: float, height: float) -> _Affine:
    """From PDF space to points from the top left of the page as shown (crop and rotation done)."""
    x, y = ctypes.c_int(), ctypes.c_int()

    def device(px: float, py: float) -> tuple[float, float]:
        pdfium.FPDF_PageToDevice(page, 0, 0, _PLANE, _PLANE, 0, px, py, x, y)
        return x.value * width / _PLANE, y.value * height / _PLANE

    # PageToDevice gives whole numbers: a long base keeps the rounding error out of the slope.
    far = 1000.0
    ox, oy = device(0, 0)
    ax, ay = device(far, 0)
    bx, by = device(0, far)
    return _Affine((ax - ox) / far, (bx - ox) / far, ox, (ay - oy) / far, (by - oy) / far, oy)


class _Collector:
    """Characters of the segment in the making."""

    def __init__(self) -> None:
        self.chars: list[str] = []
        self.boxes: list[tuple[float, float, float, float]] = []
        self.first = -1
        self.space = False
        self.rtl = False

    def add(self, char: str, box: tuple[float, float, float, float], index: int) -> None:
        if self.space and self.chars:
            self.chars.append(" ")
        self.space = False
        self.rtl = self.rtl or "\u0590" <= char <= "\u08ff" or "\ufb1d" <= char <= "\ufefc"
        if self.first < 0:
            self.first = index
        same_glyph = bool(self.boxes) and self.boxes[-1] == box
        if same_glyph and char == "\u0644" and self.chars and self.chars[-1] in _ALEFS:
            # One lam-alef glyph comes as its two letters in visual order: put them right.
            self.chars.insert(len(self.chars) - 1, char)
        else:
            self.chars.append(char)
        self.boxes.append(box)


def read_segments(page: Any, textpage: Any, width: float, height: float) -> list[Segment]:
    """All segments of a page in the order of its content stream, which PDFium mends."""
    affine = page_transform(page, width, height)
    segments: list[Segment] = []
    current, line = _Collector(), 0
    for index, code, box in _iter_chars(textpage, affine):
        if code in (10, 13):
            _finish(segments, current, textpage, line)
            current, line = _Collector(), line + 1
            continue
        if code in (32, 160, 9) or box is None:
            current.space = current.space or code in (32, 160, 9)
            continue
        if current.boxes:
            breaks = _measure_break(current.boxes, box, rtl=current.rtl)
            if breaks:
                _finish(segments, current, textpage, line)
                current, line = _Collector(), line + (breaks > 1)
        current.add("-" if code in _HYPHENS else chr(code), box, index)
    _finish(segments, current, textpage, line)
    return segments


def _iter_chars(
    textpage: Any, affine: _Affine
) -> Iterator[tuple[int, int, tuple[float, float, float, float] | None]]:
    """(index, code point, box) of each character; lone surrogate halves are put together."""
    count = min(pdfium.FPDFText_CountChars(textpage), MAX_CHARS)
    rect = pdfium.FS_RECTF()
    pointer = ctypes.byref(rect)
    get_code, get_box = pdfium.FPDFText_GetUnicode, pdfium.FPDFText_GetLooseCharBox
    a, b, c, d, e, f = affine.a, affine.b, affine.c, affine.d, affine.e, affine.f
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
        x0, y0 = a * rect.left + b * rect.top + c, d * rect.left + e * rect.top + f
        x1, y1 = a * rect.right + b * rect.bottom + c, d * rect.right + e * rect.bottom + f
        yield index, code, (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def _measure_break(
    boxes: list[tuple[float, float, float, float]],
    box: tuple[float, float, float, float],
    *,
    rtl: bool,
) -> int:
    """0: the character goes on in the segment. 1: a wide gap. 2: another line.

    Where right-to-left text is mixed with other, neighbours in the text are far apart on paper.
    """
    last = boxes[-1]
    height = max(last[3] - last[1], box[3] - box[1], 1.0)
    overlap = min(last[3], box[3]) - max(last[1], box[1])
    lowest = min(last[3] - last[1], box[3] - box[1])
    if overlap < 0.25 * lowest:
        # Text that runs up or down the page: letters stand over one another, so stay together.
        close = max(last[1] - box[3], box[1] - last[3]) < 0.5 * height
        same_column = min(last[2], box[2]) - max(last[0], box[0]) > 0.5 * (box[2] - box[0])
        return 0 if close and same_column and _is_vertical(boxes) else 2
    if rtl:
        return 0
    gap = max(box[0] - last[2], last[0] - box[2])
    return 1 if gap > _GAP_EMS * height else 0


def _is_vertical(boxes: list[tuple[float, float, float, float]]) -> bool:
    if len(boxes) < 2:
        return True
    return (
        boxes[-1][0] < boxes[0][2]
        and boxes[-1][2] > boxes[0][0]
        and (abs(boxes[-1][1] - boxes[0][1]) > 0.5 * (boxes[0][3] - boxes[0][1]))
    )


def _finish(segments: list[Segment], current: _Collector, textpage: Any, line: int) -> None:
    text = clean_text("".join(current.chars)).replace("\n", " ").replace("\t", " ").strip()
    if not text or not current.boxes:
        return
    boxes = current.boxes
    x0, x1 = min(box[0] for box in boxes), max(box[2] for box in boxes)
    y0, y1 = min(box[1] for box in boxes), max(box[3] for box in boxes)
    tall = sorted(box[3] - box[1] for box in boxes)[len(boxes) // 2]
    vertical = len(boxes) > 2 and (y1 - y0) > 2.5 * tall and (x1 - x0) < (y1 - y0)
    size, bold = _measure_font(textpage, current.first)
    segments.append(
        Segment(text, x0, y0, x1, y1, size or tall, bold=bold, line=line, vertical=vertical)
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
