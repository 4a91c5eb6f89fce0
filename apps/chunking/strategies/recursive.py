"""The default strategy, which follows headings and sentences, and the plain recursive one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from apps.chunking.spans import (
    Span,
    cut_words,
    find_lines,
    find_paragraphs,
    find_sentences,
    strip_span,
)
from apps.chunking.splitters import Piece, SplitParams, split_pages
from apps.chunking.strategies.base import ChunkingSource, Strategy, Values, overlap_check
from apps.chunking.strategies.finishing import finish
from apps.chunking.strategies.packing import pack
from apps.core.options import Option

MAX_TOKENS = 2000
"""The largest size on offer; the embedding model may read less."""


def size_parameter(default: int, *, minimum: int = 40) -> Option:
    """The size in tokens, as most strategies have it."""
    return Option(
        "target", "Size", "whole", default,
        "What a passage should hold. Small ones are found more precisely, large ones say more.",
        minimum, MAX_TOKENS, unit="tokens",
    )  # fmt: skip


def overlap_parameter(default: int, maximum: int, unit: str) -> Option:
    """How much neighbours share, as most strategies have it."""
    return Option(
        "overlap", "Overlap", "whole", default,
        "How much of its end a passage shares with the next, so that nothing is torn apart at the"
        " border.",
        0, maximum, unit=unit,
    )  # fmt: skip


HEADINGS = Option(
    "headings", "Heading path", "flag", True,
    "Embed and index each passage with the headings above it.",
)  # fmt: skip


def read_split_params(values: Values, *, room: int) -> SplitParams:
    """Target, cap and overlap within what the embedding model reads."""
    target = max(min(values["target"], room), 40)
    cap = min(max(values.get("cap", target), target), room)
    overlap = min(values["overlap"], target // 2 - 1)
    return SplitParams(target=target, cap=cap, overlap=overlap, room=room)


def cut_recursive(source: ChunkingSource, values: Values) -> list[Piece]:
    """Sections at headings; in them, cuts at the best border near the size."""
    params = read_split_params(values, room=source.room)
    return split_pages(source.pages, params=params, count_tokens=source.count_tokens)


def _check_recursive(values: Values) -> dict[str, str]:
    if values["overlap"] * 2 >= values["target"]:
        return {"overlap": "The overlap must be less than half of the size."}
    if values["cap"] < values["target"]:
        return {"cap": "The most must not be less than the size."}
    return {}


Finder = Callable[[str, int, int], Iterator[Span]]
LEVELS: tuple[Finder, ...] = (find_paragraphs, find_lines, find_sentences, cut_words)


def cut_at_separators(source: ChunkingSource, values: Values) -> list[Piece]:
    """Paragraphs; those that are too large as lines, then sentences, then words; then packed."""
    limit = min(values["target"], source.room)
    units = _break(source, [(0, len(source.text))], limit=limit, level=0)
    sizes = [size for _, size in units]
    spans = [
        (units[first][0][0], units[last - 1][0][1])
        for first, last in pack(sizes, limit=limit, overlap=values["overlap"])
    ]
    return finish(source, spans, with_headings=values["headings"])


def _break(
    source: ChunkingSource, spans: list[Span], *, limit: int, level: int
) -> list[tuple[Span, int]]:
    """Spans with their tokens; only a single piece of a word may exceed the limit."""
    counts = source.count_tokens([source.text[start:end] for start, end in spans])
    units: list[tuple[Span, int]] = []
    for span, count in zip(spans, counts, strict=True):
        if count <= limit or level == len(LEVELS):
            units.append((span, max(count, 1)))
            continue
        parts = (strip_span(source.text, *part) for part in LEVELS[level](source.text, *span))
        inner = [part for part in parts if part[0] < part[1]]
        units += _break(source, inner, limit=limit, level=level + 1)
    return units


STRATEGIES = (
    Strategy(
        key="recursive",
        name="Headings and sentences",
        family="Recursive",
        summary="Follows headings, pages, tables and sentences, and joins sections that are too "
        "small. The default, and a good start for any document.",
        parameters=(
            size_parameter(200),
            Option(
                "cap", "At most", "whole", 250,
                "No passage is larger than this.",
                40, MAX_TOKENS, unit="tokens",
            ),
            overlap_parameter(30, 500, "tokens"),
        ),
        cut=cut_recursive,
        check=_check_recursive,
    ),
    Strategy(
        key="separators",
        name="Paragraphs, lines, sentences, words",
        family="Recursive",
        summary="Fills passages up to the size with whole paragraphs; what is too large is taken "
        "apart into lines, then sentences, then words. Knows nothing of headings or tables.",
        parameters=(size_parameter(200), overlap_parameter(30, 500, "tokens"), HEADINGS),
        cut=cut_at_separators,
        check=overlap_check("target", "overlap"),
    ),
)  # fmt: skip
