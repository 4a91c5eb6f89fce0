"""Cutting pages by a strategy with the product's embedding model. Nothing is stored here."""

from __future__ import annotations

from collections.abc import Sequence

from apps.chunking.splitters import Piece
from apps.chunking.strategies import ChunkingSource, Values, get_strategy
from apps.chunking.units import PageText
from apps.core.embedder import get_embedder

SPECIAL_TOKENS = 2
"""Which the model adds around every text."""


def token_room() -> int:
    """How many tokens of a chunk the embedding model reads, its heading path included."""
    return get_embedder().max_tokens - SPECIAL_TOKENS


def open_source(pages: Sequence[PageText]) -> ChunkingSource:
    """A document for a strategy to cut, with the built-in model's tokens and vectors.

    Raises `inference.errors.ModelFilesError` when the model was not prepared.
    """
    embedder = get_embedder()
    return ChunkingSource(
        pages=pages,
        count_tokens=embedder.count_tokens,
        room=embedder.max_tokens - SPECIAL_TOKENS,
        embed=embedder.encode,
    )


def cut_pages(pages: Sequence[PageText], *, splitter: str, values: Values) -> list[Piece]:
    """The chunks of a document, in order. `values` are complete, as a profile holds them.

    Raises UnknownStrategyError. Blocking: a strategy may embed every sentence.
    """
    return get_strategy(splitter).cut(open_source(pages), values)
