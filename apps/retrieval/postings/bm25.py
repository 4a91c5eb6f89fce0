"""The numbers of BM25. Pure."""

from __future__ import annotations

import math
from typing import Any

K1, B = 1.2, 0.75


def bm25_weight(count: int, num_with_term: int, num_chunks: int) -> float:
    """The weight of a term that occurs `count` times in the question.

    `num_with_term` of `num_chunks` chunks contain it.

    The weight includes the factor k1 + 1, so it is the most that the term can add to a score.
    """
    num_with_term = min(num_with_term, num_chunks)
    return (
        count * (K1 + 1) * math.log(1 + (num_chunks - num_with_term + 0.5) / (num_with_term + 0.5))
    )


def bm25_share(frequency: Any, length: Any, *, mean_length: float) -> Any:
    """The share of its weight that a term adds to a chunk, 0 to 1; takes numbers or arrays.

    f / (f + k1 (1 - b + b l / mean)): BM25 without IDF and k1 + 1.
    """
    return frequency / (frequency + K1 * (1 - B) + K1 * B / mean_length * length)
