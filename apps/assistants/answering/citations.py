"""Citations: only retrieved passages may be cited, and each citation points at sentences.

A citation is written [n], n being a passage's number from 1. Everything here is pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from apps.core.citations import (
    BRACKETS,
    LOOK_AHEAD,
    PARENTHESES,
    find_citations,
    is_citation_place,
    is_in_code,
    is_label,
    is_marker,
    read_numbers,
    replace_citations,
)

WORD = re.compile(r"\w+", re.UNICODE)
SENTENCE_END = re.compile(r"(?<=[.!?。！？])[\"'”’)\]]*\s+|\n{1,}|(?<=[。！？])")
LONGEST_MARKER = 80
UNFINISHED = re.compile(
    r"[\[［【(（]\s*(?:[A-Za-z]{0,10}\s*[:#]?\s*)?[\s\d,;^–-]*(?:†[^\[\]【】］\n]*)?"
)
_OPEN, _CLOSE = "\ue000", "\ue001"
"""Private characters that stand for the brackets of a marker while sentences are split."""
_SET_APART = re.compile(f"{_OPEN}(\\d{{1,3}}){_CLOSE}")
_PARENTHESES_ASKED = re.compile(r"\((?:n|x|number|nummer|\d)\)", re.IGNORECASE)
_BRACKETS_ASKED = re.compile(r"\[(?:n|x|number|nummer|\d)\]", re.IGNORECASE)
_ABOUT_SOURCES = re.compile(r"cit(?:e|ation)|source|passage|reference|quelle|zitier", re.IGNORECASE)


def asks_for_parentheses(prompt: str) -> bool:
    """Whether a prompt wants citations as (1) instead of [1]."""
    return bool(
        _PARENTHESES_ASKED.search(prompt)
        and _ABOUT_SOURCES.search(prompt)
        and not _BRACKETS_ASKED.search(prompt)
    )


class CitationFilter:
    """Cleans a stream of model text: markers become [n], and those of unknown passages go.

    Brackets in code, and those that are an interval, an index or a list, stay as they are. A
    marker may be cut anywhere between two pieces, and what it is tells what follows, so text from
    an opening bracket on is held back until it is clear.
    """

    def __init__(self, num_passages: int, *, parentheses: bool = False) -> None:
        self.num_passages = num_passages
        self.num_dropped = 0
        self._pattern = BRACKETS
        self._opening = "[［【"
        if parentheses:
            self._pattern = re.compile(f"{BRACKETS.pattern}|{PARENTHESES.pattern}", re.IGNORECASE)
            self._opening += "(（"
        self._held = ""
        self._shown = ""  # all that was given out

    def feed(self, piece: str) -> str:
        """Text that is now safe to show."""
        text = self._held + piece
        if not self._held and not any(bracket in text for bracket in self._opening):
            self._shown += text
            return text
        return self._clean(text, final=False)

    def finish(self) -> str:
        """What was still held back."""
        return self._clean(self._held, final=True)

    def _clean(self, text: str, *, final: bool) -> str:
        start = len(self._shown)
        position = 0
        self._held = ""
        for match in self._pattern.finditer(text):
            if not final and len(text) - match.end() < LOOK_AHEAD and not _is_told(text, match):
                break
            self._shown += text[position : match.start()]
            self._shown += self._replace(match, text[match.end() : match.end() + LOOK_AHEAD])
            position = match.end()
        rest = text[position:]
        cut = len(rest) if final else self._find_unclear(rest)
        self._shown += rest[:cut]
        self._held = rest[cut:]
        return self._shown[start:]

    def _find_unclear(self, rest: str) -> int:
        """Where a marker may begin that is not whole, or not yet told."""
        first = self._pattern.search(rest)
        if first is not None:
            return first.start()
        cut = max(rest.rfind(bracket) for bracket in self._opening)
        is_open = cut != -1 and len(rest) - cut < LONGEST_MARKER
        return cut if is_open and UNFINISHED.fullmatch(rest[cut:]) else len(rest)

    def _replace(self, match: re.Match[str], after: str) -> str:
        raw = match.group()
        numbers = read_numbers(next(group for group in match.groups() if group))
        text = f"{self._shown}{raw}{after}"
        start = len(self._shown)
        if is_in_code(self._shown) or not is_marker(text, start, start + len(raw), numbers):
            return raw
        if raw[0] in "(（" and not self._is_cited_in_parentheses(after):
            return raw
        known = [n for n in dict.fromkeys(numbers) if 1 <= n <= self.num_passages]
        if not known and (is_label(self._shown) or not is_citation_place(after)):
            return raw  # a number of something else, such as "option [7] on the panel"
        is_partial = len(known) < len(set(numbers)) and len(numbers) > 1
        # A group that names what is no passage is a citation only where citations stand.
        if is_partial and not (known and is_citation_place(after)):
            return raw
        self.num_dropped += len(set(numbers)) - len(known)
        return "".join(f"[{number}]" for number in known)

    def _is_cited_in_parentheses(self, after: str) -> bool:
        """(1) at the start of a line counts a list."""
        line = self._shown[self._shown.rfind("\n") + 1 :]
        return bool(line.strip()) and (self._shown[-1:].isspace() or is_citation_place(after))


def _is_told(text: str, match: re.Match[str]) -> bool:
    """Whether enough follows a marker to tell what it is."""
    after = text[match.end() :]
    return "\n" in after or bool(re.match(r"\s*\S+\s+\S", after))


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
    # Markers are set apart first: in a sentence alone it could not be told that code surrounds it.
    marked = replace_citations(content, lambda marker: f"{_OPEN}{marker.numbers[0]}{_CLOSE}")
    moved = re.sub(rf"([.!?])((?:\s*{_SET_APART.pattern})+)", r"\2\1", marked)
    for part in SENTENCE_END.split(moved):
        numbers = tuple(dict.fromkeys(int(n) for n in _SET_APART.findall(part)))
        text = _SET_APART.sub("", part).strip()
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


def cited_numbers(content: str, *, num_passages: int) -> list[int]:
    """The passages that an answer cites, in the order of their first citation."""
    numbers = (marker.numbers[0] for marker in find_citations(content))
    return list(dict.fromkeys(n for n in numbers if 1 <= n <= num_passages))


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
