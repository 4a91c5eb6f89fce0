"""Text of a PDF page that nobody sees: drawn invisibly, or in the colour of what is behind it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image

from parsing.pdf.chars import MAX_CHARS
from parsing.pdf.geometry import Affine, Box

MAX_OBJECTS = 20_000
OCR_COVER = 0.3
"""A page whose pictures cover more is a scan: invisible text over them was recognised in them."""

_PALE, _CLEAR = 235, 20
_CONTRAST = 24
_SHARE = 0.7
_MAX_BEHIND = 300
_MAX_PIXELS = 4_000_000


def find_hidden(
    page: pypdfium2.PdfPage, textpage: Any, affine: Affine, *, width: float, height: float
) -> frozenset[int]:
    """Indices of the characters that cannot be seen."""
    texts = _sort_objects(page, width * height)
    pale = texts.pale
    invisible = texts.invisible if texts.cover <= OCR_COVER else set()
    if not invisible and not pale:
        return frozenset()
    hidden: set[int] = set()
    suspects: dict[int, list[tuple[int, Box]]] = {}
    rect = pdfium.FS_RECTF()
    get_object, addressof = pdfium.FPDFText_GetTextObject, ctypes.addressof
    for index in range(min(pdfium.FPDFText_CountChars(textpage), MAX_CHARS)):
        item = get_object(textpage, index)
        address = addressof(item.contents) if item else 0
        if address in invisible:
            hidden.add(index)
        elif address in pale and pdfium.FPDFText_GetLooseCharBox(textpage, index, rect):
            box = affine.box(rect.left, rect.bottom, rect.right, rect.top)
            suspects.setdefault(address, []).append((index, box))
    if suspects:
        image = _draw(page, width, height)
        for chars in suspects.values():
            unseen = sum(1 for _, box in chars if not _has_contrast(image, box, width, height))
            if unseen >= _SHARE * len(chars):
                hidden.update(index for index, _ in chars)
    return frozenset(hidden)


@dataclass(slots=True)
class _HiddenTexts:
    """Addresses of the texts of a page that may be hidden, and the share that pictures cover."""

    invisible: set[int] = field(default_factory=set)
    pale: set[int] = field(default_factory=set)
    cover: float = 0.0


def _sort_objects(page: pypdfium2.PdfPage, area: float) -> _HiddenTexts:
    texts = _HiddenTexts()
    stack: list[tuple[Any, Any, Any, int]] = [
        (page.raw, pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject, 0)
    ]
    seen = 0
    while stack and seen < MAX_OBJECTS:
        holder, count, get, depth = stack.pop()
        backgrounds: list[Box] = []
        for at in range(min(count(holder), MAX_OBJECTS)):
            seen += 1
            item = get(holder, at)
            kind = pdfium.FPDFPageObj_GetType(item)
            if kind == pdfium.FPDF_PAGEOBJ_TEXT:
                _sort_text(item, texts, backgrounds)
            elif kind == pdfium.FPDF_PAGEOBJ_FORM:
                inner = pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject
                if depth < 3:
                    stack.append((item, *inner, depth + 1))
            elif _is_background(item, kind):
                box = _bounds(item)
                backgrounds.append(box)
                if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
                    texts.cover += (box[2] - box[0]) * (box[3] - box[1]) / max(area, 1.0)
    return texts


def _sort_text(item: Any, texts: _HiddenTexts, backgrounds: list[Box]) -> None:
    """Keep a text that may be hidden; pale ones on something dark are not."""
    mode = pdfium.FPDFTextObj_GetTextRenderMode(item)
    if mode in {3, 7}:
        texts.invisible.add(_address(item))
    elif mode in {0, 2, 4, 6} and _is_pale(item):
        x0, y0, x1, y1 = _bounds(item)
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        if not any(b[0] <= x <= b[2] and b[1] <= y <= b[3] for b in backgrounds[-_MAX_BEHIND:]):
            texts.pale.add(_address(item))


def _is_background(item: Any, kind: int) -> bool:
    """Whether an object may lie behind pale text and show it: pictures, and what is filled."""
    if kind != pdfium.FPDF_PAGEOBJ_PATH:
        return True
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    if not pdfium.FPDFPath_GetDrawMode(item, fill, stroke) or not fill.value:
        return False
    return not _is_pale(item)


def _bounds(item: Any) -> Box:
    edges = [ctypes.c_float() for _ in range(4)]
    if not pdfium.FPDFPageObj_GetBounds(item, *edges):
        return 0.0, 0.0, 0.0, 0.0
    left, bottom, right, top = (edge.value for edge in edges)
    return left, bottom, right, top


def _address(item: Any) -> int:
    return ctypes.addressof(item.contents)


def _is_pale(item: Any) -> bool:
    """Whether something is drawn nearly white, or nearly clear."""
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    if not pdfium.FPDFPageObj_GetFillColor(item, red, green, blue, alpha):
        return False
    return min(red.value, green.value, blue.value) >= _PALE or alpha.value <= _CLEAR


def _draw(page: pypdfium2.PdfPage, width: float, height: float) -> Image.Image:
    scale = min(1.0, (_MAX_PIXELS / max(width * height, 1.0)) ** 0.5)
    image: Image.Image = page.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
    return image


def _has_contrast(image: Image.Image, box: Box, width: float, height: float) -> bool:
    """Whether anything of a character stands out from what is around it."""
    across, down = image.width / max(width, 1.0), image.height / max(height, 1.0)
    place = (
        max(0, int(box[0] * across)),
        max(0, int(box[1] * down)),
        min(image.width, int(box[2] * across) + 1),
        min(image.height, int(box[3] * down) + 1),
    )
    if place[0] >= place[2] or place[1] >= place[3]:
        return False
    ranges: Any = image.crop(place).getextrema()
    return any(high - low >= _CONTRAST for low, high in ranges)
