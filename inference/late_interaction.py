"""Late interaction: question and passage compared token by token (Khattab and Zaharia 2020).

Each token of the question is matched with the most similar token of the passage, and the passage's
score is the mean of these similarities. Tokens are vectors in context, so "car" matches "vehicle".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from inference.protocols import Vectors


class TokenEncoder(Protocol):
    """Turns texts into one unit vector for each token. Safe to use from several threads."""

    def encode_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        """Return float32 arrays of shape (tokens of the text, d), without special tokens."""


def score_late(encoder: TokenEncoder, question: str, texts: Sequence[str]) -> list[float]:
    """Return the mean best cosine of the question's tokens for each text, -1 to 1."""
    query, *passages = encoder.encode_tokens([question, *texts])
    return [max_sim(query, tokens) for tokens in passages]


def max_sim(query: Vectors, tokens: Vectors) -> float:
    """The mean over the rows of `query` of the greatest cosine to a row of `tokens`; 0 if empty."""
    if not len(query) or not len(tokens):
        return 0.0
    return float(np.max(query @ tokens.T, axis=1).mean())
