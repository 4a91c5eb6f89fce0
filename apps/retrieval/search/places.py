"""Where the words of a hit are in their source. Pure."""

from __future__ import annotations

from apps.retrieval.search.hits import Hit


def is_verbatim(hit: Hit) -> bool:
    """Whether a hit's text can be the source's own, so that offsets into it map to the source.

    The text of an edited chunk replaces a stretch of the source, usually of another length.
    """
    return len(hit.text) == hit.end - hit.start


def locate_words(hit: Hit, start: int, end: int) -> tuple[int, int]:
    """Offsets of `hit.text[start:end]` in the full text; of an edited chunk, its whole stretch."""
    if not is_verbatim(hit):
        return hit.start, hit.end
    return hit.start + start, hit.start + end
