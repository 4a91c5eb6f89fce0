"""Changes the vector index of an index, which needs no vector to be computed anew."""

from __future__ import annotations

from django.db import transaction

from apps.core import jobs
from apps.core.models import JobKind
from apps.retrieval.indexes.builds import WrongStateError
from apps.retrieval.models import AnnState, Index
from apps.retrieval.vectors import ann
from apps.workspaces.services import Actor, record_audit


@transaction.atomic
def change_vector_index(index: Index, *, kind: str, precision: str, actor: Actor) -> bool:
    """Set what an index's vector index is made of; True if one is being built because of it.

    Until that is done, searches use what was there before. A small index has none, and gets one
    of this kind once it is large. Raises WrongStateError for an index that was thrown away.
    """
    locked = Index.objects.select_for_update(no_key=True).filter(pk=index.pk, discarded_at=None)
    if not locked.exists():
        raise WrongStateError
    locked.update(ann_kind=kind, precision=precision)
    Index.objects.filter(pk=index.pk, ann_state=AnnState.FAILED).update(ann_state=AnnState.NONE)
    index.refresh_from_db()
    record_audit(
        index.workspace_id,
        actor=actor,
        action="index.vectors_changed",
        subject=index,
        detail={"collection": str(index.collection_id), "vector_index": f"{kind} {precision}"},
    )
    wanted = ann.wanted_vectors(index)
    if wanted is None or wanted.label == index.ann_built:
        return False
    jobs.enqueue(
        JobKind.INDEX_VECTORS,
        workspace_id=index.workspace_id,
        key=str(index.pk),
        payload={"index_id": str(index.pk)},
    )
    return True
