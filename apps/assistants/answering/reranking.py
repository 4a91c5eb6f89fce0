"""A reranker from the workspace's endpoints, handed to search, which cannot import gateway."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from apps.gateway.clients import make_rerank_client
from apps.gateway.models import Endpoint
from apps.retrieval.search.profiles import RetrievalProfile
from apps.retrieval.search.rerank import Reranker
from inference.background import run_blocking


def find_reranker(workspace_id: UUID, profile: RetrievalProfile) -> Reranker | None:
    """The profile's reranker; None if it names no endpoint, or one that was deleted.

    The reranker blocks until the server has answered, and raises ModelError if it does not.
    """
    if profile.rerank != "endpoint":
        return None
    try:
        endpoint_id = UUID(profile.rerank_endpoint)
    except ValueError:
        return None
    endpoint = Endpoint.objects.filter(workspace_id=workspace_id, pk=endpoint_id).first()
    if endpoint is None:
        return None

    def rerank(question: str, texts: Sequence[str]) -> Sequence[float]:
        return run_blocking(make_rerank_client(endpoint).rerank(question, texts))

    return rerank
