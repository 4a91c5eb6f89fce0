"""Client of `/rerank`: vLLM, text-embeddings-inference behind a proxy, Jina, Cohere and alike."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

import aiohttp
import orjson

from inference.http_reading import read_body
from inference.http_session import get_session
from inference.openai import client
from inference.openai.client import MAX_BODY_BYTES, OpenAIClient
from inference.openai.wire import make_error

RERANK_SECONDS = 20.0
"""A person waits for it: later the order that search found is the better answer."""


class RerankClient(OpenAIClient):
    """One reranking model on one server; made like a chat client."""

    async def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return a score for each text, higher is more relevant, in the order of ``texts``.

        Raises ``ModelError``. Scales differ between models: compare scores of one call only.
        """
        if not texts:
            return []
        body = {
            "model": self._model,
            "query": query,
            "documents": list(texts),
            "top_n": len(texts),
            "return_documents": False,
        } | self._extra_body
        async with self._translate_errors(), asyncio.timeout(RERANK_SECONDS):
            response = await get_session(self._check_address).post(
                f"{self._base_url}/rerank",
                data=orjson.dumps(body),
                headers=self._headers,
                allow_redirects=False,
                timeout=self._client_timeout(),
            )
            try:
                return parse_scores(await self._read_scores(response), count=len(texts))
            finally:
                response.release()

    async def _read_scores(self, response: aiohttp.ClientResponse) -> bytes:
        if response.status != 200:
            text = await read_body(response, limit=client.MAX_ERROR_BYTES)
            raise self._explain(response, text)
        return await read_body(response, limit=MAX_BODY_BYTES)


def parse_scores(data: bytes, *, count: int) -> list[float]:
    """Read `{"results": [{"index", "relevance_score"}, ...]}`, in any order.

    Raises ``ModelError`` unless each of ``count`` texts has one finite score.
    """
    try:
        scores = {
            int(row["index"]): float(row["relevance_score"])
            for row in orjson.loads(data)["results"]
        }
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError) as error:
        raise make_error("invalid_response") from error
    if sorted(scores) != list(range(count)) or not all(map(math.isfinite, scores.values())):
        raise make_error("invalid_response", "Its scores are not what was asked for.")
    return [scores[index] for index in range(count)]
