"""Putting scores and lists together. Pure functions over hits.

The fusion of words and meaning happens in SQL (`sql`), where both scores of a candidate are at
hand; here is what comes before it (how much each counts) and after it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from apps.retrieval.search.hits import Hit
from apps.retrieval.search.profiles import RetrievalProfile

EVEN = 0.5
LITERAL = 0.4
"""The share of the meaning for questions that ask for a thing by its exact name."""
RANK_CONSTANT = 60
# "quoted words", error codes, snake_case, dotted.names(), CamelCase, --options
_EXACT_NAME = re.compile(
    r'"[^"]{2,}"|[“„«][^”“»]{2,}[”“»]|\b\w+_\w+|\b\w+\.\w+\(|\b\w*[a-z][A-Z]\w*|(?<!\w)--?[a-z][\w-]+'
    r"|\b(?=\w*\d)(?=\w*[A-Za-z])[\w-]{4,}\b|\b[A-Z]+-\d+\b"
)


def choose_weights(text: str, profile: RetrievalProfile) -> tuple[float, float]:
    """How much words and meaning count, together 1.

    Where the profile leaves it to the question: evenly, but words count more in one that quotes
    or that names an identifier, which a vector knows only roughly.
    """
    if profile.fusion == "rrf" and profile.vector_weight is None:
        return EVEN, EVEN
    share = profile.vector_weight
    if share is None:
        share = LITERAL if _EXACT_NAME.search(text) else EVEN
    return 1 - share, share


def to_unit(scores: Sequence[float]) -> list[float]:
    """From the least (0) to the most (1); all 1 where they are equal."""
    if not scores:
        return []
    least, most = min(scores), max(scores)
    if most == least:
        return [1.0] * len(scores)
    return [(score - least) / (most - least) for score in scores]


def mix(hits: Sequence[Hit], others: Sequence[float], *, share: float) -> list[Hit]:
    """Hits in a new order: their scores, brought to 0..1, and `share` of other scores in 0..1."""
    mixed = [
        replace(hit, score=(1 - share) * own + share * other)
        for hit, own, other in zip(hits, to_unit([hit.score for hit in hits]), others, strict=True)
    ]
    return sorted(mixed, key=lambda hit: -hit.score)


def fuse_by_rank(lists: Sequence[Sequence[Hit]], *, weights: Sequence[float]) -> list[Hit]:
    """One list of several: a chunk's score is the sum of weight / (60 + rank)."""
    scores: dict[int, float] = {}
    merged: dict[int, Hit] = {}
    for hits, weight in zip(lists, weights, strict=True):
        for rank, hit in enumerate(hits, start=1):
            known = merged.get(hit.chunk_id)
            scores[hit.chunk_id] = scores.get(hit.chunk_id, 0.0) + weight / (RANK_CONSTANT + rank)
            merged[hit.chunk_id] = hit if known is None else _merge(known, hit)
    return sort_by(merged, scores)


def _merge(one: Hit, other: Hit) -> Hit:
    """The same chunk, found by words and by meaning."""
    words, meaning = (one, other) if one.lexical_rank is not None else (other, one)
    return replace(words, similarity=meaning.similarity, vector_rank=meaning.vector_rank)


def join_lists(lists: Sequence[Sequence[Hit]]) -> list[Hit]:
    """One list from the lists of several questions: by the sum of 1 / (60 + rank).

    A passage keeps what the first list that has it says about it.
    """
    scores: dict[int, float] = {}
    first: dict[int, Hit] = {}
    for hits in lists:
        for rank, hit in enumerate(hits, start=1):
            scores[hit.chunk_id] = scores.get(hit.chunk_id, 0.0) + 1 / (RANK_CONSTANT + rank)
            first.setdefault(hit.chunk_id, hit)
    return sort_by(first, scores)


def sort_by(hits: Mapping[int, Hit], scores: Mapping[int, float]) -> list[Hit]:
    """Hits with these scores, the highest first, equal ones by id."""
    order = sorted(hits, key=lambda chunk_id: (-scores[chunk_id], chunk_id))
    return [replace(hits[chunk_id], score=scores[chunk_id]) for chunk_id in order]
