"""The built-in reader: answers from passages without a model server, or declines.

It picks the one to three sentences that answer. Two small logistic models decide, over features
that a person can follow (``reader_features``): one ranks the sentences, one says whether the best
of them answers at all. Their weights were fitted by ``tests/benchmarks/fit_reader.py`` on public
questions, half of them without an answer in their passages, and are measured on others by
``tests/benchmarks/bench_reader.py``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.protocols import Embedder, Vectors
from inference.reader_features import (
    FEATURE_NAMES,
    Candidate,
    Matrix,
    Question,
    collect_candidates,
    describe,
    preselect,
    read_question,
)
from inference.reader_text import has_cjk, leans_back

MAX_SENTENCES = 3
# Embedding is nearly all of the cost, about 5 ms a sentence on a slow core.
MAX_EMBEDDED = 12
EMBEDDED_CHARACTERS = 360
# A further sentence is shown when it is at least this likely, relative to the best.
COMPANION_RATIO = 0.5
SAME_MEANING = 0.88
ANSWER_THRESHOLD = 0.45

RANK_WEIGHTS = {
    "bias": -2.42,
    "best_cosine_gap": -5.6,
    "coverage_nearby": 0.27,
    "pairs": 1.72,
    "type_match": 0.24,
    "new_words": 0.52,
    "rank": 1.53,
    "cosine_x_coverage": 1.02,
}
# Of the best sentence; "best_cosine" is the highest of all sentences.
ANSWER_WEIGHTS = {
    "bias": -5.7,
    "cosine": 3.58,
    "best_cosine": 4.22,
    "rarest_missing": -0.34,
    "type_match": 0.27,
    "new_words": 0.97,
    "rank": 0.9,
}


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved piece of a document, in the order of its rank."""

    id: str
    text: str
    title: str = ""
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class CitedSentence:
    """A sentence of an answer: ``passages[passage_index].text[start:end]``."""

    text: str
    passage_index: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ReaderAnswer:
    """Sentences to show, best passage first; none when the reader declined.

    ``confidence`` is the estimated probability, 0 to 1, that the passages answer the question.
    """

    sentences: tuple[CitedSentence, ...]
    declined: bool
    confidence: float


class Reader:
    """Answers questions by quoting. Safe to use from several threads if its embedder is."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def answer(
        self,
        question: str,
        passages: Sequence[Passage],
        *,
        question_vector: Vectors | None = None,
    ) -> ReaderAnswer:
        """Quote what answers the question, or decline.

        ``question_vector``, shape (d,), saves embedding the question where it is known already.
        """
        candidates = collect_candidates([(passage.title, passage.text) for passage in passages])
        query = read_question(question, candidates)
        chosen = preselect(candidates, query, limit=MAX_EMBEDDED)
        if not chosen or not question.strip():
            return ReaderAnswer((), declined=True, confidence=0.0)
        vectors, target = self._embed(question, chosen, question_vector)
        features = describe(query, chosen, vectors=vectors, target=target)
        scores = features @ _weigh(RANK_WEIGHTS)
        best = int(np.argmax(scores))
        confidence = _estimate_confidence(question, query, chosen[best], features, best)
        if confidence < ANSWER_THRESHOLD:
            return ReaderAnswer((), declined=True, confidence=confidence)
        picked = _pick(scores, vectors, chosen)
        quoted = _add_antecedent(picked, candidates)
        return ReaderAnswer(_cite(quoted), declined=False, confidence=confidence)

    def _embed(
        self, question: str, chosen: Sequence[Candidate], question_vector: Vectors | None
    ) -> tuple[Vectors, Vectors]:
        texts = [candidate.embed_text[:EMBEDDED_CHARACTERS] for candidate in chosen]
        if question_vector is not None:
            return self._embedder.encode(texts), question_vector
        vectors = self._embedder.encode([*texts, question])
        return vectors[:-1], vectors[-1]


def _weigh(weights: dict[str, float]) -> NDArray[np.float64]:
    return np.array([weights.get(name, 0.0) for name in FEATURE_NAMES])


def summarise(features: Matrix, best: int) -> dict[str, float]:
    """Return what the decision to answer rests on: the best sentence, and the best cosine."""
    summary = dict(zip(FEATURE_NAMES, features[best].tolist(), strict=True))
    summary["best_cosine"] = summary["cosine"] + summary["best_cosine_gap"]
    return summary


def _estimate_confidence(
    text: str, question: Question, candidate: Candidate, features: Matrix, best: int
) -> float:
    if has_cjk(text):
        # The model knows few of these characters; shared ones tell more than its vectors.
        return _squash(10 * (question.cover(candidate.nearby) - 0.45))
    summary = summarise(features, best)
    return _squash(sum(weight * summary[name] for name, weight in ANSWER_WEIGHTS.items()))


def _squash(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def _pick(
    scores: NDArray[np.float64], vectors: Vectors, chosen: Sequence[Candidate]
) -> list[Candidate]:
    """Take the best sentence and those nearly as likely that say something else."""
    order = np.argsort(-scores, kind="stable")
    floor = _squash(float(scores[order[0]])) * COMPANION_RATIO
    picked: list[int] = []
    for index in order:
        if len(picked) == MAX_SENTENCES or _squash(float(scores[index])) < floor:
            break
        if all(float(vectors[index] @ vectors[other]) < SAME_MEANING for other in picked):
            picked.append(int(index))
    return [chosen[index] for index in picked]


def _add_antecedent(picked: list[Candidate], candidates: Sequence[Candidate]) -> list[Candidate]:
    """Add the sentence before the best one if that leans on it, such as "It was ..."."""
    best = picked[0]
    if len(picked) == MAX_SENTENCES or not leans_back(best.sentence.text):
        return picked
    position = candidates.index(best)
    before = candidates[position - 1] if position else None
    if before is None or before.passage_index != best.passage_index or before in picked:
        return picked
    return [best, before, *picked[1:]]


def _cite(candidates: Sequence[Candidate]) -> tuple[CitedSentence, ...]:
    """Order by passage, the best sentence's first, then as in the text."""
    first_seen: dict[int, int] = {}
    for candidate in candidates:
        first_seen.setdefault(candidate.passage_index, len(first_seen))
    ordered = sorted(candidates, key=lambda c: (first_seen[c.passage_index], c.sentence.start))
    return tuple(
        CitedSentence(c.sentence.text, c.passage_index, c.sentence.start, c.sentence.end)
        for c in ordered
    )
