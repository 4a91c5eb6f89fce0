"""Pages of text drawn by the tests that read them."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

Place = tuple[float, float]


def draw_lines(
    lines: Sequence[tuple[Place, str]], *, size: tuple[int, int] = (1000, 1400), height: int = 32
) -> Image.Image:
    """Texts on white, each with its top left corner at its place."""
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(height)
    for place, text in lines:
        pen.text(place, text, fill="black", font=font)
    return image


def draw_paragraph(*lines: str, left: int = 80, top: int = 100, step: int = 46) -> Image.Image:
    """Lines one below the other."""
    return draw_lines([((left, top + step * at), line) for at, line in enumerate(lines)])


def as_png(image: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def as_pdf(*images: Image.Image) -> bytes:
    """A PDF with an image on each page and no text layer, at 300 dots an inch."""
    buffer = io.BytesIO()
    images[0].save(buffer, "PDF", resolution=300.0, save_all=True, append_images=list(images[1:]))
    return buffer.getvalue()
