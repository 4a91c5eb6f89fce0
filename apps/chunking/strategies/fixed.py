"""Chunks of a fixed size in characters, words, sentences or tokens, whatever the text is like."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apps.chunking.spans import Span, cut_words, find_paragraphs, find_sentences, strip_span
from apps.chunking.splitters import Piece
from apps.chunking.strategies.base import ChunkingSource, Strategy, Values, overlap_check
from apps.chunking.strategies.finishing import finish
from apps.chunking.strategies.packing import pack
from apps.chunking.strategies.recursive import HEADINGS, overlap_parameter, size_parameter
from apps.core.options import Option

_BLANK = re.compile(r"\s")
FAMILY = "Fixed size"


def cut_by_characters(source: ChunkingSource, values: Values) -> list[Piece]:
    """Every so many characters; on request never inside a word."""
    spans = list(
        _windows(source.text, values["size"], values["overlap"], whole_words=values["whole_words"])
    )
    return finish(source, spans, with_headings=values["headings"])


def _windows(text: str, size: int, overlap: int, *, whole_words: bool) -> Iterator[Span]:
    start, length = 0, len(text)
    while start < length:
        end = min(start + size, length)
        if whole_words and end < length:
            end = _step_back(text, start, end)
        yield start, end
        if end == length:
            return
        following = end - overlap
        if whole_words and overlap and not text[following - 1].isspace():
            blank = _BLANK.search(text, following, end)
            following = blank.end() if blank else end
        start = max(following, start + 1)


def _step_back(text: str, start: int, end: int) -> int:
    """The end of the last whole word; `end` itself inside a word longer than half of the size."""
    if text[end].isspace() or text[end - 1].isspace():
        return end
    for place in range(end - 1, start + (end - start) // 2, -1):
        if text[place].isspace():
            return place
    return end


def cut_by_words(source: ChunkingSource, values: Values) -> list[Piece]:
    """Every so many words. Of text without blanks, 24 characters count as a word."""
    return _cut_by_count(source, values, list(cut_words(source.text, 0, len(source.text))))


def cut_by_sentences(source: ChunkingSource, values: Values) -> list[Piece]:
    """Every so many sentences."""
    text = source.text
    sentences = (
        strip_span(text, *sentence)
        for paragraph in find_paragraphs(text, 0, len(text))
        for sentence in find_sentences(text, *paragraph)
    )
    return _cut_by_count(source, values, [span for span in sentences if span[0] < span[1]])


def _cut_by_count(source: ChunkingSource, values: Values, units: list[Span]) -> list[Piece]:
    ranges = pack([1] * len(units), limit=values["size"], overlap=values["overlap"])
    spans = [(units[first][0], units[last - 1][1]) for first, last in ranges]
    return finish(source, spans, with_headings=values["headings"])


def cut_by_tokens(source: ChunkingSource, values: Values) -> list[Piece]:
    """Every so many tokens of the embedding model, between words."""
    words = list(cut_words(source.text, 0, len(source.text)))
    sizes = source.count_tokens([source.text[start:end] for start, end in words])
    limit = min(values["target"], source.room)
    ranges = pack(sizes, limit=limit, overlap=values["overlap"])
    spans = [(words[first][0], words[last - 1][1]) for first, last in ranges]
    return finish(source, spans, with_headings=values["headings"])


def _size(default: int, minimum: int, maximum: int, unit: str) -> Option:
    return Option(
        "size", "Size", "whole", default,
        f"How many {unit} a passage holds, unless the embedding model reads less.",
        minimum, maximum, unit=unit,
    )  # fmt: skip


STRATEGIES = (
    Strategy(
        key="characters",
        name="Characters",
        family=FAMILY,
        summary="A cut every so many characters. The plainest of all: a yardstick for the others.",
        parameters=(
            _size(800, 100, 8000, "characters"),
            overlap_parameter(100, 2000, "characters"),
            Option(
                "whole_words", "Keep words whole", "flag", True,
                "Cut at the blank before the limit.",
            ),
            HEADINGS,
        ),
        cut=cut_by_characters,
        check=overlap_check("size", "overlap"),
    ),
    Strategy(
        key="words",
        name="Words",
        family=FAMILY,
        summary="A cut every so many words.",
        parameters=(_size(140, 20, 1500, "words"), overlap_parameter(20, 500, "words"), HEADINGS),
        cut=cut_by_words,
        check=overlap_check("size", "overlap"),
    ),
    Strategy(
        key="sentences",
        name="Sentences",
        family=FAMILY,
        summary="A cut every so many sentences, so that none is torn apart.",
        parameters=(
            _size(6, 1, 60, "sentences"), overlap_parameter(1, 20, "sentences"), HEADINGS,
        ),
        cut=cut_by_sentences,
        check=overlap_check("size", "overlap"),
    ),
    Strategy(
        key="tokens",
        name="Tokens",
        family=FAMILY,
        summary="A cut every so many tokens of the embedding model, never inside a word.",
        parameters=(
            size_parameter(200, minimum=20), overlap_parameter(30, 500, "tokens"), HEADINGS,
        ),
        cut=cut_by_tokens,
        check=overlap_check("target", "overlap"),
    ),
)  # fmt: skip
