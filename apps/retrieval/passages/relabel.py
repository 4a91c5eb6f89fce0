"""Follows changes of a document's labels in the indexes that embed them with its passages."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection, transaction

from apps.chunking.models import Chunk
from apps.core.embedder import get_embedder
from apps.documents.models import Document
from apps.retrieval.models import Index, IndexedVersion, IndexState
from apps.retrieval.passages.contexts import lock_chunks, search_anew
from apps.retrieval.passages.edit_jobs import enqueue_refresh
from inference.protocols import Embedder

BATCH = 64
FORGET_VECTORS = "DELETE FROM retrieval_embedding WHERE index_id = %s AND chunk_id = ANY(%s)"


def follow_labels(workspace_id: UUID, document_id: UUID) -> bool:
    """Queue a job if an index of the document's collection embeds labels; True if one does."""
    collection = Document.objects.filter(pk=document_id, workspace_id=workspace_id)
    indexes = Index.objects.filter(
        collection__in=collection.values("collection"), discarded_at=None
    )
    if not indexes.exclude(labels=[]).exists():
        return False
    enqueue_refresh(workspace_id, document_id, labels=True)
    return True


def relabel_document(document_id: UUID) -> int:
    """Embed and index the current passages with the labels of now; returns how many vectors.

    May run twice. An index that is being built and does not hold the document yet only loses what
    it has stored of it, and takes it in with the new labels.
    """
    document = Document.objects.filter(pk=document_id, deleted_at=None).first()
    if document is None or document.current_id is None:
        return 0
    indexes = Index.objects.filter(collection=document.collection_id, discarded_at=None)
    return sum(_relabel(document, index) for index in indexes.exclude(labels=[]).order_by("pk"))


def _relabel(document: Document, index: Index) -> int:
    embedder = get_embedder(index.embedding_model)
    chunks = Chunk.objects.filter(version=document.current_id, profile=index.profile_id)
    ids = list(chunks.order_by("pk").values_list("pk", flat=True))
    return sum(
        _relabel_batch(document, index, ids[start : start + BATCH], embedder)
        for start in range(0, len(ids), BATCH)
    )


@transaction.atomic
def _relabel_batch(
    document: Document, index: Index, chunk_ids: Sequence[int], embedder: Embedder
) -> int:
    # Publishing and building take this lock too, so whether the index holds the version is settled.
    current = Document.objects.select_for_update(no_key=True).filter(
        pk=document.pk, current_id=document.current_id, deleted_at=None
    )
    if not current.exists():
        return 0  # a newer version is embedded with the labels of its time
    ids = sorted(lock_chunks(chunk_ids))
    state = Index.objects.values_list("state", flat=True).filter(pk=index.pk).first()
    held = IndexedVersion.objects.filter(index=index, version=document.current_id)
    if state == IndexState.LIVE or held.exists():
        search_anew(index, ids, embedder=embedder)
        return len(ids)
    with connection.cursor() as cursor:
        cursor.execute(FORGET_VECTORS, [index.pk, ids])
    return 0
