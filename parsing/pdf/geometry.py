"""Places on a page: from PDF space to the shown page, and to the frame that a text runs in."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in points; the origin is the top left of the page as shown."""

_PLANE = 10_000
SLANTED = 1
"""The turn of text that runs neither along a side of the page nor against one."""


@dataclass(frozen=True, slots=True)
class Affine:
    """From PDF space to points from the top left of the page as shown."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def box(self, left: float, bottom: float, right: float, top: float) -> Box:
        """A rectangle of PDF space as it is shown."""
        x0, y0 = self.a * left + self.b * top + self.c, self.d * left + self.e * top + self.f
        x1, y1 = self.a * right + self.b * bottom + self.c, self.d * right + self.e * bottom
        y1 += self.f
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)

    def turn(self, along_x: float, along_y: float) -> int:
        """Degrees, against the clock, by which text that runs so in PDF space is turned.

        0, 90, 180, 270 or SLANTED.
        """
        x = self.a * along_x + self.b * along_y
        y = self.d * along_x + self.e * along_y
        if min(abs(x), abs(y)) > 0.2 * max(abs(x), abs(y)):
            return SLANTED
        if abs(x) >= abs(y):
            return 0 if x >= 0 else 180
        return 90 if y < 0 else 270


def page_transform(page: Any, width: float, height: float) -> Affine:
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
    return Affine((ax - ox) / far, (bx - ox) / far, ox, (ay - oy) / far, (by - oy) / far, oy)


def to_frame(box: Box, turn: int, width: float, height: float) -> Box:
    """A box of the shown page in the frame in which text of that turn runs left to right."""
    x0, y0, x1, y1 = box
    if turn == 90:
        return height - y1, x0, height - y0, x1
    if turn == 180:
        return width - x1, height - y1, width - x0, height - y0
    if turn == 270:
        return y0, width - x1, y1, width - x0
    return box


def from_frame(box: Box, turn: int, width: float, height: float) -> Box:
    """A box of the frame of a text of that turn, on the shown page."""
    x0, y0, x1, y1 = box
    if turn == 90:
        return y0, height - x1, y1, height - x0
    if turn == 180:
        return width - x1, height - y1, width - x0, height - y0
    if turn == 270:
        return width - y1, x0, width - y0, x1
    return box
