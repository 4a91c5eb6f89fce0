"""Embeddings of a model server behind the interface of a local model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

import numpy as np

from inference.background import run_blocking
from inference.errors import ModelError
from inference.openai.embeddings import EmbeddingsClient
from inference.openai.wire import make_error
from inference.protocols import Vectors

BATCH_TEXTS = 32
REQUESTS_AT_ONCE = 4
CHARS_PER_TOKEN = 4
SHORTEN_TIMES = 8
"""How many times a text that is too long for the model is cut by a quarter."""


class RemoteEmbedder:
    """Vectors from ``/v1/embeddings``. Safe to use from several threads at once.

    The server's tokenizer is not known here: tokens are estimated from characters, and a text
    that the server calls too long is sent again, shorter.
    """

    def __init__(
        self,
        client: EmbeddingsClient,
        *,
        name: str,
        dimensions: int,
        max_tokens: int = 512,
        query_prefix: str = "",
        passage_prefix: str = "",
    ) -> None:
        self._client = client
        self._name, self._dimensions, self._max_tokens = name, dimensions, max_tokens
        self._query_prefix, self._passage_prefix = query_prefix, passage_prefix

    @property
    def name(self) -> str:
        """What indexes know the model by."""
        return self._name

    @property
    def dimensions(self) -> int:
        """Length of every vector."""
        return self._dimensions

    @property
    def max_tokens(self) -> int:
        """As configured; the server has the last word."""
        return self._max_tokens

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of shape (len(texts), dimensions), float32, in order.

        Raises ``ModelError``, also when the server's vectors have another length.
        """
        return run_blocking(self._encode([self._passage_prefix + text for text in texts]))

    def encode_query(self, text: str) -> Vectors:
        """Return one unit vector of shape (dimensions,), float32. Raises ``ModelError``."""
        return cast(Vectors, run_blocking(self._encode([self._query_prefix + text]))[0])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return estimates: a token is taken for four characters."""
        return [-(-len(text) // CHARS_PER_TOKEN) for text in texts]

    async def _encode(self, texts: list[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self._dimensions), np.float32)
        gate = asyncio.Semaphore(REQUESTS_AT_ONCE)

        async def run(batch: list[str]) -> Vectors:
            async with gate:
                return await self._embed(batch)

        batches = [texts[at : at + BATCH_TEXTS] for at in range(0, len(texts), BATCH_TEXTS)]
        vectors = np.concatenate(await asyncio.gather(*(run(batch) for batch in batches)))
        return normalise(vectors)

    async def _embed(self, batch: list[str]) -> Vectors:
        try:
            vectors = await self._client.embed(batch)
        except ModelError as error:
            if error.kind != "too_long":
                raise
            vectors = np.stack([await self._embed_shortened(text) for text in batch])
        if vectors.shape[1] != self._dimensions:
            raise make_error(
                "invalid_response",
                f"Its vectors have {vectors.shape[1]} numbers instead of {self._dimensions}: "
                "it serves another model than before.",
            )
        return vectors

    async def _embed_shortened(self, text: str) -> Vectors:
        for attempt in range(SHORTEN_TIMES + 1):
            try:
                return cast(Vectors, (await self._client.embed([text]))[0])
            except ModelError as error:
                if error.kind != "too_long" or attempt == SHORTEN_TIMES:
                    raise
                text = text[: max(1, len(text) * 3 // 4)]
        raise AssertionError("unreachable")


def normalise(vectors: Vectors) -> Vectors:
    """Rows of length one; a row of zeros stays as it is."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return cast(Vectors, (vectors / np.where(norms == 0, 1, norms)).astype(np.float32))
