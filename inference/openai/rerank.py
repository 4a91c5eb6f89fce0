"""Client of `/rerank`: vLLM, text-embeddings-inference behind a proxy, Jina, Cohere and others."""

from __future__ import annotations

import math
from collections.abc import Sequence

import orjson

from inference.openai.client import MAX_BODY_BYTES, OpenAIClient
from inference.openai.wire import make_error

RERANK_SECONDS = 20.0
"""A person is waiting: after this long, the order that search gave is the better answer."""


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
        data = await self._fetch("/rerank", body, limit=MAX_BODY_BYTES, seconds=RERANK_SECONDS)
        return parse_scores(data, count=len(texts))


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
