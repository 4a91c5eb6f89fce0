"""From search hits to the passages that are read: drop near copies, then fit the budget."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol, TypeVar

from inference.token_estimate import estimate_tokens

WORD = re.compile(r"\w+", re.UNICODE)
NEAR_COPY = 0.85
"""Jaccard similarity of two passages' word sets from which the second adds nothing."""
FENCE_TOKENS = 24
"""What the fence around a passage takes, with its number and its source."""


class HasText(Protocol):
    @property
    def text(self) -> str: ...
    @property
    def readable(self) -> str: ...


H = TypeVar("H", bound=HasText)


def _similarity(a: set[str], b: set[str]) -> float:
    union = len(a | b)
    return len(a & b) / union if union else 1.0


def select_passages(hits: Sequence[H], *, limit: int, token_budget: int) -> list[H]:
    """The best hits in their order: at most `limit`, no near copies, within the token budget.

    The first hit is always kept, so that a tiny budget still leaves something to answer from.
    """
    chosen: list[H] = []
    words: list[set[str]] = []
    spent = 0
    for hit in hits:
        if len(chosen) == limit:
            break
        cost = estimate_tokens(hit.readable) + FENCE_TOKENS
        if chosen and spent + cost > token_budget:
            continue
        own = set(WORD.findall(hit.text.lower()))
        if any(_similarity(own, other) >= NEAR_COPY for other in words):
            continue
        chosen.append(hit)
        words.append(own)
        spent += cost
    return chosen
