"""Combines scores and lists. Pure functions over hits.

Words and meaning are fused in SQL (`sql`), where both scores of a candidate are available. Here
are the weights for that, and what follows it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from apps.retrieval.search.hits import Hit
from apps.retrieval.search.profiles import RetrievalProfile

EVEN = 0.5
LITERAL = 0.4
"""The weight of meaning for questions that ask for something by its exact name or by a number."""
RANK_CONSTANT = 60
# "quoted words", error codes, snake_case, dotted.names(), CamelCase, --options
_EXACT_NAME = re.compile(
    r'"[^"]{2,}"|[“„«][^”“»]{2,}[”“»]|\b\w+_\w+|\b\w+\.\w+\(|\b\w*[a-z][A-Z]\w*|(?<!\w)--?[a-z][\w-]+'
    r"|\b(?=\w*\d)(?=\w*[A-Za-z])[\w-]{4,}\b|\b[A-Z]+-\d+\b"
)
_NUMBER = re.compile(r"\d")
"""A year, an amount, a quarter, a section: vectors hardly tell 2018 from 2019."""


def choose_weights(text: str, profile: RetrievalProfile) -> tuple[float, float]:
    """The weights of words and of meaning; they sum to 1.

    If the profile leaves it to the question, both count the same, unless the question quotes or
    names an identifier, or has a number. Vectors represent these poorly, so words then count more.
    Names of people and companies are no reason: vectors know many of them (ADR 12).
    """
    if profile.fusion == "rrf" and profile.vector_weight is None:
        return EVEN, EVEN
    share = profile.vector_weight
    if share is None:
        is_literal = _EXACT_NAME.search(text) or _NUMBER.search(text)
        share = LITERAL if is_literal else EVEN
    return 1 - share, share


def to_unit(scores: Sequence[float]) -> list[float]:
    """Scores scaled so that the lowest is 0 and the highest 1; all 1 if they are equal."""
    if not scores:
        return []
    least, most = min(scores), max(scores)
    if most == least:
        return [1.0] * len(scores)
    return [(score - least) / (most - least) for score in scores]


def mix(hits: Sequence[Hit], others: Sequence[float], *, share: float) -> list[Hit]:
    """Hits in a new order: their scores, scaled to 0..1, mixed with `share` of others in 0..1."""
    mixed = [
        replace(hit, score=(1 - share) * own + share * other)
        for hit, own, other in zip(hits, to_unit([hit.score for hit in hits]), others, strict=True)
    ]
    return sorted(mixed, key=lambda hit: -hit.score)


def fuse_by_rank(lists: Sequence[Sequence[Hit]], *, weights: Sequence[float]) -> list[Hit]:
    """Several lists as one; a chunk's score is the sum of weight / (60 + rank)."""
    scores: dict[int, float] = {}
    merged: dict[int, Hit] = {}
    for hits, weight in zip(lists, weights, strict=True):
        for rank, hit in enumerate(hits, start=1):
            known = merged.get(hit.chunk_id)
            scores[hit.chunk_id] = scores.get(hit.chunk_id, 0.0) + weight / (RANK_CONSTANT + rank)
            merged[hit.chunk_id] = hit if known is None else _merge(known, hit)
    return sort_by(merged, scores)


def _merge(one: Hit, other: Hit) -> Hit:
    """One hit for a chunk that was found by words and by meaning."""
    words, meaning = (one, other) if one.lexical_rank is not None else (other, one)
    return replace(words, similarity=meaning.similarity, vector_rank=meaning.vector_rank)


def join_lists(lists: Sequence[Sequence[Hit]]) -> list[Hit]:
    """The lists of several questions as one, ordered by the sum of 1 / (60 + rank).

    A chunk's other values are those of the first list that contains it.
    """
    scores: dict[int, float] = {}
    first: dict[int, Hit] = {}
    for hits in lists:
        for rank, hit in enumerate(hits, start=1):
            scores[hit.chunk_id] = scores.get(hit.chunk_id, 0.0) + 1 / (RANK_CONSTANT + rank)
            first.setdefault(hit.chunk_id, hit)
    return sort_by(first, scores)


def sort_by(hits: Mapping[int, Hit], scores: Mapping[int, float]) -> list[Hit]:
    """Hits with these scores, the highest first; ties are broken by id."""
    order = sorted(hits, key=lambda chunk_id: (-scores[chunk_id], chunk_id))
    return [replace(hits[chunk_id], score=scores[chunk_id]) for chunk_id in order]
