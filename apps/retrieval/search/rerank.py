"""A second reading of the best candidates, by a model that sees question and passage together."""

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
"""A model trained to rerank knows better than the search."""
LATE_SHARE = 0.4
"""Token vectors of a model that was not trained for it add to the search, no more."""


def rerank_hits(
    question: str,
    hits: Sequence[Hit],
    *,
    depth: int,
    reranker: Reranker,
    share: float = ENDPOINT_SHARE,
) -> tuple[list[Hit], str]:
    """The first `depth` in the reranker's order, the others behind them, and what went wrong.

    A reranker that fails leaves the order as it was: an answer from the search is better than
    none.
    """
    head, tail = list(hits[:depth]), list(hits[depth:])
    try:
        scores = reranker(question, [text_to_rerank(hit) for hit in head])
    except ModelError as error:
        return [*head, *tail], f"Not reranked: {error.message}"
    return [*mix(head, to_unit(scores), share=share), *_below(tail)], ""


def rerank_late(question: str, hits: Sequence[Hit], *, depth: int) -> list[Hit]:
    """The first `depth` by search and late interaction together, the others behind them."""

    def score(question: str, texts: Sequence[str]) -> list[float]:
        return score_late(get_token_encoder(), question, texts)

    return rerank_hits(question, hits, depth=depth, reranker=score, share=LATE_SHARE)[0]


def text_to_rerank(hit: Hit) -> str:
    """What a reranker reads of a passage: where it stands, and its words."""
    return f"{hit.heading}\n{hit.text}" if hit.heading else hit.text


def _below(hits: Sequence[Hit]) -> list[Hit]:
    """In the same order, with scores below those of the reranked, which run from 0 to 1."""
    return [replace(hit, score=-float(place)) for place, hit in enumerate(hits, start=1)]
