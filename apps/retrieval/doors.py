from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from apps.core.doors import door


@door(answered_by="chat")
def list_recent_questions(workspace_id: UUID, collection_id: UUID, limit: int) -> Sequence[str]:
    """What people asked lately of assistants that answer from a collection, the latest first."""
    raise NotImplementedError
