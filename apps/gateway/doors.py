from __future__ import annotations

from uuid import UUID

from apps.core.doors import door


@door(answered_by="retrieval")
def count_model_uses(workspace_id: UUID, model: str) -> int:
    """How many indexes of a workspace were built with the embedding model of this name."""
    raise NotImplementedError
