"""The networks that find and read lines of text: PP-OCRv6 on ONNX Runtime.

ONNX Runtime is loaded when a page first needs
it, in the process that reads the document: that costs 0.2 seconds and 70 MB, and is gone with it.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import math
import statistics
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from parsing.ocr.models import DETECTION, READING, find_models
from parsing.ocr.shapes import Floats, Rectangle, find_rectangles

if TYPE_CHECKING:
    from collections.abc import Sequence

_STRIDE = 32
_MAX_DETECTION_PIXELS = 2_000_000
"""On two million pixels the detector takes 0.9 seconds and 350 MB; that is A4 at 137 dpi."""
_MIN_DETECTION_SIDE = 736
_PARTS, _OVERLAP = 4, 0.1
_SMALL_LINE = 16.0
"""In pixels of what the detector sees; below that it begins to miss lines."""
_LINE_HEIGHT = 48
_MIN_LINE_WIDTH, _MAX_LINE_WIDTH = 320, 3_200
_BATCH_WIDTH = 1_600
_THRESHOLD, _LEAST_SCORE, _GROWTH = 0.3, 0.5, 1.6
_BLANK = 0
_STEP_WIDTH = 8
_LARGE_GAP = 1.6 * _LINE_HEIGHT
_INKED = 0.4


@dataclass(frozen=True, slots=True)
class Reading:
    """Text of one line, and how sure it is (0 to 1): the mean confidence of its characters times
    the share of the line that they cover. Characters that the network does not know leave gaps."""

    text: str
    confidence: float


def find_lines(image: Image.Image) -> list[Rectangle]:
    """Rectangles around the lines of text on an RGB image, in its pixels."""
    return _detect(image, _choose_scale(image.size))


def are_small(places: Sequence[Rectangle], image: Image.Image) -> bool:
    """Whether lines are so small that `find_lines` must have missed some, or there are none."""
    scale = _choose_scale(image.size)
    sizes = [min(place.width, place.height) * scale for place in places]
    return not sizes or statistics.median(sizes) <= _SMALL_LINE


def can_look_nearer(image: Image.Image) -> bool:
    """Whether the image, taken in parts, can be looked at on a larger scale."""
    return _choose_nearer_scale(image.size) > 1.3 * _choose_scale(image.size)


def find_lines_nearer(image: Image.Image, *, near: Sequence[Rectangle]) -> list[Rectangle]:
    """Rectangles around the lines, looked for at a larger scale strip by strip.

    Strips run the way that most of the lines `near` them, found at the smaller scale, do.
    """
    scale = _choose_nearer_scale(image.size)
    if sum(place.is_vertical for place in near) <= len(near) / 2:
        return _detect_in_parts(image, scale)
    turned = image.rotate(-90, expand=True)
    return [place.turn(270, turned.size) for place in _detect_in_parts(turned, scale)]


def _choose_scale(size: tuple[int, int]) -> float:
    """Below 1 to fit the limit; above 1 where an image is so small that its letters are, too."""
    enlarged = max(1.0, _MIN_DETECTION_SIDE / min(size))
    return min(enlarged, math.sqrt(_MAX_DETECTION_PIXELS / (size[0] * size[1])))


def _choose_nearer_scale(size: tuple[int, int]) -> float:
    return min(1.0, math.sqrt(_PARTS * _MAX_DETECTION_PIXELS / (size[0] * size[1])))


def _detect(image: Image.Image, scale: float) -> list[Rectangle]:
    size = tuple(max(_STRIDE, round(side * scale / _STRIDE) * _STRIDE) for side in image.size)
    small = image.resize((size[0], size[1]), Image.Resampling.BILINEAR)
    output = _run(DETECTION, _normalise(small)[np.newaxis])
    rectangles = find_rectangles(
        output[0, 0], threshold=_THRESHOLD, least_score=_LEAST_SCORE, growth=_GROWTH
    )
    return [item.scale(image.width / size[0], image.height / size[1]) for item in rectangles]


def _detect_in_parts(image: Image.Image, scale: float) -> list[Rectangle]:
    """Strips one below the other; each overlaps its neighbours and keeps what has its middle in it,
    so that no line is cut."""
    places: list[Rectangle] = []
    tall = image.height / _PARTS
    for part in range(_PARTS):
        top = max(0, round((part - _OVERLAP) * tall))
        bottom = min(image.height, round((part + 1 + _OVERLAP) * tall))
        strip = image.crop((0, top, image.width, bottom))
        shifted = (replace(item, y=item.y + top) for item in _detect(strip, scale))
        places += [item for item in shifted if part * tall <= item.y < (part + 1) * tall]
        release_memory()
    return places


def read_lines(pictures: Sequence[Image.Image]) -> list[Reading]:
    """Text of pictures of one line each, upright and RGB."""
    readings = [Reading("", 0.0)] * len(pictures)
    widths = [_line_width(picture) for picture in pictures]
    order = sorted(range(len(pictures)), key=lambda at: widths[at])
    while order:
        count = max(1, min(8, _BATCH_WIDTH // widths[order[0]]))
        batch, order = order[:count], order[count:]
        widest = max(_MIN_LINE_WIDTH, *(widths[at] for at in batch))
        inputs = np.zeros((len(batch), 3, _LINE_HEIGHT, widest), dtype=np.float32)
        for row, at in enumerate(batch):
            size = (widths[at], _LINE_HEIGHT)
            line = pictures[at].resize(size, Image.Resampling.BILINEAR)
            inputs[row, :, :, : widths[at]] = _normalise(line)
        output = _run(READING, inputs)
        for row, at in enumerate(batch):
            readings[at] = _decode(output[row], inputs[row, :, :, : widths[at]])
    return readings


def release_memory() -> None:
    """Give freed memory back to the system, which the allocator would keep for the next page."""
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _line_width(picture: Image.Image) -> int:
    width = math.ceil(picture.width * _LINE_HEIGHT / max(picture.height, 1))
    return min(max(width, 8), _MAX_LINE_WIDTH)


def _normalise(image: Image.Image) -> Floats:
    """[3, height, width] from -1 to 1, blue first, as the networks were trained."""
    values = np.asarray(image, dtype=np.float32)[:, :, ::-1]
    return np.ascontiguousarray((values / 127.5 - 1.0).transpose(2, 0, 1))


def _decode(chances: Floats, line: Floats) -> Reading:
    """The likeliest text of [steps, characters]: repeats fall together, then blanks go."""
    best = chances.argmax(axis=1)
    keep = best != _BLANK
    keep[1:] &= best[1:] != best[:-1]
    characters = _characters()
    text = "".join(characters[index] for index in best[keep].tolist()).strip()
    if not text:
        return Reading("", 0.0)
    mean = float(chances.max(axis=1)[keep].mean())
    return Reading(text, mean * (1 - _measure_gaps(np.flatnonzero(best != _BLANK), line)))


def _measure_gaps(steps: npt.NDArray[np.int64], line: Floats) -> float:
    """Share of a line [3, height, width] where there is ink and no character was read."""
    width: int = line.shape[2]
    brightness = line.mean(axis=0)
    contrast = brightness.max(axis=0) - brightness.min(axis=0)
    inked = contrast > 0.5 * float(np.quantile(contrast, 0.95))
    edges: list[float] = [0.0, *((steps + 0.5) * _STEP_WIDTH).tolist(), float(width)]
    unread = 0.0
    for start, end in itertools.pairwise(edges):
        if end - start > _LARGE_GAP and inked[int(start) : int(end)].mean() > _INKED:
            unread += end - start - _STEP_WIDTH
    return min(1.0, unread / width)


@functools.cache
def _characters() -> tuple[str, ...]:
    named = _load(READING).get_modelmeta().custom_metadata_map["character"].splitlines()
    return ("", *named, " ")


def _run(name: str, inputs: Floats) -> Floats:
    """A network's output. Its file and inputs are sound, so that an error means no memory."""
    try:
        (output,) = _load(name).run(None, {"x": inputs})
    except Exception as error:
        raise MemoryError(str(error)) from error
    result: Floats = output
    return result


@functools.cache
def _load(name: str) -> Any:
    import onnxruntime

    folder = find_models()
    if folder is None:
        raise FileNotFoundError(name)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # A second thread gains nothing here; arenas would keep the memory of the largest page.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(
        str(folder / name), options, providers=["CPUExecutionProvider"]
    )
