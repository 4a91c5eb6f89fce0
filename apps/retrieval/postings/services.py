"""Writes postings in bulk, and the counters with them. Callers hold the document's lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db import connection

from apps.chunking.models import Chunk
from apps.documents.models import DocumentVersion
from apps.retrieval.models import Index
from apps.retrieval.passages.context_text import list_indexed
from apps.retrieval.postings.packing import note_late
from apps.retrieval.postings.terms import count_terms
from apps.retrieval.vectors.wire import open_cursor

CHUNKS_AT_ONCE = 500
MAX_FREQUENCY = 32_767

COPY = (
    "COPY retrieval_posting (workspace_id, index_id, chunk_id, term, frequency, length) FROM STDIN"
)
REMOVE_POSTINGS = """
WITH gone AS (
    DELETE FROM retrieval_posting WHERE chunk_id = ANY(%s) RETURNING index_id, chunk_id, length
)
SELECT index_id, count(*), sum(length)
FROM (SELECT DISTINCT index_id, chunk_id, length FROM gone) AS passages
JOIN retrieval_index index ON index.id = index_id
GROUP BY index_id, index.state ORDER BY index.state <> 'live', index_id
"""


def write_postings(version: DocumentVersion, *, index: Index) -> int:
    """Write the postings of a version's chunks; returns how many chunks it has.

    Existing postings of these chunks are replaced.
    """
    chunks = Chunk.objects.filter(version=version, profile=index.profile_id)
    remove_postings(list(chunks.order_by("pk").values_list("pk", flat=True)))
    return add_postings(version.pk, index=index)


def add_postings(version_id: UUID, *, index: Index) -> int:
    """Write the postings of a version that has none in `index` yet; returns its number of chunks.

    Postings in other indexes are not touched.
    """
    chunks = Chunk.objects.filter(version_id=version_id, profile=index.profile_id)
    ids = list(chunks.order_by("pk").values_list("pk", flat=True))
    num_indexed = total_length = 0
    for start in range(0, len(ids), CHUNKS_AT_ONCE):
        part = chunks.filter(pk__in=ids[start : start + CHUNKS_AT_ONCE])
        rows = list_indexed(part, index=index)
        indexed, length = copy_postings(rows, index=index)
        num_indexed, total_length = num_indexed + indexed, total_length + length
    add_to_counters(index.pk, chunks=num_indexed, length=total_length)
    return len(ids)


def remove_chunks_of(version_ids: Sequence[UUID]) -> None:
    """Delete the chunks, vectors and postings of these versions. Their pages are kept."""
    # Locked before anything is deleted: a vector that is being stored concurrently is either
    # seen by the next statement or finds no chunk.
    chunks = Chunk.objects.filter(version_id__in=version_ids).order_by("pk")
    ids = list(chunks.select_for_update().values_list("pk", flat=True))
    if not ids:
        return
    remove_postings(ids)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM retrieval_embedding WHERE chunk_id = ANY(%s)", [ids])
        cursor.execute("DELETE FROM chunking_chunk WHERE id = ANY(%s)", [ids])


def remove_postings(chunk_ids: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(REMOVE_POSTINGS, [list(chunk_ids)])
        removed = cursor.fetchall()
    for index_id, chunks, length in removed:
        add_to_counters(index_id, chunks=-chunks, length=-length)


def add_to_counters(index_id: UUID, *, chunks: int, length: int) -> None:
    """Change an index's counters by these numbers of chunks and terms."""
    # Callers lock indexes in one order: the live one first, then by id.
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE retrieval_index SET num_chunks = greatest(0, num_chunks + %s), "
            "total_length = greatest(0, total_length + %s) WHERE id = %s",
            [chunks, length, index_id],
        )


def copy_postings(rows: Sequence[tuple[int, str, str]], *, index: Index) -> tuple[int, int]:
    """Write the postings of (chunk id, text, heading) rows; returns how many chunks and terms.

    `text` has a table's header above its rows, as `list_indexed` gives it.
    """
    indexed = total = 0
    # Sorted by term, like the primary key, so that its pages fill up in order.
    postings: list[tuple[str, int, int, int]] = []
    for chunk_id, text, heading in rows:
        counts = count_terms(searchable_text(heading, text))
        length = counts.total()
        indexed, total = indexed + bool(length), total + length
        postings += [
            (term, chunk_id, min(count, MAX_FREQUENCY), length) for term, count in counts.items()
        ]
    postings.sort()
    with open_cursor() as cursor, cursor.copy(COPY) as copy:
        for block in _format(postings, prefix=f"{index.workspace_id}\t{index.pk}"):
            copy.write(block)
    note_late(index, [row[0] for row in rows])
    return indexed, total


def searchable_text(heading: str, text: str) -> str:
    """The text that a chunk's terms come from: the heading path counts like the text."""
    return f"{heading}\n{text}" if heading else text


def _format(postings: Sequence[tuple[str, int, int, int]], *, prefix: str) -> Iterator[str]:
    """Lines for COPY. Terms are letters, digits and -_.'+# : there is nothing to escape."""
    for start in range(0, len(postings), 4096):
        yield "".join(
            f"{prefix}\t{chunk_id}\t{term}\t{frequency}\t{length}\n"
            for term, chunk_id, frequency, length in postings[start : start + 4096]
        )
