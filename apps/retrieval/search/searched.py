"""Which indexes a search reads, and how, for its trace.

Read at most once a second in each process, as every question asks for it and it seldom changes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from apps.retrieval.models import Index, IndexState, Label
from apps.retrieval.vectors.words import ONE_BY_ONE, name_built

KEPT_SECONDS = 1.0
MAX_KEPT = 10_000
SearchScope = tuple[UUID | None, ...]


@dataclass(frozen=True, slots=True)
class SearchedIndex:
    """An index that a search reads. `vectors` says how; `labels` what stands before passages."""

    index_id: UUID
    collection_id: UUID
    collection: str
    embedding_model: str
    vectors: str
    is_exact: bool
    labels: tuple[str, ...]

    def __str__(self) -> str:
        """In words, as traces show it."""
        parts = [self.vectors.lower() if self.is_exact else self.vectors, self.embedding_model]
        if self.labels:
            names = ", ".join(Label(label).label.lower() for label in self.labels)
            parts.append(f"with {names} in front of passages")
        return f"{self.collection}: {'; '.join(parts)}"


_kept: dict[SearchScope, tuple[float, tuple[SearchedIndex, ...]]] = {}


def list_searched(
    workspace_id: UUID, collection_ids: Sequence[UUID], *, index_id: UUID | None = None
) -> tuple[SearchedIndex, ...]:
    """The indexes that a search of these collections reads, by the name of their collection."""
    scope = (workspace_id, index_id, *collection_ids)
    until, known = _kept.get(scope, (0.0, ()))
    if time.monotonic() < until:
        return known
    if len(_kept) >= MAX_KEPT:
        _kept.clear()
    indexes = _read(workspace_id, collection_ids, index_id)
    _kept[scope] = (time.monotonic() + KEPT_SECONDS, indexes)
    return indexes


def forget_searched() -> None:
    """Make the next search of this process read the indexes again."""
    _kept.clear()


def _read(
    workspace_id: UUID, collection_ids: Sequence[UUID], index_id: UUID | None
) -> tuple[SearchedIndex, ...]:
    rows = Index.objects.filter(workspace_id=workspace_id, collection__in=collection_ids)
    chosen = rows.filter(pk=index_id) if index_id else rows.filter(state=IndexState.LIVE)
    indexes = list(chosen.select_related("collection").order_by("collection__name", "pk"))
    # Few passages are compared one by one even where a vector index is there: see `large`.
    is_small = sum(index.num_chunks for index in indexes) <= settings.EXACT_SCAN_CHUNKS
    return tuple(
        SearchedIndex(
            index_id=index.pk,
            collection_id=index.collection_id,
            collection=index.collection.name,
            embedding_model=index.embedding_model,
            vectors=ONE_BY_ONE if is_small else name_built(index.ann_built),
            is_exact=is_small or not index.ann_built,
            labels=tuple(index.labels),
        )
        for index in indexes
    )
