"""Likeness of meaning, by the vectors of an embedding model."""

from __future__ import annotations

from collections.abc import Sequence

from inference.sentences import split_sentences
from measures.evaluators.base import (
    Evaluator,
    Need,
    Observation,
    Score,
    TextEmbedder,
    Tools,
    failed,
    not_applicable,
)
from measures.evaluators.matching import NEEDS


def embedding_similarity(answer: str, expected: Sequence[str], *, embedder: TextEmbedder) -> float:
    """Highest cosine between the answer's vector and an expected answer's, below 0 as 0.

    The value depends on the model; compare only what the same model has scored. Opposites
    ("rose", "fell") are close for every such model.
    """
    vectors = embedder.encode([answer, *expected])
    return _clip(float((vectors[1:] @ vectors[0]).max()))


def answer_relevance(question: str, answer: str, *, embedder: TextEmbedder) -> float:
    """Mean cosine between the question and the answer's three closest sentences, 0 to 1.

    Ragas (Es et al., 2023) has a model write questions that the answer would answer and compares
    those; without a model, the sentences themselves stand for them. It tells an answer that is
    about something else from one that is to the point; it cannot tell whether it is right.
    """
    sentences = [sentence.text for sentence in split_sentences(answer)][:40]
    if not sentences:
        return 0.0
    vectors = embedder.encode([question, *sentences])
    cosines = sorted((float(v) for v in vectors[1:] @ vectors[0]), reverse=True)[:3]
    return _clip(sum(cosines) / len(cosines))


def _clip(value: float) -> float:
    return min(1.0, max(0.0, value))


def _similarity(observation: Observation, tools: Tools) -> Score:
    if not observation.expected_answers:
        return not_applicable("No expected answer.")
    if tools.embedder is None:
        return failed("No embedding model was given.")
    answers = observation.expected_answers
    return Score(embedding_similarity(observation.answer, answers, embedder=tools.embedder))


def _relevance(observation: Observation, tools: Tools) -> Score:
    if observation.declined:
        return not_applicable("The assistant declined.")
    if tools.embedder is None:
        return failed("No embedding model was given.")
    return Score(
        answer_relevance(observation.question, observation.answer, embedder=tools.embedder)
    )


EVALUATORS = (
    Evaluator(
        "embedding_similarity", "Embedding similarity",
        "How close answer and expected answer are in meaning, as the embedding model sees it.",
        "answer", NEEDS | {Need.EMBEDDER}, "Cosine of sentence embeddings", _similarity,
    ),
    Evaluator(
        "answer_relevance", "Answer relevance",
        "Whether the answer is about what was asked; not whether it is right.",
        "answer", frozenset({Need.QUESTION, Need.ANSWER, Need.EMBEDDER}),
        "After Es et al., 2023 (Ragas), without a model", _relevance,
    ),
)  # fmt: skip
