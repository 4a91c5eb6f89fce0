"""What an index that is not live holds of its collection, and how it gets the rest.

Nothing is cached: an index holds a version in full once there is an `IndexedVersion` row, and
what it stored of the version before that serves as a checkpoint. Locks are taken in the order
document, index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.chunking.models import Chunk
from apps.documents.models import Document
from apps.retrieval.indexes.services import VectorsMissingError
from apps.retrieval.models import Index, IndexedVersion, IndexState
from apps.retrieval.postings.services import add_postings

_MISSING = """
FROM documents_document document
WHERE document.collection_id = %(collection)s AND document.deleted_at IS NULL
  AND document.current_id IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM retrieval_indexedversion held
      WHERE held.index_id = %(index)s AND held.version_id = document.current_id)
"""
COUNT_MISSING = f"SELECT count(*) {_MISSING}"  # constants of this file
LIST_MISSING = f"""
SELECT document.id, document.current_id {_MISSING}
  AND document.id > %(after)s ORDER BY document.id LIMIT %(limit)s
"""
LIST_UNSPLIT = f"""
SELECT document.id, document.current_id {_MISSING}
  AND NOT EXISTS (
      SELECT FROM chunking_chunk chunk
      WHERE chunk.version_id = document.current_id AND chunk.profile_id = %(profile)s)
  AND document.id > %(after)s ORDER BY document.id LIMIT %(limit)s
"""  # noqa: S608
COUNT_CHUNKS = f"""
SELECT count(*), count(embedding.id)
FROM chunking_chunk chunk
LEFT JOIN retrieval_embedding embedding
    ON embedding.chunk_id = chunk.id AND embedding.index_id = %(index)s
WHERE chunk.profile_id = %(profile)s AND chunk.version_id IN (
    SELECT document.current_id {_MISSING})
"""  # noqa: S608
# The chunks are locked so that none is deleted while its vector is being copied.
REUSE_VECTORS = """
INSERT INTO retrieval_embedding (workspace_id, index_id, version_id, chunk_id, vector)
SELECT other.workspace_id, %(index)s, other.version_id, other.chunk_id, other.vector
FROM (
    SELECT id FROM chunking_chunk
    WHERE profile_id = %(profile)s AND version_id = ANY(%(versions)s)
    FOR KEY SHARE
) AS chunk
JOIN retrieval_embedding other ON other.chunk_id = chunk.id AND other.index_id = %(source)s
ON CONFLICT (chunk_id, index_id) DO NOTHING
"""
HOLD_ALL = """
INSERT INTO retrieval_indexedversion (workspace_id, index_id, version_id, num_chunks)
SELECT version.workspace_id, %(index)s, version.id, version.num_chunks
FROM documents_document document
JOIN documents_documentversion version ON version.id = document.current_id
WHERE document.collection_id = %(collection)s AND document.deleted_at IS NULL
ON CONFLICT (index_id, version_id) DO UPDATE SET num_chunks = excluded.num_chunks
"""
SHOW_COUNTS = """
UPDATE documents_documentversion version
SET num_chunks = held.num_chunks, chunks_done = held.num_chunks
FROM retrieval_indexedversion held, documents_document document
WHERE held.index_id = %(index)s AND version.id = held.version_id
  AND document.current_id = version.id AND version.num_chunks <> held.num_chunks
"""
FIRST = UUID(int=0)


class IndexGoneError(Exception):
    """The index was discarded or has gone live: there is nothing left to build."""


def count_missing(index: Index) -> int:
    """How many searchable documents the index does not hold yet."""
    return int(_ask(COUNT_MISSING, index)[0][0])


def list_missing(index: Index, *, after: UUID = FIRST, limit: int) -> list[tuple[UUID, UUID]]:
    """(document, version) ids that the index lacks, ordered by document id, from `after` on."""
    return [(row[0], row[1]) for row in _ask(LIST_MISSING, index, after=after, limit=limit)]


def list_unsplit(index: Index, *, after: UUID = FIRST, limit: int) -> list[tuple[UUID, UUID]]:
    """(document, version) ids that the index lacks and that its profile has not cut yet."""
    return [(row[0], row[1]) for row in _ask(LIST_UNSPLIT, index, after=after, limit=limit)]


def count_chunks(index: Index) -> tuple[int, int]:
    """Chunks of versions that the index lacks, and how many of them have their vector."""
    [[total, done]] = _ask(COUNT_CHUNKS, index)
    return total, done


def reuse_vectors(index: Index, *, version_ids: Sequence[UUID]) -> int:
    """Copy vectors from an index of the same profile, model and labels; returns how many."""
    source = (
        Index.objects.filter(
            collection_id=index.collection_id,
            profile_id=index.profile_id,
            embedding_model=index.embedding_model,
            labels=index.labels,
        )
        .exclude(pk=index.pk)
        .order_by("-num_chunks")
        .first()
    )
    if source is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            REUSE_VECTORS,
            {
                "index": index.pk,
                "source": source.pk,
                "profile": index.profile_id,
                "versions": list(version_ids),
            },
        )
        return int(cursor.rowcount)


@transaction.atomic
def hold_version(document_id: UUID, version_id: UUID, *, index: Index) -> bool:
    """Write the postings of a version and record that the index holds it; True if it does.

    False means that the version is no longer current there. Raises VectorsMissingError while chunks
    wait for vectors, and IndexGoneError if the index is no longer being built.
    """
    documents = Document.objects.select_for_update(no_key=True).filter(
        pk=document_id,
        collection=index.collection_id,
        current_id=version_id,
        deleted_at=None,
    )
    if not documents.exists():
        return False
    keep_building(index)
    if IndexedVersion.objects.filter(index=index, version_id=version_id).exists():
        return True
    chunks = Chunk.objects.filter(version_id=version_id, profile=index.profile_id)
    missing = chunks.exclude(embeddings__index=index).count()
    if missing:
        raise VectorsMissingError(missing)
    num_chunks = add_postings(version_id, index=index)
    IndexedVersion.objects.create(
        workspace_id=index.workspace_id,
        index=index,
        version_id=version_id,
        num_chunks=num_chunks,
    )
    return True


def keep_building(index: Index) -> None:
    """Lock the index's state in this transaction; IndexGoneError unless it is being built."""
    # FOR KEY SHARE does not conflict with concurrent updates of the counters. Changing the state
    # takes FOR UPDATE, which has to wait.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, discarded_at IS NULL FROM retrieval_index WHERE id = %s FOR KEY SHARE",
            [index.pk],
        )
        row = cursor.fetchone()
    if row is None or not row[1] or row[0] != IndexState.BUILDING:
        raise IndexGoneError


def hold_all(index: Index) -> None:
    """Record that a live index, which is about to retire, holds every current version."""
    _run(HOLD_ALL, index)


def show_counts(index: Index) -> None:
    """Set the numbers of chunks that documents show to those of this index."""
    _run(SHOW_COUNTS, index)


def _run(sql: str, index: Index) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"index": index.pk, "collection": index.collection_id})


def _ask(sql: str, index: Index, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            {
                "index": index.pk,
                "collection": index.collection_id,
                "profile": index.profile_id,
                **values,
            },
        )
        return list(cursor.fetchall())
