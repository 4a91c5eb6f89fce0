"""Client of `/v1/embeddings`: vLLM, Ollama, text-embeddings-inference, hosted services."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from inference.errors import ModelError
from inference.openai.client import RETRIES, OpenAIClient, may_retry, retry_delay
from inference.openai.wire import make_error
from inference.protocols import Vectors

MAX_VECTORS_BYTES = 64 << 20


class EmbeddingsClient(OpenAIClient):
    """One embedding model on one server; made like a chat client."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32 vectors of shape (len(texts), d) as the server gives them, in order.

        Raises ``ModelError``; of kind "too_long" when a text is longer than the model reads.
        What waiting can help is tried three times.
        """
        request = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        body = request | self._extra_body
        for attempt in range(RETRIES + 1):
            try:
                data = await self._fetch("/embeddings", body, limit=MAX_VECTORS_BYTES)
                return parse_vectors(data, count=len(texts))
            except ModelError as error:
                if attempt == RETRIES or not may_retry(error):
                    raise
                delay = retry_delay(error, attempt)
            await asyncio.sleep(delay)
        raise AssertionError("unreachable")


def parse_vectors(data: bytes, *, count: int) -> Vectors:
    """Read an embeddings response: numbers, or base64 of little-endian float32.

    Raises ``ModelError`` unless there are ``count`` finite vectors of one length.
    """
    try:
        rows = sorted(orjson.loads(data)["data"], key=lambda row: int(row.get("index", 0)))
        vectors = np.array([_read_vector(row["embedding"]) for row in rows], np.float32)
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise make_error("invalid_response") from error
    if vectors.ndim != 2 or len(vectors) != count or not np.isfinite(vectors).all():
        raise make_error("invalid_response", "Its vectors are not what was asked for.")
    return vectors


def _read_vector(value: object) -> Any:
    if isinstance(value, str):
        return np.frombuffer(base64.b64decode(value, validate=True), "<f4")
    return value
