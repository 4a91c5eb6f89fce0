from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from apps.core.doors import door


@door(answered_by="retrieval")
def count_model_uses(workspace_id: UUID, model: str) -> int:
    """How many indexes of a workspace were built with the embedding model of this name."""
    raise NotImplementedError


@door(answered_by="assistants")
def list_endpoint_uses(workspace_id: UUID) -> Mapping[UUID, Sequence[str]]:
    """What asks each endpoint now, such as `Support desk (reranking)`, by the endpoint's id."""
    raise NotImplementedError
