"""Does a text support a statement? A traceable estimate without a language model.

Three things are looked at: which share of the statement's words the three best sentences of the
evidence hold together, how many of its numbers the evidence holds at all, and how close the
closest of those sentences is in meaning. A logistic model of these three, fitted on the claims of
WiCE (Kamoi et al., 2023), gives a probability. Words weigh alike: weighing by rarity made it worse
there, because half-supported claims get ordinary verbs and nouns wrong.

What it cannot do: follow reasoning ("twice as many as"), notice that two names changed places, or
know other words for the same thing beyond what the vectors tell. A negation on one side only
counts against support where the wording is otherwise the same; WiCE has too few to fit that.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from inference.reader_text import Words, read_words
from inference.sentences import split_sentences
from measures.evaluators.base import TextEmbedder

SENTENCES = 3
THRESHOLD = 0.5
# Fitted by tests/benchmarks/bench_evaluators.py --fit; the second set is for no embedder.
WEIGHTS = {"bias": -7.77, "coverage": 5.46, "numbers": 2.46, "likeness": 1.99}
WEIGHTS_WITHOUT = {"bias": -6.86, "coverage": 6.03, "numbers": 2.38, "likeness": 0.0}
NEGATED_FROM = 0.7
NEGATED_FACTOR = 0.4
MIN_WORDS = 2
EMBEDDED_CHARACTERS = 600

Outcome: TypeAlias = Literal["supported", "contradicted", "not_told"]

_MARKS = re.compile(r"\s*\[\d+(?:\s*[,;–-]\s*\d+)*\]")
_NEGATION = re.compile(
    r"\b(?:not|no|never|nor|neither|none|nobody|nothing|cannot|without)\b|n['’]t\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class EvidenceSentence:
    """A sentence of the evidence, and which text it is from."""

    text: str
    source: int
    words: Words


@dataclass(frozen=True, slots=True)
class Support:
    """``probability`` that the evidence supports the statement, and what it rests on.

    ``coverage`` and ``numbers`` are shares, ``likeness`` a cosine (0 without an embedder).
    ``missing`` are stems of words and numbers that the best sentences lack, and ``best`` those
    sentences, best first. ``contradicts`` is whether the evidence says otherwise in nearly the
    same words: negated on one side only, or with another number in its place.
    """

    statement: str
    probability: float
    coverage: float
    numbers: float
    likeness: float
    missing: tuple[str, ...]
    best: tuple[EvidenceSentence, ...]
    contradicts: bool = False

    def outcome(self, threshold: float = THRESHOLD) -> Outcome:
        """What the evidence says of the statement, in the three classes of entailment.

        "not_told" is what is called neutral in inference (Bowman et al., 2015, SNLI): the evidence
        neither supports nor contradicts it.
        """
        if self.probability >= threshold:
            return "supported"
        return "contradicted" if self.contradicts else "not_told"

    @property
    def is_supported(self) -> bool:
        """Whether it is more likely supported than not."""
        return self.probability >= THRESHOLD


def read_evidence(texts: Sequence[str]) -> list[EvidenceSentence]:
    """Cut evidence texts into sentences, headings and table rows among them."""
    return [
        EvidenceSentence(sentence.text, source, read_words(sentence.text))
        for source, text in enumerate(texts)
        for sentence in split_sentences(text)
    ]


def read_statements(answer: str) -> list[str]:
    """The sentences of an answer that state something, without their citation marks.

    Headings, questions and sentences with fewer than two content words state nothing.
    """
    return [
        text
        for sentence in split_sentences(answer)
        if sentence.kind != "heading"
        if (text := _MARKS.sub("", sentence.text).strip()) and not text.endswith("?")
        if len(read_words(text).unique) >= MIN_WORDS
    ]


def estimate_support(
    statements: Sequence[str],
    evidence: Sequence[EvidenceSentence],
    *,
    embedder: TextEmbedder | None = None,
) -> list[Support]:
    """Return the support of each statement; all vectors are made in one call."""
    chosen = [_choose(read_words(statement), evidence) for statement in statements]
    likeness = _measure_likeness(statements, chosen, embedder)
    have = frozenset[str]().union(*(sentence.words.unique for sentence in evidence))
    weights = WEIGHTS_WITHOUT if embedder is None else WEIGHTS
    return [
        _judge(statement, best, close, have, weights)
        for statement, best, close in zip(statements, chosen, likeness, strict=True)
    ]


def _choose(words: Words, evidence: Sequence[EvidenceSentence]) -> list[EvidenceSentence]:
    """Greedily choose up to three sentences that together cover most of the words."""
    left, chosen = set(words.unique), []
    for _ in range(SENTENCES):
        best = max(evidence, key=lambda s: len(left & s.words.unique), default=None)
        if best is None or not left & best.words.unique:
            break
        left -= best.words.unique
        chosen.append(best)
    return chosen


def _measure_likeness(
    statements: Sequence[str],
    chosen: Sequence[Sequence[EvidenceSentence]],
    embedder: TextEmbedder | None,
) -> list[float]:
    if embedder is None or not statements:
        return [0.0] * len(statements)
    pool = list(dict.fromkeys([*statements, *(s.text for best in chosen for s in best)]))
    vectors = embedder.encode([text[:EMBEDDED_CHARACTERS] for text in pool])
    place = {text: index for index, text in enumerate(pool)}
    cosines = []
    for statement, best in zip(statements, chosen, strict=True):
        own = vectors[place[statement]]
        cosines.append(max((float(vectors[place[s.text]] @ own) for s in best), default=0.0))
    return cosines


def _judge(
    statement: str,
    best: Sequence[EvidenceSentence],
    likeness: float,
    have: frozenset[str],
    weights: dict[str, float],
) -> Support:
    stems = read_words(statement).unique
    held = frozenset[str]().union(*(sentence.words.unique for sentence in best))
    numbers = [stem for stem in stems if any(c.isdigit() for c in stem)]
    coverage = len(stems & held) / len(stems) if stems else 0.0
    kept = sum(stem in have for stem in numbers) / len(numbers) if numbers else 1.0
    score = weights["bias"] + weights["coverage"] * coverage + weights["numbers"] * kept
    probability = 1 / (1 + math.exp(-(score + weights["likeness"] * likeness)))
    negated = bool(best) and _contradicts(statement, stems, best[0])
    if negated:
        probability *= NEGATED_FACTOR
    contradicts = negated or (bool(best) and _has_other_number(stems, numbers, best[0], have))
    missing = tuple(sorted(stems - held | {n for n in numbers if n not in have}))
    return Support(
        statement, probability, coverage, kept, likeness, missing, tuple(best), contradicts
    )


def _contradicts(statement: str, stems: frozenset[str], best: EvidenceSentence) -> bool:
    """Whether a sentence in nearly the same words is negated on one side only."""
    shared = len(stems & best.words.unique)
    same = shared >= NEGATED_FROM * max(len(stems), len(best.words.unique))
    return same and bool(_NEGATION.search(statement)) != bool(_NEGATION.search(best.text))


def _has_other_number(
    stems: frozenset[str],
    numbers: Sequence[str],
    best: EvidenceSentence,
    have: frozenset[str],
) -> bool:
    """Whether a sentence in nearly the same words has a number where the statement has another."""
    foreign = {number for number in numbers if number not in have}
    others = {stem for stem in best.words.unique if any(c.isdigit() for c in stem)} - stems
    words, theirs = stems - set(numbers), best.words.unique - others - set(numbers)
    shared = len(words & theirs)
    same = shared >= MIN_WORDS and shared >= NEGATED_FROM * max(len(words), len(theirs))
    return bool(foreign) and bool(others) and same
