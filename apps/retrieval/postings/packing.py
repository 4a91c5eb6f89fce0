"""Packs the postings of a large index's frequent terms; a job calls it.

Adding up a hundred thousand rows takes Postgres some forty milliseconds; adding up as many numbers
in memory takes less than one. So the postings of each frequent term are packed into two columns of
bytes, which `term_lists` reads. Later chunks have higher ids, or `note_late` records them.

None can be missed: `pack` first raises `watch` under an exclusive lock, when no transaction that
has recorded late chunks is still open, and only then reads the postings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from apps.retrieval.models import Index, LatePassage, TermLists
from apps.retrieval.postings.packed_terms import POSTING, pack_impacts, pack_numbers
from apps.retrieval.vectors.wire import open_cursor, open_stream

FREQUENT_SHARE = 2_000
"""Terms that occur in more than one in this many chunks are packed."""

FREQUENT_AT_LEAST = 50
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
LOCK_SHARED = "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))"
NOTE_LATE = """
INSERT INTO retrieval_latepassage (workspace_id, index_id, chunk_id, noted_at)
SELECT lists.workspace_id, lists.index_id, passage.id, statement_timestamp()
FROM retrieval_termlists lists CROSS JOIN unnest(%s::bigint[]) AS passage (id)
WHERE lists.index_id = %s AND passage.id <= lists.watch
ON CONFLICT (index_id, chunk_id) DO UPDATE SET noted_at = excluded.noted_at
"""
RANGE = "SELECT min(chunk_id), max(chunk_id) FROM retrieval_embedding WHERE index_id = %s"
GATHER = """
SELECT term, string_agg(int8send(chunk_id) || int4send(frequency) || int4send(length), ''
                        ORDER BY chunk_id)
FROM retrieval_posting
WHERE index_id = %s AND chunk_id <= %s
GROUP BY term HAVING count(*) >= %s
"""
KEEP = """
INSERT INTO retrieval_frequentterm (workspace_id, index_id, term, num_chunks, chunk_ids, impacts)
VALUES (%s, %s, %s, %s, %s, %s)
"""
TERMS_AT_ONCE = 16
"""Terms that are packed in one batch: the postings of one may take 16 MB."""


def note_late(index: Index, chunk_ids: Sequence[int]) -> None:
    """Record chunks whose new postings the packed ones lack, in the transaction that wrote them."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_SHARED, [str(index.pk)])
        cursor.execute(NOTE_LATE, [list(chunk_ids), index.pk])


def pack(index: Index) -> None:
    """Repack the postings of every frequent term. Reads all postings of the index."""
    base, until = _raise_watch(index)
    began = timezone.now()
    index.refresh_from_db()
    mean = max(index.total_length, 1) / max(index.num_chunks, 1)
    least = max(FREQUENT_AT_LEAST, index.num_chunks // FREQUENT_SHARE)
    with transaction.atomic(), open_cursor() as cursor, open_stream("postings") as gathered:
        cursor.execute("DELETE FROM retrieval_frequentterm WHERE index_id = %s", [index.pk])
        gathered.execute(GATHER, [index.pk, until, least], binary=True)
        while terms := gathered.fetchmany(TERMS_AT_ONCE):
            cursor.executemany(
                KEEP,
                [
                    (index.workspace_id, index.pk, term, *_pack_term(postings, base, mean))
                    for term, postings in terms
                ],
            )
        TermLists.objects.filter(index=index).update(base=base, until=until)
        LatePassage.objects.filter(index=index, noted_at__lt=began).delete()
        Index.objects.filter(pk=index.pk).update(terms_counted=index.num_chunks)


def _pack_term(postings: bytes, base: int, mean_length: float) -> tuple[int, bytes, bytes]:
    """The number of a term's chunks, their packed ids relative to the base, and the impacts."""
    rows = np.frombuffer(postings, POSTING)
    impacts = pack_impacts(
        rows["frequency"].astype(np.float64), rows["length"], mean_length=mean_length
    )
    return len(rows), pack_numbers(rows["chunk_id"].astype(np.int64) - base), impacts


def _raise_watch(index: Index) -> tuple[int, int]:
    """The first and last id to pack; from now on, late chunks up to the last are recorded."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK, [str(index.pk)])
        cursor.execute(RANGE, [index.pk])
        least, most = cursor.fetchone() or (0, 0)
        TermLists.objects.get_or_create(
            index=index, defaults={"workspace_id": index.workspace_id, "base": least or 0}
        )
        TermLists.objects.filter(index=index).update(watch=most or 0)
    return least or 0, most or 0
