"""What changed between two texts, in words, with a bound on the work. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "added", "removed"]

MAX_CHARS = 400_000
MAX_LINES = 8_000
MAX_WORDS = 600
KEPT_CHARS = 160
MIN_KEPT = 0.3
"""Share of words in common below which a line is shown replaced as a whole, to stay readable."""
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class DiffPart:
    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class TextDiff:
    """The changes in order; `added` and `removed` count words. `is_cut`: the end is missing."""

    parts: tuple[DiffPart, ...]
    added: int
    removed: int
    is_cut: bool


def compare_texts(old: str, new: str) -> TextDiff:
    """Compare lines, then the words of replaced lines; long unchanged text is shortened."""
    old_lines, new_lines = _take_lines(old), _take_lines(new)
    is_cut = any(
        sum(map(len, lines)) < len(text) for lines, text in ((old_lines, old), (new_lines, new))
    )
    changes = list(_merge(_compare_lines(old_lines, new_lines)))
    return TextDiff(
        parts=tuple(_shorten(changes)),
        added=_count_words(changes, "added"),
        removed=_count_words(changes, "removed"),
        is_cut=is_cut,
    )


def _take_lines(text: str) -> list[str]:
    return text[:MAX_CHARS].splitlines(keepends=True)[:MAX_LINES]


def _compare_lines(old: Sequence[str], new: Sequence[str]) -> Iterator[DiffPart]:
    for tag, a, b, c, d in SequenceMatcher(None, old, new).get_opcodes():
        before, after = "".join(old[a:b]), "".join(new[c:d])
        if tag == "equal":
            yield DiffPart(after, "same")
        elif tag == "replace":
            yield from _compare_words(before, after)
        else:
            yield from _replace(before, after)


def _compare_words(before: str, after: str) -> Iterator[DiffPart]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if len(old) > MAX_WORDS or len(new) > MAX_WORDS:
        yield from _replace(before, after)
        return
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    common = sum(_is_word(word) for tag, _, _, c, d in steps if tag == "equal" for word in new[c:d])
    if common < MIN_KEPT * max(sum(map(_is_word, old)), sum(map(_is_word, new))):
        yield from _replace(before, after)
        return
    for tag, a, b, c, d in steps:
        if tag == "equal":
            yield DiffPart("".join(new[c:d]), "same")
        else:
            yield from _replace("".join(old[a:b]), "".join(new[c:d]))


def _is_word(piece: str) -> bool:
    return piece[0].isalnum()


def _replace(before: str, after: str) -> Iterator[DiffPart]:
    if before:
        yield DiffPart(before, "removed")
    if after:
        yield DiffPart(after, "added")


def _merge(changes: Iterator[DiffPart]) -> Iterator[DiffPart]:
    pending: DiffPart | None = None
    for change in changes:
        if pending is not None and pending.kind == change.kind:
            pending = DiffPart(pending.text + change.text, pending.kind)
            continue
        if pending is not None:
            yield pending
        pending = change
    if pending is not None:
        yield pending


def _shorten(changes: Sequence[DiffPart]) -> Iterator[DiffPart]:
    last = len(changes) - 1
    for index, change in enumerate(changes):
        text = change.text
        if change.kind != "same" or len(text) <= 3 * KEPT_CHARS:
            yield change
            continue
        head = "" if index == 0 else text[:KEPT_CHARS]
        tail = "" if index == last else text[-KEPT_CHARS:]
        yield DiffPart(f"{head}\n…\n{tail}", "same")


def _count_words(changes: Sequence[DiffPart], kind: Kind) -> int:
    return sum(len(re.findall(r"\w+", change.text)) for change in changes if change.kind == kind)
