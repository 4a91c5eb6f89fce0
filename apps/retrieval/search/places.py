"""Where the words of a hit stand in their source. Pure."""

from __future__ import annotations

from apps.retrieval.search.hits import Hit


def is_verbatim(hit: Hit) -> bool:
    """Whether a hit's text can be the source's own: then its characters count like the source's.

    A passage that somebody edited stands for a stretch of the source and says something else.
    """
    return len(hit.text) == hit.end - hit.start


def locate_words(hit: Hit, start: int, end: int) -> tuple[int, int]:
    """Offsets into the full text of `hit.text[start:end]`; of an edited passage, all of its
    stretch."""
    if not is_verbatim(hit):
        return hit.start, hit.end
    return hit.start + start, hit.start + end
