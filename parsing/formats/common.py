"""Shared by the readers of formats without pages of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from parsing.source import Source
from parsing.text import Piece, clean_text, paginate, squeeze
from parsing.types import Opened, ParsedPage


def emit(
    source: Source,
    pieces: Iterable[Piece],
    *,
    title: str = "",
    metadata: dict[str, str] | None = None,
) -> Iterator[Opened | ParsedPage]:
    """Pages made of `pieces`; without a title, the first top-level heading is the title."""
    kept = list(pieces)
    pages = paginate(kept)
    heading = next((piece.text for piece in kept if piece.kind == "heading"), "")
    yield from emit_pages(source, pages, title=title or heading, metadata=metadata)


def emit_pages(
    source: Source,
    pages: list[ParsedPage],
    *,
    title: str = "",
    metadata: dict[str, str] | None = None,
) -> Iterator[Opened | ParsedPage]:
    """What is known of the document, then its pages."""
    cleaned = {
        key: squeeze(clean_text(value))[:1000] for key, value in (metadata or {}).items() if value
    }
    yield Opened(
        pages_total=len(pages),
        title=squeeze(clean_text(title))[:300],
        media_type=source.media_type,
        metadata=cleaned,
    )
    yield from pages
