"""Images: their text is recognised; each frame of a TIFF is a page."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator

from PIL import Image, ImageOps, UnidentifiedImageError

from parsing.boxed import BoxedBuilder
from parsing.ocr.recognition import recognise_page
from parsing.source import Source
from parsing.types import Opened, ParsedPage, ParseError

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "MPO", "PPM")
_MAX_OCR_PIXELS = 12_000_000
_SMALL_SIDE = 1_700
"""Below this many pixels on the longer side, letters are too small to be read well: enlarge."""


def read(source: Source) -> Iterator[Opened | ParsedPage]:
    """One page for each frame; an animation counts as one picture."""
    image = open_image(source)
    frames = int(getattr(image, "n_frames", 1)) if source.format == "tiff" else 1
    yield Opened(pages_total=frames, title="", media_type=source.media_type)
    for number in range(source.first_page, frames + 1):
        yield _read_frame(source, image, number)


def open_image(source: Source) -> Image.Image:
    """The image, not yet decoded; ParseError if it is damaged or gigantic."""
    source.file.seek(0)
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = source.limits.image_pixels
    try:
        image = Image.open(source.file, formats=_FORMATS)
        _check_size(image, source)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(source) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise _corrupt() from error
    return image


def render_image(source: Source, *, page: int, width_px: int) -> bytes:
    """PNG of one frame."""
    picture = _load_frame(source, open_image(source), page)
    height = max(1, round(picture.height * width_px / max(picture.width, 1)))
    picture = picture.resize((width_px, min(height, 12_000)), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _read_frame(source: Source, image: Image.Image, number: int) -> ParsedPage:
    label = "Image" if number == 1 and source.format != "tiff" else f"Image {number}"
    try:
        picture = _load_frame(source, image, number)
    except ParseError as error:
        if number == 1:
            raise
        return ParsedPage(number=number, text="", label=label, note=error.reason)
    width, height = float(picture.width), float(picture.height)
    small = _scale(picture) if source.ocr else picture
    del picture
    if number == 1 and source.format != "tiff":
        image.close()  # its memory is needed to read it
    builder = BoxedBuilder()
    result = recognise_page(
        source,
        lambda: small,
        builder,
        what="This file is a picture",
        dpi=300,
        width=width,
        height=height,
    )
    return builder.build(
        number,
        label=label,
        width=width,
        height=height,
        note=result.note,
        confidence=result.confidence,
    )


def _scale(picture: Image.Image) -> Image.Image:
    """A scale at which letters are read well and the page is read in time."""
    scale = _choose_scale(picture)
    if scale != 1.0:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    return picture


def _choose_scale(picture: Image.Image) -> float:
    longest = max(picture.size)
    if longest < _SMALL_SIDE:
        return min(3.0, 2 * _SMALL_SIDE / max(longest, 1))
    pixels = picture.width * picture.height
    return float((_MAX_OCR_PIXELS / pixels) ** 0.5) if pixels > _MAX_OCR_PIXELS else 1.0


def _load_frame(source: Source, image: Image.Image, number: int) -> Image.Image:
    """Frame `number` decoded, upright as its EXIF says, on white where it is transparent."""
    try:
        image.seek(number - 1)
        _check_size(image, source)
        image.load()
        picture: Image.Image = image.copy() if number > 1 else image
        with contextlib.suppress(Exception):
            picture = ImageOps.exif_transpose(picture)
        if "A" in picture.getbands() or "transparency" in picture.info:
            rgba = picture.convert("RGBA")
            picture = Image.new("RGB", rgba.size, "white")
            picture.paste(rgba, mask=rgba.getchannel("A"))
        return picture.convert("RGB") if picture.mode not in {"L", "RGB"} else picture
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(source) from error
    except (EOFError, OSError, ValueError, SyntaxError) as error:
        raise _corrupt() from error


def _check_size(image: Image.Image, source: Source) -> None:
    if image.width * image.height > source.limits.image_pixels:
        raise _too_large(source)


def _too_large(source: Source) -> ParseError:
    return ParseError(
        "too_large",
        f"This picture has more than {source.limits.image_pixels / 1e6:,.0f} million pixels. "
        "Scale it down and upload it again.",
    )


def _corrupt() -> ParseError:
    return ParseError(
        "corrupt",
        "This picture is damaged or cut off and cannot be opened. Save it again and upload that.",
    )
