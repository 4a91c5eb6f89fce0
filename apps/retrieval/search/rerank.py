"""Reranks the best candidates with a model that sees the question and a chunk together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from apps.retrieval.search.fusion import mix, to_unit
from apps.retrieval.search.hits import Hit
from apps.retrieval.search.token_models import get_token_encoder
from inference.errors import ModelError
from inference.late_interaction import score_late

Reranker = Callable[[str, Sequence[str]], Sequence[float]]
"""Scores for texts, higher is better, given the question. Blocking; may raise ModelError."""

ENDPOINT_SHARE = 1.0
"""A model trained for reranking replaces the order of the search."""
LATE_SHARE = 0.4
"""Token vectors of a model that was not trained for reranking only adjust that order."""


def rerank_hits(
    question: str,
    hits: Sequence[Hit],
    *,
    depth: int,
    reranker: Reranker,
    share: float = ENDPOINT_SHARE,
) -> tuple[list[Hit], str]:
    """The first `depth` in the reranker's order, then the others; and a sentence if it failed.

    If the reranker fails, the order of the search is kept: that is better than no answer.
    """
    head, tail = list(hits[:depth]), list(hits[depth:])
    try:
        scores = reranker(question, [text_to_rerank(hit) for hit in head])
    except ModelError as error:
        return [*head, *tail], f"Not reranked: {error.message}"
    return [*mix(head, to_unit(scores), share=share), *_below(tail)], ""


def rerank_late(question: str, hits: Sequence[Hit], *, depth: int) -> list[Hit]:
    """The first `depth` by search and late interaction combined, then the others."""

    def score(question: str, texts: Sequence[str]) -> list[float]:
        return score_late(get_token_encoder(), question, texts)

    return rerank_hits(question, hits, depth=depth, reranker=score, share=LATE_SHARE)[0]


def text_to_rerank(hit: Hit) -> str:
    """What a reranker reads of a chunk: its heading path and its text, table rows in words."""
    return f"{hit.heading}\n{hit.words}" if hit.heading else hit.words


def _below(hits: Sequence[Hit]) -> list[Hit]:
    """In the same order, with scores below those of the reranked, which run from 0 to 1."""
    return [replace(hit, score=-float(place)) for place, hit in enumerate(hits, start=1)]
