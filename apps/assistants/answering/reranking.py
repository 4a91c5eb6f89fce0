"""A reranker from the workspace's endpoints, handed to search, which cannot import gateway."""

from __future__ import annotations

from collections.abc import Sequence

from apps.gateway.clients import make_rerank_client
from apps.gateway.models import Endpoint
from apps.retrieval.search.rerank import Reranker
from inference.background import run_blocking


def make_reranker(endpoint: Endpoint | None) -> Reranker | None:
    """A reranker that asks the endpoint; None without one.

    It blocks until the server has answered, and raises ModelError if it does not.
    """
    if endpoint is None:
        return None

    def rerank(question: str, texts: Sequence[str]) -> Sequence[float]:
        return run_blocking(make_rerank_client(endpoint).rerank(question, texts))

    return rerank
