"""Citation markers in an answer: where `[1]` is one, and where it is code, an interval or a list.

A citation is stored as [n], n being a passage's number from 1. Whether brackets are a marker
depends on what stands around them, and everybody who reads an answer has to see it alike: what
cleans a model's stream, what counts citations, and what draws them. Everything here is pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_NUMBERS = r"\^?\d{1,3}(?:\s*[,;–-]\s*\^?\d{1,3})*"
_WORD = r"(?:(?:passages?|sources?|documents?|docs?|refs?|quellen?)\s*[:#]?\s*)?"
BRACKETS = re.compile(
    rf"[\[［【]\s*{_WORD}({_NUMBERS})\s*(?:†[^\[\]【】］\n]{{0,60}})?[\]］】]", re.IGNORECASE
)
"""A marker in any of the forms in which models write it."""
PARENTHESES = re.compile(rf"[(（]\s*{_WORD}({_NUMBERS})\s*[)）]", re.IGNORECASE)
"""The form that counts only where a prompt asked for it."""
LOOK_AHEAD = 14
"""Characters behind a marker that tell what it is."""
LOOK_BACK = 200

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_IDENTIFIER = re.compile(r"[A-Za-z_][\w.]*\Z", re.ASCII)
_ARRAYS = re.compile(
    r"arr(?:ay)?|lists?|items?|data|args|argv|dict|rows?|cols?|columns?|vec(?:tor)?|matrix|grid"
    r"|buf(?:fer)?|str|tmp|idx|vals|values|nums|lst|seq|parts|words|tokens|lines?"
    r"|(?:self|this|np|df|os|sys)\.\w+",
    re.IGNORECASE,
)
_CAMEL_CASE = re.compile(r"[a-z]{2,}[A-Z]")
_ASSIGNED = re.compile(r"(?:[=∈∉≤≥+]|\":|':|\breturn)\s*\Z")
_BEFORE_INTERVAL = re.compile(
    r"(?:\b(?:in|within|between|from|to|ranges?|intervals?|over|of|im|von|bis|zwischen|bereich"
    r"|intervall|dans|entre|de|en|à|del|intervalle?)|∈)\s*\Z",
    re.IGNORECASE,
)
_INTERVAL = re.compile(
    r"(?:\b(?:ranges?|intervals?|intervalle?|between|zwischen)|∈)\s*\Z", re.IGNORECASE
)
_LABEL = re.compile(
    r"\b(?:option|register|error|step|fig(?:ure)?|table|page|chapter|section|item|line|row|code|no"
    r"|nr|number|level|slot|port|pin|bit|byte|channel|key|button|menu|field|group|type|class|case"
    r"|rule|exercise|version|part|phase|stage|zone|bay|gate|room|floor|note)\.?\s*\Z",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"\s?(?:%|°|€|\$|(?:m?bar|psi|[kMG]?Pa|[nµmck]m[²³]?|[mµk]g|[kMG]?Hz|[kM]W|[mk]V|ms|min|ml|dB"
    r"|USD|EUR|CHF|GBP|(?:second|minute|hour|day|week|month|year|metre|meter|litre|liter)s?"
    r"|Tagen?|Stunden?|Jahren?|jours?|heures?)(?!\w))"
)
_END = re.compile(r"\s*(?:[.,;:!?)\]»”\"'…。！？，、]|\Z|\n|[\[［【])")


@dataclass(frozen=True, slots=True)
class Marker:
    """`text[start:end]` cites these passages."""

    start: int
    end: int
    numbers: tuple[int, ...]

    @property
    def is_group(self) -> bool:
        return len(self.numbers) != 1


def read_numbers(inner: str) -> tuple[int, ...]:
    """The numbers of "1, 3" and "2-4"."""
    numbers: list[int] = []
    for part in re.split(r"\s*[,;]\s*", inner):
        ends = [int(text) for text in re.findall(r"\d+", part)]
        if len(ends) == 2 and 0 < ends[1] - ends[0] <= 10:
            numbers.extend(range(ends[0], ends[1] + 1))
        else:
            numbers.extend(ends)
    return tuple(numbers)


def find_citations(text: str) -> list[Marker]:
    """The markers of a cleaned answer, in order: [n] in prose."""
    if "[" not in text:
        return []
    code = _find_code(text)
    markers: list[Marker] = []
    for match in re.finditer(r"\[(\d{1,3})\]", text):
        if any(start <= match.start() < end for start, end in code):
            continue
        if is_marker(text, match.start(), match.end(), (int(match.group(1)),)):
            markers.append(Marker(match.start(), match.end(), (int(match.group(1)),)))
    return markers


def remove_citations(text: str) -> str:
    """The answer without its markers; what else stands in brackets stays."""
    return replace_citations(text, lambda marker: "")


def replace_citations(text: str, write: Callable[[Marker], str]) -> str:
    """The answer with something else where each marker stands."""
    pieces, position = [], 0
    for marker in find_citations(text):
        pieces += [text[position : marker.start], write(marker)]
        position = marker.end
    return "".join([*pieces, text[position:]])


def is_marker(text: str, start: int, end: int, numbers: tuple[int, ...]) -> bool:
    """Whether the brackets at `text[start:end]` stand as a citation. Code is not looked at."""
    before, after = text[max(0, start - LOOK_BACK) : start], text[end : end + LOOK_AHEAD]
    if before.endswith("\\") or _is_nested(before, after, numbers):
        return False
    if _is_index(before, after) or _ASSIGNED.search(before) or re.match(r"\s*=(?!=)", after):
        return False
    line = before[before.rfind("\n") + 1 :]
    if line.count("{") > line.count("}"):
        return False
    return len(numbers) == 1 or not _is_interval(before, after, numbers)


def is_citation_place(after: str) -> bool:
    """Whether what follows is how a sentence or a clause ends, where citations stand."""
    return _END.match(after) is not None


def is_label(before: str) -> bool:
    """Whether the brackets number something: `option [7]`, `error [12]`."""
    return _LABEL.search(before) is not None


def _is_nested(before: str, after: str, numbers: tuple[int, ...]) -> bool:
    """A row of a matrix; [[1]] is a citation that some models write."""
    opened, closed = before.endswith(("[", "[ ")), after.startswith("]")
    if opened and closed:
        return len(numbers) != 1
    if opened or closed:
        return True
    return bool(re.search(r"\[[^\[\]]*\]\s*[,;]\s*\Z", before) and re.match(r"\s*\]", after))


def _is_index(before: str, after: str) -> bool:
    """`arr[1]`, `m[12]`, `self.rows[1]`, `grid[3][4]`; but not `litres[1]`."""
    if chained := re.search(r"(\[\d{1,3}\])+\Z", before):
        before = before[: chained.start()]
    match = _IDENTIFIER.search(before)
    if match is None or (match.start() and before[match.start() - 1].isalnum()):
        return False
    name = match.group()
    if len(name) == 1:  # a[1], but not "50 m[1]" or "vitamin C[1]."
        is_unit = re.search(r"\d\s?\Z", before[: match.start()]) is not None
        return not is_unit and (name.islower() or not is_citation_place(after))
    if _ARRAYS.fullmatch(name):  # data[1] holds it, but "it follows from the data[1]."
        return "." in name or after.startswith("[") or not is_citation_place(after)
    if "_" in name.strip("_") or _CAMEL_CASE.match(name):
        return True
    return re.match(r"\s*(?:=(?!=)|\.[a-z_]\w*\(|\[\D)", after) is not None


def _is_interval(before: str, after: str, numbers: tuple[int, ...]) -> bool:
    if 0 in numbers or _UNIT.match(after):
        return True
    line = before[before.rfind("\n") + 1 :]
    if not line.strip():
        return True  # a list that begins the line is data
    if _INTERVAL.search(before):
        return True
    return bool(_BEFORE_INTERVAL.search(before)) and not is_citation_place(after)


def is_in_code(text: str) -> bool:
    """Whether the end of the text stands inside a fence or between backticks."""
    fence = ""
    for match in _FENCE.finditer(text):
        mark = match.group(1)
        if not fence:
            fence = mark
        elif mark[0] == fence[0] and len(mark) >= len(fence):
            fence = ""
    if fence:
        return True
    line = text[text.rfind("\n") + 1 :]
    return _opens_code(line)


def _opens_code(line: str) -> bool:
    """Whether a run of backticks in the line waits for its like."""
    opened = ""
    for run in re.findall(r"`+", line):
        if not opened:
            opened = run
        elif run == opened:
            opened = ""
    return bool(opened)


def _find_code(text: str) -> list[tuple[int, int]]:
    """Where fences and code spans stand in a whole text."""
    return [*_find_fences(text), *_find_spans(text)]


def _find_fences(text: str) -> Iterator[tuple[int, int]]:
    opened: re.Match[str] | None = None
    for match in _FENCE.finditer(text):
        if opened is None:
            opened = match
        elif match.group(1)[0] == opened.group(1)[0] and len(match.group(1)) >= len(
            opened.group(1)
        ):
            yield opened.start(), match.end()
            opened = None
    if opened is not None:
        yield opened.start(), len(text)


def _find_spans(text: str) -> Iterator[tuple[int, int]]:
    position = 0
    while match := re.compile(r"(?<!`)(`+)(?!`)").search(text, position):
        run = match.group(1)
        closing = re.compile(rf"(?<!`){run}(?!`)").search(text, match.end())
        paragraph_end = text.find("\n\n", match.end())
        if closing and (paragraph_end == -1 or closing.start() < paragraph_end):
            yield match.start(), closing.end()
            position = closing.end()
        else:
            position = match.end()
