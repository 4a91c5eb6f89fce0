"""Writes indexes: vectors while a version is being processed, postings when it becomes current.

Locks are taken in one order everywhere: document, then version, then indexes, the live one first,
then the jobs of those that are being built.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.chunking.models import Chunk
from apps.chunking.services import default_profile
from apps.chunking.table_rows import embedded_text
from apps.core.embedder import get_embedder
from apps.documents.models import Collection, Document, DocumentVersion, Stage, VersionState
from apps.retrieval.indexes.following import follow_up, hold_live
from apps.retrieval.models import Index, IndexState
from apps.retrieval.passages.context_text import heading_with_context
from apps.retrieval.passages.edit_jobs import follow_changes
from apps.retrieval.passages.labels import join_above, read_labels
from apps.retrieval.postings.services import remove_chunks_of, write_postings
from apps.retrieval.vectors.wire import HalfVector, open_cursor
from inference.protocols import Vectors

# FOR KEY SHARE: a chunk that is being deleted must not leave its vector behind.
INSERT_EMBEDDING = """
INSERT INTO retrieval_embedding (workspace_id, index_id, version_id, chunk_id, vector)
SELECT workspace_id, %(index)s, version_id, id, %(vector)s::halfvec
FROM chunking_chunk WHERE id = %(chunk)s AND workspace_id = %(workspace)s
FOR KEY SHARE
ON CONFLICT (chunk_id, index_id) DO NOTHING
"""


HEADING_CHARS_PER_TOKEN = 4


class VectorsMissingError(Exception):
    """A version cannot be published: `missing` of its chunks have no vector yet."""

    def __init__(self, missing: int) -> None:
        super().__init__(f"{missing} passages have no vector")
        self.missing = missing


@dataclass(frozen=True, slots=True)
class PendingChunk:
    """A chunk that waits for its vector; `text` is the model's input.

    `length` estimates its tokens. Batches of equally long chunks need no padding.
    """

    chunk_id: int
    version_id: UUID
    text: str
    length: int


def text_to_embed(heading: str, text: str) -> str:
    """The heading path above the chunk's text, so that the vector reflects where the chunk is.

    Of a chunk with a table head, `text` is its embedded text: the rows in words.
    """
    return f"{heading}\n{text}" if heading else text


def ensure_live_index(collection: Collection) -> Index:
    """The collection's live index; created on first use, with the default profile and model."""
    live = Index.objects.select_related("profile").filter(
        collection=collection, state=IndexState.LIVE
    )
    if (index := live.first()) is not None:
        return index
    now = timezone.now()
    index, _ = Index.objects.select_related("profile").get_or_create(
        collection=collection,
        state=IndexState.LIVE,
        defaults={
            "workspace_id": collection.workspace_id,
            "profile": default_profile(collection.workspace),
            "embedding_model": get_embedder().name,
            "ready_at": now,
            "live_at": now,
        },
    )
    return index


def pending_chunks(index: Index, *, version_ids: Sequence[UUID], limit: int) -> list[PendingChunk]:
    """Up to `limit` chunks of these versions without a vector in `index`, in reading order."""
    rows = list(
        Chunk.objects.filter(
            workspace_id=index.workspace_id, version_id__in=version_ids, profile=index.profile_id
        )
        .exclude(embeddings__index=index)
        .order_by("version_id", "position")
        .values_list(
            "pk", "version_id", heading_with_context(), "text", "table_head", "num_tokens"
        )[:limit]
    )
    labels = read_labels(index, (row[1] for row in rows))
    return [
        PendingChunk(
            chunk_id=pk,
            version_id=version_id,
            text=text_to_embed(above, embedded_text(text, table_head)),
            length=num_tokens + len(above) // HEADING_CHARS_PER_TOKEN,
        )
        for pk, version_id, heading, text, table_head, num_tokens in rows
        for above in [join_above(labels.get(version_id, ""), heading)]
    ]


def store_embeddings(index: Index, chunk_ids: Sequence[int], vectors: Vectors) -> int:
    """Store unit vectors of shape (len(chunk_ids), dimensions); returns how many were new.

    Chunks that have been deleted in the meantime, or have a vector already, are skipped.
    """
    rows = sorted(zip(chunk_ids, vectors, strict=True), key=lambda row: row[0])
    with open_cursor() as cursor:
        cursor.executemany(
            INSERT_EMBEDDING,
            [
                {
                    "index": index.pk,
                    "workspace": index.workspace_id,
                    "chunk": chunk_id,
                    "vector": HalfVector(vector),
                }
                for chunk_id, vector in rows
            ],
        )
        return int(cursor.rowcount)


@transaction.atomic
def publish_version(version: DocumentVersion, *, index: Index) -> bool:
    """Make a version the current one of its document, in one transaction; True if it is.

    False means that the document was deleted or that a newer version is current; this version's
    chunks are then removed, as no search would find them. Raises VectorsMissingError, with nothing
    changed, while chunks wait for vectors, and IndexChangedError if another index has gone live.
    Publishing twice changes nothing. Indexes that are being built will include the version.
    """
    document = Document.objects.select_for_update(no_key=True).get(pk=version.document_id)
    version = DocumentVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    if document.current_id == version.pk and version.state == VersionState.READY:
        return True
    if document.deleted_at is not None or _is_superseded(document, version):
        _finish(version, num_chunks=0)
        remove_chunks_of([version.pk])
        return False
    building = hold_live(index)
    missing = _count_missing(version, index)
    if missing:
        raise VectorsMissingError(missing)
    # An earlier attempt may have published this version in another index.
    num_chunks = write_postings(version, index=index)
    was_found = document.current_id is not None
    document.current = version
    document.save(update_fields=["current"])
    _finish(version, num_chunks=num_chunks)
    superseded = document.versions.filter(number__lt=version.number).values_list("pk", flat=True)
    remove_chunks_of(list(superseded))
    follow_up(building)
    if was_found:
        follow_changes(document.workspace_id, document.pk)
    return True


def forget_document(document: Document) -> None:
    """Remove every chunk, vector and posting of a document, in one transaction."""
    with transaction.atomic():
        Document.objects.select_for_update(no_key=True).get(pk=document.pk)
        remove_chunks_of(list(document.versions.values_list("pk", flat=True)))


def _is_superseded(document: Document, version: DocumentVersion) -> bool:
    current = document.current
    return current is not None and current.number > version.number


def _count_missing(version: DocumentVersion, index: Index) -> int:
    chunks = Chunk.objects.filter(version=version, profile=index.profile_id)
    return chunks.exclude(embeddings__index=index).count()


def _finish(version: DocumentVersion, *, num_chunks: int) -> None:
    version.state, version.stage = VersionState.READY, Stage.DONE
    version.reason = version.reason_code = ""
    version.num_chunks = version.chunks_done = num_chunks
    version.ready_at = timezone.now()
    version.save(
        update_fields=[
            "state",
            "stage",
            "reason",
            "reason_code",
            "num_chunks",
            "chunks_done",
            "ready_at",
        ]
    )
