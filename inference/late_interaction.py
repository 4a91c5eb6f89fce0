"""Late interaction: question and passage compared word by word (Khattab and Zaharia 2020).

Every word of the question looks for its best match among the words of the passage; a passage is
as good as the mean of these. Words stand for vectors in context, so "car" finds "vehicle".
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
    asked, *read = encoder.encode_tokens([question, *texts])
    return [max_sim(asked, tokens) for tokens in read]


def max_sim(asked: Vectors, tokens: Vectors) -> float:
    """The mean over the rows of `asked` of the greatest cosine to a row of `tokens`; 0 if empty."""
    if not len(asked) or not len(tokens):
        return 0.0
    return float(np.max(asked @ tokens.T, axis=1).mean())
