"""Which embedding models the live indexes of a search were built with.

Nearly all workspaces use the built-in one alone, so a search should not have to ask. Which indexes
use another is read at most once a second in each process.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.core.embedder import get_embedder
from apps.retrieval.models import Index, IndexState

KEPT_SECONDS = 1.0
MAX_WORKSPACES = 10_000


@dataclass(frozen=True, slots=True)
class _Read:
    until: float
    by_collection: Mapping[UUID, str]


_read: dict[UUID, _Read] = {}


def live_models(workspace_id: UUID, collection_ids: Sequence[UUID]) -> list[str]:
    """The models to embed a question with, each once; "" stands for the built-in one.

    A change within the last second may not be visible yet. A search then finds those chunks only
    by words, as it never compares vectors of another model.
    """
    now = time.monotonic()
    known = _read.get(workspace_id)
    if known is None or known.until < now:
        if len(_read) > MAX_WORKSPACES:
            _read.clear()
        known = _read[workspace_id] = _Read(now + KEPT_SECONDS, _find_others(workspace_id))
    if not known.by_collection:
        return [""]
    return sorted({known.by_collection.get(pk, "") for pk in collection_ids})


def forget_models(workspace_id: UUID) -> None:
    """Make the next search of this process read the models again."""
    _read.pop(workspace_id, None)


def _find_others(workspace_id: UUID) -> dict[UUID, str]:
    rows = Index.objects.filter(workspace_id=workspace_id, state=IndexState.LIVE).values_list(
        "collection_id", "embedding_model"
    )
    by_collection = dict(rows)
    if not by_collection:
        return {}
    builtin = get_embedder().name
    return {pk: model for pk, model in by_collection.items() if model != builtin}


def model_of_index(index_id: UUID) -> str:
    """The model of one index; "" stands for the built-in one."""
    name = Index.objects.values_list("embedding_model", flat=True).get(pk=index_id)
    return "" if name == get_embedder().name else name
