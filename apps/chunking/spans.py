"""Where a text may be cut. Every function takes time linear in the text.

Spans are places to cut between, not sentences to show. A missed cut only makes a chunk a little
uneven, so simple rules are enough; but every character must end up in some span.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]

_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*+\n\s*+")
_LINE = re.compile(r"[^\n]+")
_WORD = re.compile(r"\S+")
# A full stop ends a sentence when followed by whitespace and no lowercase letter; an ideographic
# one ends it whatever follows.
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*+(?=\s++[^a-z,;])|(?<=[。！？｡])[」』”’）)]*+")
_ABBREVIATION = re.compile(
    r"(?:\b[A-Z]|\b(?:e\.g|i\.e|cf|vs|etc|no|fig|eq|sec|vol|ed|dr|mr|mrs|ms|prof|st|approx|al))\.$",
    re.IGNORECASE,
)
LONGEST_ABBREVIATION = 8

PIECE_CHARS = 24
"""How long the pieces are of overlong words, and of text in scripts without spaces."""


def strip_span(text: str, start: int, end: int) -> Span:
    """The span without blanks at its ends; start == end when there is nothing else."""
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    return start + left, start + max(left, len(piece.rstrip()))


def find_paragraphs(text: str, start: int, end: int) -> Iterator[Span]:
    """Spans between blank lines."""
    position = start
    for match in _PARAGRAPH_BREAK.finditer(text, start, end):
        yield position, match.start()
        position = match.end()
    yield position, end


def find_lines(text: str, start: int, end: int) -> Iterator[Span]:
    """Spans of the lines that are not empty."""
    for match in _LINE.finditer(text, start, end):
        yield match.span()


def find_sentences(text: str, start: int, end: int) -> Iterator[Span]:
    """Spans of the sentences; where in doubt, no cut."""
    position = start
    for match in _SENTENCE_END.finditer(text, start, end):
        cut = match.end()
        if cut <= position:
            continue
        if _ABBREVIATION.search(text, max(position, cut - LONGEST_ABBREVIATION), cut):
            continue
        yield position, cut
        position = cut
    yield position, end


def cut_words(text: str, start: int, end: int) -> Iterator[Span]:
    """Spans of the words, cut where they are longer than PIECE_CHARS."""
    for match in _WORD.finditer(text, start, end):
        for piece in range(match.start(), match.end(), PIECE_CHARS):
            yield piece, min(piece + PIECE_CHARS, match.end())
