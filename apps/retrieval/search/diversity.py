"""Maximal marginal relevance: relevant chunks that do not repeat each other. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apps.retrieval.search.fusion import to_unit
from inference.protocols import Vectors


def diversify(scores: Sequence[float], vectors: Vectors, *, diversity: float) -> list[int]:
    """The order in which to read candidates (Carbonell and Goldstein 1998).

    Each step takes the candidate that maximises (1 - diversity) x score - diversity x its greatest
    cosine to those taken before, with scores scaled to 0..1. `vectors` are unit vectors of shape
    (candidates, d).
    """
    if not scores:
        return []
    relevance = (1 - diversity) * np.asarray(to_unit(scores))
    likeness = vectors @ vectors.T
    nearest = np.zeros(len(scores))
    order: list[int] = []
    left = np.ones(len(scores), bool)
    for _ in scores:
        gain = np.where(left, relevance - diversity * nearest, -np.inf)
        best = int(np.argmax(gain))
        order.append(best)
        left[best] = False
        nearest = np.maximum(nearest, likeness[best])
    return order
