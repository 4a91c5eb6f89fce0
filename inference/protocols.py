"""What the rest of the product may expect from an embedder and from a chat model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from inference.types import ChatDelta, ChatMessage, Sampling

Vectors: TypeAlias = NDArray[np.float32]


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into unit vectors. Implementations are safe to call from several threads."""

    @property
    def name(self) -> str:
        """Identifier stored beside the vectors; vectors of different names do not mix."""

    @property
    def dimensions(self) -> int:
        """Length of every vector."""

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read, special tokens included; the rest is ignored."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 vectors of shape (len(texts), dimensions), L2-normalised, in order."""

    def encode_query(self, text: str) -> Vectors:
        """Return one L2-normalised float32 vector of shape (dimensions,), with low latency."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return tokens per text, untruncated and without special tokens."""


@runtime_checkable
class ChatModel(Protocol):
    """Answers a conversation piece by piece."""

    def stream(
        self, messages: Sequence[ChatMessage], *, sampling: Sampling
    ) -> AsyncIterator[ChatDelta]:
        """Yield the answer as it is written.

        Raises ``ModelError``. Closing the iterator, or cancelling the task that reads it, ends
        the request at once.
        """
