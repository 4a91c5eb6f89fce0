"""Pictures of pages: of PDF pages, and of images."""

from __future__ import annotations

from parsing.source import Source
from parsing.types import ParseError

MAX_WIDTH = 4_000


def render_file(source: Source, *, page: int, width_px: int) -> bytes:
    """PNG of page `page` (from 1), at most MAX_WIDTH pixels wide."""
    width_px = max(16, min(width_px, MAX_WIDTH))
    if source.format == "pdf":
        from parsing.formats.pdf import render_pdf_page

        return render_pdf_page(source, page=page, width_px=width_px)
    if source.media_type.startswith("image/"):
        from parsing.formats.image import render_image

        return render_image(source, page=page, width_px=width_px)
    raise ParseError("unsupported", "Pages of this kind of file cannot be drawn.")
