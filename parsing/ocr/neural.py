"""Reading a page with networks: find the lines, see which way is up, read them."""

from __future__ import annotations

import contextlib
import math
import statistics
import time
from collections.abc import Iterator, Sequence

from PIL import Image

from parsing.ocr.lines import OcrLine, OcrResult
from parsing.ocr.networks import (
    Reading,
    are_small,
    can_look_nearer,
    find_lines,
    find_lines_nearer,
    read_lines,
    release_memory,
)
from parsing.ocr.ruling import find_ruling
from parsing.ocr.shapes import Rectangle
from parsing.text import clean_text
from parsing.types import ParseError

LEAST_CONFIDENCE = 0.5
"""A line that is less sure is left out, and counted as not read."""
_SURE = 90.0
"""Below this, in percent, the lines are looked for again at a larger scale."""
_SHORT, _LARGE = 2.0, 0.01
_UPRIGHT_CONFIDENCE = 0.8
_SAMPLE = 6
_AT_ONCE = 16


def recognise(image: Image.Image, *, deadline: float) -> OcrResult:
    """Text of an image, which may lie on its side or upside down.

    Once the clock (`time.monotonic`) is past `deadline`, the lines that are left are not read.
    Raises ParseError if that is all of them, or if memory runs out.
    """
    try:
        return _recognise(image.convert("RGB"), deadline=deadline)
    except MemoryError as error:
        raise ParseError(
            "memory", "Recognising its text needs more memory than a document may use."
        ) from error
    finally:
        release_memory()


def _recognise(image: Image.Image, *, deadline: float) -> OcrResult:
    """Read small print and doubtful pages again at a larger scale."""
    places = find_lines(image)
    release_memory()
    is_last = not can_look_nearer(image)
    if not is_last and are_small(places, image):
        nearer = find_lines_nearer(image, near=places)
        places, is_last = max(places, nearer, key=len), True
    result = _read_page(image, places, deadline=deadline)
    if is_last or result.confidence >= _SURE or time.monotonic() > deadline:
        return result
    nearer = find_lines_nearer(image, near=places)
    with contextlib.suppress(ParseError):
        again = _read_page(image, nearer, deadline=deadline)
        if again.confidence > result.confidence and again.weight > result.weight:
            return again
    return result


def _read_page(image: Image.Image, places: Sequence[Rectangle], *, deadline: float) -> OcrResult:
    size = image.size
    turn = _find_turn(image, places)
    turned = image.rotate(-turn, expand=True) if turn else image
    upright = [place.turn(turn, size) for place in places]
    readings = list(_read(turned, upright, deadline=deadline))
    lines: list[OcrLine] = []
    unread, total, weights = 0, 0.0, 0.0
    for place, reading in zip(upright, readings, strict=True):
        text = clean_text(reading.text).strip()
        if _is_picture(place, text, size):
            continue
        weight = max(place.width, place.height)
        total, weights = total + weight * reading.confidence, weights + weight
        if reading.confidence < LEAST_CONFIDENCE:
            unread += 1
            continue
        lines.append(OcrLine(text=text, box=place.as_box(turned.size)))
    confidence = 100 * total / weights if weights else 0.0
    ruling = find_ruling(turned)
    return OcrResult(
        lines,
        confidence,
        unread=unread,
        turn=turn,
        slope=_find_slope(upright) if ruling.slope is None else ruling.slope,
        ruling=ruling.lines,
    )


def _is_picture(place: Rectangle, text: str, size: tuple[int, int]) -> bool:
    """Whether a place is hardly longer than high and has no text, or holds one large character."""
    if max(place.width, place.height) >= _SHORT * min(place.width, place.height):
        return False
    is_large = place.width * place.height > _LARGE * size[0] * size[1]
    return not text or (is_large and len(text) == 1)


def _find_slope(places: Sequence[Rectangle]) -> float:
    """By how much the lines of the page fall to the right, from the long ones among them."""
    angles = [place.angle for place in places if place.width > 5 * place.height]
    return math.tan(statistics.median(angles)) if len(angles) >= 3 else 0.0


def _find_turn(image: Image.Image, places: Sequence[Rectangle]) -> int:
    """Degrees clockwise by which the image must be turned to stand upright."""
    flat = sum(place.width for place in places if place.width >= 1.5 * place.height)
    upright = sum(place.height for place in places if place.is_vertical)
    turn = 90 if upright > flat else 0
    longest = sorted(places, key=lambda place: -max(place.width, place.height))[:_SAMPLE]
    crops = [_cut_out(image, place) for place in longest if place.is_vertical == bool(turn)]
    if not crops:
        return turn
    crops = [crop.rotate(-turn, expand=True) for crop in crops]
    confidence = statistics.fmean(item.confidence for item in read_lines(crops))
    if confidence >= _UPRIGHT_CONFIDENCE:
        return turn
    reverse = read_lines([crop.rotate(180) for crop in crops])
    if statistics.fmean(item.confidence for item in reverse) > confidence:
        return turn + 180
    return turn


def _read(image: Image.Image, places: Sequence[Rectangle], *, deadline: float) -> Iterator[Reading]:
    """What each place says; a line that runs up or down is tried both ways.

    Past the deadline what is left says nothing; ParseError if that is all.
    """
    for start in range(0, len(places), _AT_ONCE):
        if time.monotonic() > deadline:
            if start == 0:
                raise ParseError(
                    "timeout", "Recognising the text of this page took too long, so it was stopped."
                )
            yield from [Reading("", 0.0)] * (len(places) - start)
            return
        part = places[start : start + _AT_ONCE]
        crops = [_cut_out(image, place) for place in part]
        upwards = [
            crop.rotate(-90, expand=True) if place.is_vertical else crop
            for crop, place in zip(crops, part, strict=True)
        ]
        readings = read_lines(upwards)
        vertical = [at for at, place in enumerate(part) if place.is_vertical]
        downwards = read_lines([crops[at].rotate(90, expand=True) for at in vertical])
        for at, other in zip(vertical, downwards, strict=True):
            if other.confidence > readings[at].confidence:
                readings[at] = other
        yield from readings


def _cut_out(image: Image.Image, place: Rectangle) -> Image.Image:
    """The picture of one line, level."""
    cosine, sine = math.cos(place.angle), math.sin(place.angle)
    width, height = max(1, round(place.width)), max(1, round(place.height))
    if abs(sine) * max(width, height) < 2:
        left, top = place.x - place.width / 2, place.y - place.height / 2
        corners = (
            max(0, round(left)), max(0, round(top)),
            min(image.width, round(left) + width), min(image.height, round(top) + height),
        )  # fmt: skip
        if corners[2] > corners[0] and corners[3] > corners[1]:
            return image.crop(corners)
    return image.transform(
        (width, height),
        Image.Transform.AFFINE,
        (
            cosine, -sine, place.x - cosine * width / 2 + sine * height / 2,
            sine, cosine, place.y - sine * width / 2 - cosine * height / 2,
        ),
        Image.Resampling.BICUBIC,
        fillcolor="white",
    )  # fmt: skip
