"""Deterministic stand-ins for models, for tests that need no weights and no server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast
from zlib import crc32

import numpy as np

from inference.protocols import Vectors

_WORD = re.compile(r"\w+")


class HashEmbedder:
    """Bag-of-words vectors: texts that share words are close. Same text, same vector, anywhere."""

    name = "hash-384"
    dimensions = 384
    max_tokens = 256

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of shape (len(texts), 384), float32."""
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in enumerate(texts):
            for word in _WORD.findall(text.lower())[: self.max_tokens]:
                value = crc32(word.encode())
                vectors[row, value % self.dimensions] += 1.0
                # A second place makes an accidental meeting of two words half as strong.
                vectors[row, (value >> 16) % self.dimensions] += 1.0
            if not vectors[row].any():
                vectors[row, 0] = 1.0
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return cast(Vectors, (vectors / norms).astype(np.float32))

    def encode_query(self, text: str) -> Vectors:
        """Return one unit vector of shape (384,), float32."""
        return cast(Vectors, self.encode([text])[0])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return words per text."""
        return [len(_WORD.findall(text)) for text in texts]


class HashTokenEncoder:
    """A vector for each word: the same word, the same vector."""

    def encode_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        """Return unit vectors of shape (words, 384) for each text."""
        embedder = HashEmbedder()
        return [embedder.encode(_WORD.findall(text)) for text in texts]
