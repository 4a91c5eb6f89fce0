"""What must hold between documents, chunks, vectors and postings, counted in the database."""

from __future__ import annotations

from dataclasses import dataclass, fields
from uuid import UUID

from django.db import connection

from apps.retrieval.models import Index


@dataclass(frozen=True, slots=True)
class IndexReport:
    """The state of one index; all but the first three must be zero.

    `missing` chunks of current versions have no vector or, if they have words, no postings.
    `doubled` chunks have the same span as another. `stray` ones belong to versions that are
    neither current nor being processed, so nothing would ever remove them. `orphaned` vectors and
    postings have no chunk. `drifted` is the error of the counters of chunks and terms, added up.
    """

    index_id: UUID
    passages: int
    postings: int
    missing_vectors: int
    missing_postings: int
    doubled: int
    stray: int
    orphaned_vectors: int
    orphaned_postings: int
    drifted: int

    @property
    def is_sound(self) -> bool:
        return not any(getattr(self, name.name) for name in fields(self)[3:])


CHECK = """
WITH passages AS MATERIALIZED (
    SELECT chunk.id, chunk.version_id, chunk.position, chunk.start, chunk."end", chunk.text,
           document.current_id = chunk.version_id AND document.deleted_at IS NULL AS is_current,
           document.deleted_at IS NULL AND version.state = 'ready'
               AND document.current_id IS DISTINCT FROM version.id AS is_stray
    FROM retrieval_index index
    JOIN documents_document document ON document.collection_id = index.collection_id
    JOIN documents_documentversion version ON version.document_id = document.id
    JOIN chunking_chunk chunk
        ON chunk.version_id = version.id AND chunk.profile_id = index.profile_id
    WHERE index.id = %(index)s
), posted AS MATERIALIZED (
    SELECT chunk_id, count(*) AS terms, sum(frequency) AS total, max(length) AS length
    FROM retrieval_posting WHERE index_id = %(index)s GROUP BY chunk_id
), vectors AS MATERIALIZED (
    SELECT chunk_id FROM retrieval_embedding WHERE index_id = %(index)s
)
SELECT
    (SELECT count(*) FROM passages WHERE is_current),
    (SELECT coalesce(sum(terms), 0) FROM posted),
    (SELECT count(*) FROM passages
     WHERE is_current AND id NOT IN (SELECT chunk_id FROM vectors)),
    (SELECT count(*) FROM passages
     WHERE is_current AND text ~ '[[:alnum:]]{6}' AND id NOT IN (SELECT chunk_id FROM posted))
        + (SELECT count(*) FROM posted WHERE total <> length AND length < 32767),
    (SELECT count(*) - count(DISTINCT (version_id, start, "end")) FROM passages),
    (SELECT count(*) FROM passages WHERE is_stray),
    (SELECT count(*) FROM vectors WHERE chunk_id NOT IN (SELECT id FROM passages)),
    (SELECT count(*) FROM posted WHERE chunk_id NOT IN (SELECT id FROM passages)),
    (SELECT abs(index.num_chunks - (SELECT count(*) FROM posted))
          + abs(index.total_length - (SELECT coalesce(sum(length), 0) FROM posted))
     FROM retrieval_index index WHERE index.id = %(index)s)
"""
DELETE_ORPHANS = """
DELETE FROM retrieval_posting posting
WHERE posting.index_id = %(index)s
  AND NOT EXISTS (SELECT FROM chunking_chunk chunk WHERE chunk.id = posting.chunk_id)
"""
RESET_COUNTERS = """
UPDATE retrieval_index SET num_chunks = counted.passages, total_length = counted.terms
FROM (
    SELECT count(*) AS passages, coalesce(sum(length), 0) AS terms
    FROM (SELECT DISTINCT chunk_id, length FROM retrieval_posting WHERE index_id = %(index)s) AS p
) AS counted
WHERE id = %(index)s
"""


def check_index(index: Index) -> IndexReport:
    """Count what is wrong with an index. Reads every row of it."""
    with connection.cursor() as cursor:
        cursor.execute(CHECK, {"index": index.pk})
        row = cursor.fetchone()
    return IndexReport(index.pk, *(int(value) for value in row))


def repair_index(index: Index) -> None:
    """Delete postings without a chunk, and recompute the counters of chunks and terms."""
    with connection.cursor() as cursor:
        cursor.execute(DELETE_ORPHANS, {"index": index.pk})
        cursor.execute(RESET_COUNTERS, {"index": index.pk})
