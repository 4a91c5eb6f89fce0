"""Client of `/v1/embeddings`: vLLM, Ollama, text-embeddings-inference, hosted services."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import Any

import aiohttp
import numpy as np
import orjson

from inference.errors import ModelError
from inference.http_reading import read_body
from inference.http_session import get_session
from inference.openai import client
from inference.openai.client import RETRIES, OpenAIClient
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
        body = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        body |= self._extra_body
        for attempt in range(RETRIES + 1):
            try:
                return parse_vectors(await self._post_embeddings(body), count=len(texts))
            except ModelError as error:
                if attempt == RETRIES or not client.may_retry(error):
                    raise
                delay = client.retry_delay(error, attempt)
            await asyncio.sleep(delay)
        raise AssertionError("unreachable")

    async def _post_embeddings(self, body: dict[str, Any]) -> bytes:
        session = get_session(self._check_address)
        async with self._translate_errors(), asyncio.timeout(self._timeouts.first_token):
            response = await session.post(
                f"{self._base_url}/embeddings",
                data=orjson.dumps(body),
                headers=self._headers,
                allow_redirects=False,
                timeout=self._client_timeout(),
            )
            try:
                return await self._read_vectors(response)
            finally:
                response.release()

    async def _read_vectors(self, response: aiohttp.ClientResponse) -> bytes:
        if response.status != 200:
            text = await read_body(response, limit=client.MAX_ERROR_BYTES)
            raise self._explain(response, text)
        return await read_body(response, limit=MAX_VECTORS_BYTES)


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
