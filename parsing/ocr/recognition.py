"""Chooses the engine that reads a page, and writes the note on the result.

The networks read first; they know the Latin and the Greek alphabet, Chinese and Japanese. Where
`tesseract` is installed, it reads what they are not sure of if it knows a language that they do
not, and what they cannot read at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from parsing.boxed import BoxedBuilder
from parsing.ocr import tesseract
from parsing.ocr.lines import OcrResult, write_lines
from parsing.ocr.models import find_models
from parsing.source import Source
from parsing.types import ParseError

MISSING = (
    "text recognition is not installed (pip install --no-deps -r requirements-model.txt adds it)"
)
_SURE = 90.0
"""Below this, in percent, the second engine has a look too."""
_SECONDS = 0.8
"""Share of the time for a page that recognising its text may take."""


_CONTRAST = 16
"""Of 255 levels of grey: paper shimmers less, and even a page number shows more."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """The outcome for a page: a note for the reader, and the confidence (0 to 100) of its text."""

    note: str
    confidence: float | None = None


def recognise_page(
    source: Source,
    draw: Callable[[], Image.Image],
    builder: BoxedBuilder,
    *,
    what: str,
    dpi: int,
    width: float,
    height: float,
) -> Recognised:
    """Put the text of a page, as `draw` shows it, into `builder`.

    `width` and `height` are the page's, in any unit, `dpi` the image's resolution. `what` begins
    the sentence that says why there is no text, as "This file is a picture".
    """
    if not source.ocr:
        return Recognised(f"{what}, and text recognition was not asked for.")
    if not is_available():
        return Recognised(f"{what}; {MISSING}.")
    source.await_turn()
    deadline = time.monotonic() + _SECONDS * source.limits.page_seconds
    image = draw()
    if is_blank(image):
        return Recognised("")
    try:
        result = recognise(image, dpi=dpi, deadline=deadline)
    except ParseError as error:
        return Recognised(f"{what}. {error.reason}")
    if not result.lines:
        unread = f": {_count_lines(result.unread)} could not be read" if result.unread else ""
        return Recognised(f"{what}, and no text was recognised on it{unread}.")
    write_lines(builder, result, width=width, height=height)
    unread = f"; {_count_lines(result.unread)} could not be read" if result.unread else ""
    note = (
        f"Read by text recognition, {int(result.confidence)} % sure, "
        f"and may contain errors{unread}."
    )
    return Recognised(note, result.confidence)


def is_blank(image: Image.Image) -> bool:
    """Whether it shows an empty sheet: no spot of it is darker or lighter than the rest."""
    levels = image.convert("L").resize((128, 128), Image.Resampling.BOX).tobytes()
    return max(levels) - min(levels) < _CONTRAST


def is_available() -> bool:
    """Whether text can be recognised here at all."""
    return find_models() is not None or tesseract.is_available()


def recognise(image: Image.Image, *, dpi: int, deadline: float) -> OcrResult:
    """Text of an image by the engine that is surer of it; ParseError past the deadline."""
    if find_models() is None:
        return tesseract.recognise(image, dpi=dpi, deadline=deadline)
    from parsing.ocr import neural  # with NumPy, which only pages without text need

    first = neural.recognise(image, deadline=deadline)
    if first.lines and (first.confidence >= _SURE or not tesseract.knows_more()):
        return first
    if not tesseract.is_available():
        return first
    try:
        second = tesseract.recognise(image, dpi=dpi, deadline=deadline)
    except ParseError:
        return first
    is_better = second.confidence > first.confidence and second.weight > first.weight
    return second if is_better else first


def _count_lines(count: int) -> str:
    return f"{count:,} line{'' if count == 1 else 's'}"
