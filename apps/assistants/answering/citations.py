"""Citations: only retrieved passages may be cited, and each citation points at sentences.

A citation is written [n], n being a passage's number from 1. Everything here is pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MARKER = re.compile(r"[\[【]\s*((?:\^?\d{1,3})(?:\s*[,;–-]\s*\^?\d{1,3})*)\s*[\]】]")
CITATION = re.compile(r"\[(\d{1,3})\]")
UNFINISHED = re.compile(r"[\[【][\s\d,;^–-]*")
MAX_MARKER = 24
WORD = re.compile(r"\w+", re.UNICODE)
SENTENCE_END = re.compile(r"(?<=[.!?。！？])[\"'”’)\]]*\s+|\n{1,}|(?<=[。！？])")


class CitationFilter:
    """Cleans a stream of model text: markers become [n], and those of unknown passages go.

    A marker may be cut anywhere between two pieces, so text from an opening bracket on is held
    back until it is clear what it is.
    """

    def __init__(self, num_passages: int) -> None:
        self.num_passages = num_passages
        self.held = ""
        self.num_dropped = 0

    def feed(self, piece: str) -> str:
        """Take the next piece; return the text that is now safe to show."""
        text = self.held + piece
        cut = max(text.rfind("["), text.rfind("【"))
        if cut != -1 and len(text) - cut < MAX_MARKER and UNFINISHED.fullmatch(text[cut:]):
            self.held = text[cut:]
            return self._clean(text[:cut])
        self.held = ""
        return self._clean(text)

    def finish(self) -> str:
        """The text that is still held back when the stream ends."""
        text, self.held = self.held, ""
        return self._clean(text)

    def _clean(self, text: str) -> str:
        if "[" not in text and "【" not in text:
            return text
        return MARKER.sub(self._replace, text)

    def _replace(self, match: re.Match[str]) -> str:
        kept: list[int] = []
        for number in _numbers(match.group(1)):
            if 1 <= number <= self.num_passages:
                if number not in kept:
                    kept.append(number)
            else:
                self.num_dropped += 1
        return "".join(f"[{number}]" for number in kept)


def _numbers(inner: str) -> list[int]:
    """The numbers of "1, 3" and "2-4"."""
    numbers: list[int] = []
    for part in re.split(r"\s*[,;]\s*", inner):
        ends = [int(text) for text in re.findall(r"\d+", part)]
        if len(ends) == 2 and 0 < ends[1] - ends[0] <= 10:
            numbers.extend(range(ends[0], ends[1] + 1))
        else:
            numbers.extend(ends)
    return numbers


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer, without its markers, and the passages that it cites."""

    text: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Character offsets within a passage, and how well the words there support the claim, 0..1."""

    start: int
    end: int
    support: float


def split_claims(content: str) -> list[Claim]:
    """The answer's sentences with their citations. A marker after the full stop belongs to it."""
    claims: list[Claim] = []
    for part in SENTENCE_END.split(re.sub(r"([.!?])((?:\s*\[\d{1,3}\])+)", r"\2\1", content)):
        numbers = tuple(dict.fromkeys(int(n) for n in CITATION.findall(part)))
        text = CITATION.sub("", part).strip()
        if text:
            claims.append(Claim(text, numbers))
        elif numbers and claims:
            last = claims[-1]
            claims[-1] = Claim(last.text, tuple(dict.fromkeys(last.numbers + numbers)))
    return claims


def split_sentences(passage: str) -> list[tuple[int, int]]:
    """Offsets of the passage's sentences and lines, without the space around them."""
    borders = [0, *[match.end() for match in SENTENCE_END.finditer(passage)], len(passage)]
    spans = []
    for start, end in pairwise(borders):
        text = passage[start:end]
        if text.strip():
            left = start + len(text) - len(text.lstrip())
            spans.append((left, start + len(text.rstrip())))
    return spans


def locate_support(claim: str, passage: str) -> Span:
    """The sentence of the passage that shares most with the claim, grown while that helps.

    Support is the share of the claim's words (four letters or more, and numbers) that stand in
    the chosen span: a cheap lower bound for "does this source say so", not a judgement.
    """
    words = _content_words(claim)
    sentences = split_sentences(passage)
    if not sentences or not words:
        return Span(0, len(passage), 0.0)
    shared = [words & _content_words(passage[start:end]) for start, end in sentences]
    best = max(range(len(sentences)), key=lambda i: (len(shared[i]), -i))
    first = last = best
    covered = set(shared[best])
    if last + 1 < len(sentences) and len(shared[last + 1] - covered) >= 2:
        last += 1
        covered |= shared[last]
    if first > 0 and len(shared[first - 1] - covered) >= 2:
        first -= 1
        covered |= shared[first]
    return Span(sentences[first][0], sentences[last][1], len(covered) / len(words))


def _content_words(text: str) -> set[str]:
    return {
        word
        for word in WORD.findall(text.lower())
        if len(word) >= 4 or word.isdigit() or not word.isascii()
    }


def cited_numbers(content: str) -> list[int]:
    """The passages that an answer cites, in the order of their first citation."""
    return list(dict.fromkeys(int(number) for number in CITATION.findall(content)))


def format_passages(passages: Sequence[tuple[str, str]]) -> str:
    """(title, text) pairs as the prompt shows them: numbered, fenced, marked as quotations.

    The fence's tag is removed from the text itself, so that a document cannot close it.
    """
    blocks = []
    for number, (title, text) in enumerate(passages, start=1):
        safe = re.sub(r"</?passage[^>]*>", "", text, flags=re.IGNORECASE)
        name = re.sub(r"[\"<>\n]", " ", title)
        blocks.append(f'<passage number="{number}" source="{name}">\n{safe}\n</passage>')
    return "\n\n".join(blocks)
