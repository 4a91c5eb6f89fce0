"""The numbers of BM25. Pure."""

from __future__ import annotations

import math
from typing import Any

K1, B = 1.2, 0.75


def bm25_weight(count: int, num_with_term: int, num_chunks: int) -> float:
    """Of a term that stands `times` in the question and in `found` of `chunks` passages.

    It includes k1 + 1, so that it is what the term brings at the very most.
    """
    num_with_term = min(num_with_term, num_chunks)
    return (
        count * (K1 + 1) * math.log(1 + (num_chunks - num_with_term + 0.5) / (num_with_term + 0.5))
    )


def bm25_share(frequency: Any, length: Any, *, mean_length: float) -> Any:
    """Of its weight what a term brings to a passage, from 0 to 1: numbers, or arrays of them.

    f / (f + k1 (1 - b + b l / mean)): BM25 without IDF and k1 + 1.
    """
    return frequency / (frequency + K1 * (1 - B) + K1 * B / mean_length * length)
