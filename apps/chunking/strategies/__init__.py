"""The chunking strategies by their keys. A new one is a function and an entry here."""

from __future__ import annotations

from apps.chunking.strategies import fixed, parent_child, recursive, semantic, structure
from apps.chunking.strategies.base import (
    ChunkingSource,
    EmbedderMissingError,
    Strategy,
    Values,
)

STRATEGIES: dict[str, Strategy] = {
    strategy.key: strategy
    for module in (recursive, structure, fixed, semantic, parent_child)
    for strategy in module.STRATEGIES
}
DEFAULT_STRATEGY = "recursive"


class UnknownStrategyError(LookupError):
    """There is no strategy of this key."""


def get_strategy(key: str) -> Strategy:
    """The strategy with this key. Raises UnknownStrategyError."""
    try:
        return STRATEGIES[key]
    except KeyError:
        raise UnknownStrategyError(key) from None


__all__ = [
    "DEFAULT_STRATEGY", "STRATEGIES", "ChunkingSource", "EmbedderMissingError", "Strategy",
    "UnknownStrategyError", "Values", "get_strategy",
]  # fmt: skip
