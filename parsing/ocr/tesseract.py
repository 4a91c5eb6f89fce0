"""Text recognition with the `tesseract` program, where it is installed: the second engine."""

from __future__ import annotations

import functools
import io
import os
import re
import shutil
import subprocess
import time
from dataclasses import replace

from PIL import Image, ImageChops, ImageFilter

from parsing.boxed import Box
from parsing.ocr.lines import OcrLine, OcrResult
from parsing.types import ParseError

_MIN_CONFIDENCE = 25.0
_RETRY_CONFIDENCE = 60.0
_COLUMNS = 12
_OTHER_WRITING = frozenset((
    "amh", "ara", "asm", "bel", "ben", "bod", "bul", "chr", "div", "dzo", "fas", "guj", "heb",
    "hin", "hye", "iku", "kan", "kat", "kaz", "khm", "kir", "kor", "lao", "mal", "mar", "mkd",
    "mon", "mya", "nep", "ori", "pan", "pus", "rus", "san", "sin", "snd", "srp", "syr", "tam",
    "tat", "tel", "tgk", "tha", "tir", "uig", "ukr", "urd", "vie", "yid",
))  # fmt: skip


@functools.cache
def find_tesseract() -> str:
    """Path of the program, or an empty string."""
    return shutil.which("tesseract") or ""


@functools.cache
def list_languages() -> tuple[str, ...]:
    """Installed languages; `osd` is the data for finding the orientation."""
    program = find_tesseract()
    if not program:
        return ()
    try:
        done = subprocess.run(
            [program, "--list-langs"], capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    lines = done.stdout.decode("utf-8", "replace").splitlines()[1:]
    return tuple(line.strip() for line in lines if re.fullmatch(r"[\w/-]+", line.strip()))


def is_available() -> bool:
    """Whether text can be recognised here at all."""
    return any(language != "osd" for language in list_languages())


def knows_more() -> bool:
    """Whether a language is installed whose writing the first engine does not know.

    A language that neither knows is read as Latin letters here, and with confidence.
    """
    return not _OTHER_WRITING.isdisjoint(list_languages())


def recognise(image: Image.Image, *, dpi: int, deadline: float) -> OcrResult:
    """Text of an image, which may lie on its side. `deadline` is for all passes together."""
    grey = image.convert("L")
    result = _run_best(grey, dpi=dpi, deadline=deadline)
    if result.confidence >= _RETRY_CONFIDENCE and result.lines:
        return result
    turn = _find_turn(grey, deadline=deadline)
    if not turn:
        return result
    turned = grey.rotate(-turn, expand=True)
    second = _run_best(turned, dpi=dpi, deadline=deadline)
    if second.weight <= result.weight:
        return result
    return replace(second, turn=turn)


def _run_best(grey: Image.Image, *, dpi: int, deadline: float) -> OcrResult:
    """On tinted paper or shaded cells the background is made white before reading."""
    if not _is_tinted(grey):
        return _run(grey, dpi=dpi, deadline=deadline)
    flat = _run(_flatten_background(grey), dpi=dpi, deadline=deadline)
    if flat.confidence >= _RETRY_CONFIDENCE:
        return flat
    plain = _run(grey, dpi=dpi, deadline=deadline)
    return flat if flat.weight >= plain.weight else plain


def _is_tinted(grey: Image.Image) -> bool:
    """Whether much of the image is neither paper white nor ink."""
    histogram = grey.histogram()
    return sum(histogram[90:225]) > 0.15 * sum(histogram)


def _flatten_background(grey: Image.Image) -> Image.Image:
    """Add to each point what its surroundings lack to white."""
    size = (max(1, grey.width // 8), max(1, grey.height // 8))
    around = grey.resize(size, Image.Resampling.BOX)
    around = around.filter(ImageFilter.MaxFilter(5)).filter(ImageFilter.MedianFilter(5))
    around = around.resize(grey.size, Image.Resampling.BILINEAR)
    return ImageChops.add(grey, ImageChops.invert(around))


def _run(image: Image.Image, *, dpi: int, deadline: float) -> OcrResult:
    has_osd = "osd" in list_languages()
    languages = "+".join(_choose_languages())
    output = _call(
        ["-l", languages, "--psm", "1" if has_osd else "3", "--dpi", str(dpi), "tsv"],
        image,
        deadline=deadline,
    )
    return _read_tsv(output, image.size)


def _choose_languages() -> list[str]:
    """English first, then whatever else was installed on purpose."""
    names = [name for name in list_languages() if name != "osd" and not name.startswith("script/")]
    return sorted(names, key=lambda name: (name != "eng", name))[:6]


def _find_turn(image: Image.Image, *, deadline: float) -> int:
    """Degrees clockwise by which the image must be turned to stand upright."""
    if "osd" not in list_languages():
        return 0
    try:
        output = _call(["--psm", "0", "-l", "osd"], image, deadline=deadline)
    except ParseError:
        return 0
    match = re.search(rb"Rotate:\s*(90|180|270)", output)
    return int(match.group(1)) if match else 0


def _call(options: list[str], image: Image.Image, *, deadline: float) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PPM")
    try:
        done = subprocess.run(
            [find_tesseract(), "stdin", "stdout", *options],
            input=buffer.getbuffer(),
            capture_output=True,
            timeout=max(1.0, deadline - time.monotonic()),
            check=False,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise ParseError(
            "timeout", "Recognising the text of this page took too long, so it was stopped."
        ) from error
    except OSError as error:
        raise ParseError("crashed", "The text recognition program could not be run.") from error
    return done.stdout if done.returncode == 0 else b""


def _read_tsv(output: bytes, size: tuple[int, int]) -> OcrResult:
    words: dict[tuple[int, int, int], list[tuple[str, Box]]] = {}
    total, count = 0.0, 0
    for line in output.decode("utf-8", "replace").splitlines()[1:]:
        cells = line.split("\t")
        if len(cells) != _COLUMNS or cells[0] != "5" or not cells[11].strip():
            continue
        confidence = float(cells[10])
        is_word = len(cells[11]) >= 3 and cells[11].isalpha()
        if confidence < _MIN_CONFIDENCE and not is_word:
            continue
        total, count = total + confidence, count + 1
        left, top, width, height = (int(cell) for cell in cells[6:10])
        box = (left / size[0], top / size[1], (left + width) / size[0], (top + height) / size[1])
        key = (int(cells[2]), int(cells[3]), int(cells[4]))
        words.setdefault(key, []).append((cells[11].strip(), box))
    lines = [
        OcrLine(
            paragraph=(key[0], key[1]),
            text=" ".join(text for text, _ in line),
            box=(
                min(box[0] for _, box in line), min(box[1] for _, box in line),
                max(box[2] for _, box in line), max(box[3] for _, box in line),
            ),
        )
        for key, line in words.items()
    ]  # fmt: skip
    return OcrResult(lines, total / count if count else 0.0)
