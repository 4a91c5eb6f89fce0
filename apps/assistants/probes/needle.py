"""Needle in a haystack: does a fact get lost, depending on where in a long context it stands?

After Kamradt's test (2023) and "Lost in the Middle" (Liu et al., TACL 2024): one sentence with a
made-up code is put at a depth of a text that has nothing to do with it, and asked for. Pure, and
the same for the same seed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

CHARS_PER_TOKEN = 4.0
"""Rough for English prose, but enough to label a column; the server's count is kept too."""
PARAGRAPH = 600
"""Characters of a paragraph of hay, about a passage."""
DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
LENGTHS = (500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000)
PLACES = ("Tallinn", "Porto", "Bergen", "Ghent", "Turin", "Graz", "Malmo", "Cork", "Brno", "Split")
THINGS = ("archive", "boat house", "greenhouse", "observatory", "print shop", "cold store")
SUBJECTS = (
    "The harbour",
    "The old mill",
    "A narrow valley",
    "The northern ridge",
    "The market",
    "The ferry",
    "A row of poplars",
    "The stone bridge",
    "The orchard",
    "The tram",
)
VERBS = (
    "lies quietly under",
    "was painted in the colours of",
    "is seldom seen without",
    "changes its mood with",
    "was described at length beside",
    "keeps its distance from",
    "looks its best in",
    "has been compared to",
)
OBJECTS = (
    "the morning fog",
    "a late spring",
    "the long evenings",
    "heavy autumn rain",
    "the first snow",
    "a dry summer",
    "the noise of the town",
    "the western wind",
)
ENDS = (
    "as every guide book repeats.",
    "which visitors remember for years.",
    "and nobody quite knows why.",
    "even when the season is over.",
    "as the older people like to tell.",
    "though few still notice it.",
)


@dataclass(frozen=True, slots=True)
class Needle:
    """The fact, the question for it, and what an answer must contain."""

    sentence: str
    question: str
    code: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of the grid: tokens of hay, depth from 0 (start) to 1 (end), which try."""

    length: int
    depth: float
    attempt: int


def plan_cells(lengths: Sequence[int], depths: Sequence[float], *, attempts: int) -> list[Cell]:
    """Every cell, short contexts first: they are cheap and show at once if nothing works."""
    return [
        Cell(length, depth, attempt)
        for length in sorted(lengths)
        for depth in depths
        for attempt in range(attempts)
    ]


def make_needle(cell: Cell, *, seed: int) -> Needle:
    """A fact of its own for each cell, so that no cache and no memory can know it."""
    chance = _chance(cell, seed)
    thing, place = chance.choice(THINGS), chance.choice(PLACES)
    code = str(chance.randrange(10_000, 100_000))
    return Needle(
        sentence=f"The door code of the {thing} in {place} is {code}.",
        question=f"What is the door code of the {thing} in {place}?",
        code=code,
    )


def build_haystack(cell: Cell, *, seed: int) -> list[str]:
    """Paragraphs of about `cell.length` tokens in all, with the needle inside one of them."""
    chance = _chance(cell, seed)
    needle = make_needle(cell, seed=seed).sentence
    size = int(cell.length * CHARS_PER_TOKEN) - len(needle)
    sentences: list[str] = []
    written = 0
    while written < size:
        sentence = " ".join(chance.choice(part) for part in (SUBJECTS, VERBS, OBJECTS, ENDS))
        sentences.append(sentence)
        written += len(sentence) + 1
    sentences.insert(round(cell.depth * len(sentences)), needle)
    return _join(sentences)


def is_found(answer: str, code: str) -> bool:
    """Whether an answer has the code, however its digits are grouped."""
    return code in answer.replace(",", "").replace(".", "").replace(" ", "")


def _chance(cell: Cell, seed: int) -> random.Random:
    key = f"{seed}:{cell.length}:{cell.depth}:{cell.attempt}"
    return random.Random(key)  # noqa: S311 - repeatable on purpose, and guards nothing


def _join(sentences: Sequence[str]) -> list[str]:
    paragraphs: list[list[str]] = [[]]
    size = 0
    for sentence in sentences:
        if size >= PARAGRAPH:
            paragraphs.append([])
            size = 0
        paragraphs[-1].append(sentence)
        size += len(sentence) + 1
    return [" ".join(paragraph) for paragraph in paragraphs]
