"""Features of a sentence as an answer to a question."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.protocols import Vectors
from inference.reader_text import (
    AnswerType,
    Words,
    detect_answer_type,
    leans_back,
    match_answer_type,
    read_question_words,
    read_words,
)
from inference.sentences import Sentence, split_sentences

Matrix = NDArray[np.float64]

# What is embedded of the sentence before, or of a table's header row.
CONTEXT_CHARACTERS = 160

FEATURE_NAMES = (
    "bias",
    "cosine",
    "best_cosine_gap",
    "coverage",
    "coverage_nearby",
    "coverage_passage",
    "missing_marked",
    "rarest_missing",
    "pairs",
    "type_match",
    "new_words",
    "centrality",
    "rank",
    "cosine_x_coverage",
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a passage with the words in it and around it.

    Where it leans on the sentence before ("It was ..."), the words of both count.
    """

    passage_index: int
    sentence: Sentence
    words: Words
    nearby: frozenset[str]
    around: frozenset[str]
    embed_text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its words, their weights, and the kind of answer it wants."""

    words: Words
    weights: dict[str, float]
    answer_type: AnswerType

    def cover(self, stems: frozenset[str]) -> float:
        """Return the weighted share of the question's words among ``stems``, 0 to 1."""
        total = sum(self.weights.values())
        if not total:
            return 0.0
        return sum(weight for stem, weight in self.weights.items() if stem in stems) / total


def collect_candidates(passages: Sequence[tuple[str, str]]) -> list[Candidate]:
    """Return the sentences of the passages (title, text) that could be shown as an answer.

    Headings and the header row of a table are not answers; they say what the rest is about.
    """
    return [
        candidate
        for index, (title, text) in enumerate(passages)
        for candidate in _read_passage(index, title, text)
    ]


def _read_passage(index: int, title: str, text: str) -> Iterator[Candidate]:
    sentences = split_sentences(text)
    words = [read_words(sentence.text) for sentence in sentences]
    about = read_words(title).unique
    around = about.union(*(entry.stems for entry in words))
    heading = header = ""
    for position, sentence in enumerate(sentences):
        if sentence.kind == "heading":
            heading = sentence.text.lstrip("# ")
            continue
        if sentence.kind != "row":
            header = ""
        elif not header:
            header = sentence.text
            if position + 1 < len(sentences) and sentences[position + 1].kind == "row":
                continue
        own, before = words[position], ""
        if position and leans_back(sentence.text):
            before = sentences[position - 1].text
            own = own.join(words[position - 1])
        elif header != sentence.text:
            before = header
        near = words[max(0, position - 1) : position + 2]
        context = read_words(f"{heading} {header}").unique
        yield Candidate(
            index,
            sentence,
            own,
            about.union(context, *(entry.stems for entry in near)),
            around,
            f"{before[-CONTEXT_CHARACTERS:]} {sentence.text}".strip(),
        )


def read_question(text: str, candidates: Sequence[Candidate]) -> Question:
    """Weigh the question's words: the rarer among the candidates, the heavier."""
    words = read_question_words(text)
    counts = Counter(stem for c in candidates for stem in c.words.unique)
    size = len(candidates) + 1
    weights = {s: math.log(1 + size / (counts[s] + 0.5)) for s in words.unique}
    return Question(words, weights, detect_answer_type(text))


def preselect(
    candidates: Sequence[Candidate], question: Question, *, limit: int
) -> list[Candidate]:
    """Keep the ``limit`` candidates that are worth embedding, best first."""
    scored = sorted(
        candidates,
        key=lambda c: (
            -(
                question.cover(c.words.unique)
                + 0.35 * question.cover(c.nearby)
                + 0.15 * max(0.0, _match_type(question, c))
                + 0.1 / (1 + c.passage_index)
            ),
            c.passage_index,
            c.sentence.start,
        ),
    )
    return scored[:limit]


def describe(
    question: Question, candidates: Sequence[Candidate], *, vectors: Vectors, target: Vectors
) -> Matrix:
    """Return the features, shape (candidates, features); ``target`` is the question's vector."""
    cosines = vectors @ target
    best = float(cosines.max(initial=0.0))
    among = vectors @ vectors.T
    count = max(1, len(candidates) - 1)
    rows = []
    for index, candidate in enumerate(candidates):
        cosine = float(cosines[index])
        coverage = question.cover(candidate.words.unique)
        rows.append(
            (
                1.0,
                cosine,
                best - cosine,
                coverage,
                question.cover(candidate.nearby),
                question.cover(candidate.around),
                _share_missing(question.words.marked, candidate.around),
                _rarest_missing(question, candidate.around),
                _share_pairs(question.words, candidate.words),
                _match_type(question, candidate),
                min(1.0, len(candidate.words.unique - question.words.unique) / 10),
                float(among[index].sum() - 1.0) / count,
                1.0 / (1 + candidate.passage_index),
                cosine * coverage,
            )
        )
    return np.array(rows, np.float64).reshape(len(candidates), len(FEATURE_NAMES))


def _match_type(question: Question, candidate: Candidate) -> float:
    return match_answer_type(
        question.answer_type, candidate.sentence.text, question=question.words.unique
    )


def _share_missing(marked: frozenset[str], present: frozenset[str]) -> float:
    return len(marked - present) / len(marked) if marked else 0.0


def _rarest_missing(question: Question, present: frozenset[str]) -> float:
    """Return the weight of the heaviest absent word, relative to the heaviest of all."""
    heaviest = max(question.weights.values(), default=0.0)
    missing = max((w for s, w in question.weights.items() if s not in present), default=0.0)
    return missing / heaviest if heaviest else 0.0


def _share_pairs(question: Words, sentence: Words) -> float:
    pairs = set(zip(question.stems, question.stems[1:], strict=False))
    present = set(zip(sentence.stems, sentence.stems[1:], strict=False))
    return len(pairs & present) / len(pairs) if pairs else 0.0
