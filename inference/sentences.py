"""Splitting text into sentences whose offsets point into it.

Libraries for this either load a language model or know plain prose only; passages of documents
also hold headings, lists, table rows, hard-wrapped lines and scripts without spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["prose", "heading", "item", "row"]

# A shorter line of prose was not wrapped at a margin: the next line begins a new block.
WRAPPED_LINE = 45
HEADING_WORDS = 12
# A longer text without punctuation is cut, at a space where there is one.
MAX_SENTENCE = 800


@dataclass(frozen=True, slots=True)
class Sentence:
    """``text[start:end]`` of the text it was cut from, without surrounding space."""

    text: str
    start: int
    end: int
    kind: Kind


_ABBREVIATION_WORDS = """
    mr mrs ms dr prof sr jr st gen gov sen rep rev hon capt col lt sgt maj pres supt mt ft
    vs etc al fig figs eq eqs sec secs ch vol vols no nos pp ed eds cf ca approx est dept univ
    inc ltd co corp bros assn ave blvd rd jan feb mar apr jun jul aug sep sept oct nov dec
    mon tue wed thu fri sat sun art para max min tel ext ref
    bzw usw ggf evtl abs nr str bspw inkl zzgl hr fr
"""
_ABBREVIATIONS = frozenset(_ABBREVIATION_WORDS.split())
# After these a capital or digit follows inside the sentence, never a new one.
_NEVER_FINAL = re.compile(r"(?:\b(?:e\.g|i\.e|z\.B|d\.h|u\.a|p\.ex|viz|cf)|\b[A-Za-z]\.[A-Za-z])$")
_INITIAL = re.compile(r"(?:^|[\s(.])[A-Z]$")
_LAST_WORD = re.compile(r"(\w+)$")
_END = re.compile(
    r"[。！？｡]+[」』”’）)]*"
    r"|(?P<latin>[.!?…؟।]+)(?P<close>[\"'”’»)\]]*(?:\[\d+\])*)(?=\s+(?P<next>\S)|$)"
)
_BULLET = re.compile(r"\s*(?:[-*+•‣◦▪–—]\s+|\(?\d{1,3}[.)]\s+|\(?[a-zA-Z][.)]\s+)")
_MARKDOWN_HEADING = re.compile(r"\s*#{1,6}\s+\S")
_TABLE_RULE = re.compile(r"[\s|:+=-]+$")
_CELL_BREAK = re.compile(r"\S\s*(?:\||\t)\s*\S")
_LINE = re.compile(r"[^\n]*\n?")


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    text: str


def split_sentences(text: str) -> list[Sentence]:
    """Return the sentences of ``text`` in order; table rules and blank lines are left out."""
    return [
        Sentence(text[start:end], start, end, kind)
        for block_start, block_end, kind in _split_blocks(text)
        for start, end in _split_block(text, block_start, block_end, kind)
    ]


def _split_blocks(text: str) -> Iterator[tuple[int, int, Kind]]:
    """Yield spans that no sentence crosses: paragraphs, headings, list items and table rows."""
    lines = list(_read_lines(text))
    single = sum(1 for line in lines if line.text) == 1
    open_start: int | None = None
    open_kind: Kind = "prose"
    previous: _Line | None = None
    for index, line in enumerate(lines):
        kind = _classify(lines, index, single=single)
        if open_start is not None and previous is not None:
            if kind == "prose" and line.text and _continues(previous, line):
                previous = line
                continue
            yield open_start, previous.end, open_kind
            open_start = None
        if not line.text or _TABLE_RULE.match(line.text):
            previous = None
            continue
        if kind in ("heading", "row"):
            yield line.start, line.end, kind
            previous = None
        else:
            open_start, open_kind, previous = line.start, kind, line
    if open_start is not None and previous is not None:
        yield open_start, previous.end, open_kind


def _read_lines(text: str) -> Iterator[_Line]:
    for match in _LINE.finditer(text):
        raw = match.group()
        if not raw:
            continue
        stripped = raw.strip()
        start = match.start() + (len(raw) - len(raw.lstrip()) if stripped else 0)
        yield _Line(start, start + len(stripped), stripped)


def _classify(lines: list[_Line], index: int, *, single: bool) -> Kind:
    line = lines[index].text
    if _MARKDOWN_HEADING.match(line):
        return "heading"
    if line.startswith("|") or _CELL_BREAK.search(line):
        return "row"
    if _BULLET.match(line):
        return "item"
    alone = index + 1 == len(lines) or not lines[index + 1].text
    leads = index == 0 or not lines[index - 1].text
    short = len(line.split()) <= HEADING_WORDS and len(line) < 80
    bare = line[-1:].isalnum() or line.endswith(")")
    # The only line of a text is a sentence, however short.
    if alone and leads and short and bare and not single and not _has_cjk_end(line):
        return "heading"
    return "prose"


def _has_cjk_end(line: str) -> bool:
    return line[-1:] in "。！？｡"


def _continues(previous: _Line, line: _Line) -> bool:
    """Tell whether a line break is only a wrap inside a sentence or paragraph."""
    if not previous.text:
        return False
    if line.text[0].islower() or previous.text.endswith((",", "-", "(")):
        return True
    return len(previous.text) >= WRAPPED_LINE


def _split_block(text: str, start: int, end: int, kind: Kind) -> Iterator[tuple[int, int]]:
    if kind in ("heading", "row"):
        yield start, end
        return
    position = start
    if kind == "item":
        bullet = _BULLET.match(text, start, end)
        position = bullet.end() if bullet else start
    for match in _END.finditer(text, position, end):
        if match.start() < position or (match["latin"] and not _is_end(text, position, match)):
            continue
        yield from _trim(text, position, match.end())
        position = match.end()
    yield from _trim(text, position, end)


def _is_end(text: str, start: int, match: re.Match[str]) -> bool:
    following = match["next"]
    if following is None:
        return True
    if match["latin"] != ".":
        # "Yahoo! is" and "Wait... what" go on; a capital, digit or quote begins anew.
        return not following.islower()
    before = text[start : match.start()]
    if following.islower() or _NEVER_FINAL.search(before):
        return False
    if match["close"]:
        return True
    if _INITIAL.search(before):
        return False
    word = _LAST_WORD.search(before)
    if word is None:
        return True
    if word[1].lower() in _ABBREVIATIONS:
        return False
    return not (word[1].isdigit() and word.start() == 0 and len(word[1]) <= 3)  # "1. Scope"


def _trim(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while end - start > MAX_SENTENCE:
        cut = text.rfind(" ", start + MAX_SENTENCE // 2, start + MAX_SENTENCE)
        cut = cut if cut > 0 else start + MAX_SENTENCE
        yield start, cut
        start = cut + (text[cut] == " ")
    if start < end and any(character.isalnum() for character in text[start:end]):
        yield start, end
