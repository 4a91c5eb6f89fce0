"""Packed postings of a large index's frequent terms: made in the background, read at once.

Adding up a hundred thousand rows takes Postgres some forty milliseconds; adding up as many numbers
takes a fraction of one. So the job of a large index packs the postings of each frequent term into
two columns of bytes, and `Words` adds them up here. What came since the packing is read from the
postings themselves: passages with higher ids, and those that `note_late` has written down.

Impacts go by the mean length of their own index when it was packed: in a search of several, or
of one that has grown since, scores differ from those of the plain formula in the third digit.

The order of events makes sure that none is missed: `pack` first raises `watch`, alone, while
nobody is between writing postings and noting them; only then does it read what it packs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast
from uuid import UUID

import numpy as np
import psycopg
from django.db import connection, transaction
from django.utils import timezone

from apps.retrieval.bm25 import K1, B, bm25_weight
from apps.retrieval.models import Index, LatePassage, TermLists

FREQUENT_SHARE = 2_000
"""Terms that stand in more than one in this many passages are packed."""

FREQUENT_AT_LEAST = 50
FULL_IMPACT = 32_767

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
PACK = """
INSERT INTO retrieval_frequentterm
    (workspace_id, index_id, term, num_chunks, chunk_ids, impacts)
SELECT %(workspace)s, %(index)s, term, count(*),
       string_agg(int4send((chunk_id - %(base)s)::int), '' ORDER BY chunk_id),
       string_agg(int2send((32767 * frequency / (
           frequency + %(fixed)s + %(norm)s::float8 * length))::smallint), '' ORDER BY chunk_id)
FROM retrieval_posting
WHERE index_id = %(index)s AND chunk_id <= %(until)s
GROUP BY term HAVING count(*) >= %(least)s
"""
READ = """
WITH late AS MATERIALIZED (
    SELECT late.index_id, late.chunk_id FROM retrieval_latepassage late
    JOIN retrieval_termlists lists ON lists.index_id = late.index_id
    WHERE late.index_id = ANY($1::uuid[]) AND late.chunk_id <= lists.until
)
SELECT live.number::int, asked.number::int, coalesce(lists.base, 0), packed.chunk_ids,
       packed.impacts, fresh.postings
FROM unnest($1::uuid[]) WITH ORDINALITY AS live (id, number)
LEFT JOIN retrieval_termlists lists ON lists.index_id = live.id
CROSS JOIN unnest($2::text[]) WITH ORDINALITY AS asked (term, number)
LEFT JOIN retrieval_frequentterm packed
    ON packed.index_id = live.id AND packed.term = asked.term
CROSS JOIN LATERAL (
    SELECT string_agg(int8send(chunk_id) || int4send(frequency) || int4send(length), '') AS postings
    FROM (
        SELECT chunk_id, frequency, length FROM retrieval_posting posting
        WHERE posting.index_id = live.id AND posting.term = asked.term
          AND posting.chunk_id > CASE WHEN packed.term IS NULL THEN 0 ELSE lists.until END
        UNION ALL
        SELECT posting.chunk_id, frequency, length
        FROM late JOIN retrieval_posting posting ON posting.chunk_id = late.chunk_id
        WHERE packed.term IS NOT NULL AND late.index_id = live.id
          AND posting.index_id = live.id AND posting.term = asked.term
    ) AS posting
) AS fresh
"""
READ_LATE = """
SELECT live.number::int, late.chunk_id
FROM unnest($1::uuid[]) WITH ORDINALITY AS live (id, number)
JOIN retrieval_latepassage late ON late.index_id = live.id
"""
_FRESH = np.dtype([("chunk_id", ">i8"), ("frequency", ">i4"), ("length", ">i4")])

Cursor = psycopg.RawCursor[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Scored:
    """Passages: ids, BM25 scores and a bit for each asked term that stands in them."""

    chunk_ids: Any
    scores: Any
    terms: Any

    def take(self, places: Any) -> Scored:
        """Those at these places."""
        return Scored(self.chunk_ids[places], self.scores[places], self.terms[places])


# Writing


def note_late(index: Index, chunk_ids: Sequence[int]) -> None:
    """In the transaction that wrote postings of these passages: the packed ones lack them."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_SHARED, [str(index.pk)])
        cursor.execute(NOTE_LATE, [list(chunk_ids), index.pk])


def pack(index: Index) -> None:
    """Pack the postings of every frequent term anew. Reads all postings of the index."""
    base, until = _raise_watch(index)
    began = timezone.now()
    index.refresh_from_db()
    mean = max(index.total_length, 1) / max(index.num_chunks, 1)
    values = {
        "workspace": index.workspace_id,
        "index": index.pk,
        "base": base,
        "until": until,
        "fixed": K1 * (1 - B),
        "norm": K1 * B / mean,
        "least": max(FREQUENT_AT_LEAST, index.num_chunks // FREQUENT_SHARE),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM retrieval_frequentterm WHERE index_id = %s", [index.pk])
        cursor.execute(PACK, cast(Any, values))
        TermLists.objects.filter(index=index).update(base=base, until=until)
        LatePassage.objects.filter(index=index, noted_at__lt=began).delete()
        Index.objects.filter(pk=index.pk).update(terms_counted=index.num_chunks)


def _raise_watch(index: Index) -> tuple[int, int]:
    """From which to which id the passages will be packed; those that come late are noted now."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK, [str(index.pk)])
        cursor.execute(RANGE, [index.pk])
        least, most = cursor.fetchone() or (0, 0)
        TermLists.objects.get_or_create(
            index=index, defaults={"workspace_id": index.workspace_id, "base": least or 0}
        )
        TermLists.objects.filter(index=index).update(watch=most or 0)
    return least or 0, most or 0


# Reading


def read(
    cursor: Cursor,
    index_ids: Sequence[UUID],
    terms: Mapping[str, int],
    *,
    chunks: int,
    mean_length: float,
) -> Words:
    """What large indexes hold of the asked terms, which have their counts.

    `chunks` and `mean_length` are those of all that is searched.
    """
    ids = list(index_ids)
    with cursor.connection.pipeline(), psycopg.RawCursor(cursor.connection) as second:
        cursor.execute(READ, [ids, list(terms)], binary=True)
        second.execute(READ_LATE, [ids], binary=True)
        rows, late = cursor.fetchall(), second.fetchall()
    found = dict.fromkeys(range(1, len(terms) + 1), 0)
    for row in rows:
        found[row[1]] += len(row[3] or b"") // 4 + len(row[5] or b"") // _FRESH.itemsize
    weights = [
        bm25_weight(times, found[number], chunks) for number, times in enumerate(terms.values(), 1)
    ]
    parts = []
    for number in range(1, len(ids) + 1):
        lists = _Lists(mean_length, late=[pk for at, pk in late if at == number])
        for row in rows:
            if row[0] == number:
                lists.add(row[2:], weight=weights[row[1] - 1], bit=1 << (row[1] - 1))
        parts.append(lists)
    return Words(parts)


class Words:
    """The postings of the asked terms in every index of a search, by the ids of passages."""

    def __init__(self, parts: Sequence[_Lists] = ()) -> None:
        self._parts = parts

    def add_up(self) -> None:
        """Do now what the rest waits for."""
        for part in self._parts:
            part.sums  # noqa: B018  (computed once)

    def best(self, depth: int, *, allowed: Any | None = None) -> Scored:
        """The `depth` best by BM25; `allowed` are the ids, ascending, that may be found.

        Passages that are gone may be among them.
        """
        found = [part.best(depth, allowed=allowed) for part in self._parts]
        ids = np.concatenate([np.empty(0, np.int64), *[part[0] for part in found]])
        scores = np.concatenate([np.empty(0), *[part[1] for part in found]])
        order = np.lexsort((ids, -scores))[:depth]
        terms = self.look_up(ids[order]).terms
        met = terms > 0  # those that came late have lost their packed ones
        return Scored(ids[order], scores[order], terms).take(np.flatnonzero(met))

    def look_up(self, chunk_ids: Any) -> Scored:
        """Scores and terms of these passages; 0 where none of the terms stands in one."""
        scores, terms = np.zeros(len(chunk_ids)), np.zeros(len(chunk_ids), np.int64)
        for part in self._parts:
            part.look_up(chunk_ids, scores, terms)
        return Scored(chunk_ids, scores, terms)


class _Lists:
    """The postings of all asked terms in one index, and what they add up to."""

    def __init__(self, mean_length: float, *, late: Sequence[int]) -> None:
        self._norm = K1 * B / mean_length
        self._late = np.asarray(late, np.int64)
        self._base = 0
        self._packed: list[tuple[Any, Any, int]] = []
        self._fresh: list[tuple[Any, Any, int]] = []

    def add(self, row: tuple[Any, ...], *, weight: float, bit: int) -> None:
        """A term's base, packed ids and impacts, and fresh postings, as READ gives them."""
        base, chunk_ids, impacts, fresh = row
        if chunk_ids:
            self._base = base
            share = np.frombuffer(impacts, ">i2").astype(np.float32)
            share *= weight / FULL_IMPACT
            self._packed.append((np.frombuffer(chunk_ids, ">i4").astype(np.int64), share, bit))
        if fresh:
            rows = np.frombuffer(fresh, _FRESH)
            frequency = rows["frequency"].astype(np.float64)
            bottom = frequency + K1 * (1 - B) + self._norm * rows["length"]
            ids = rows["chunk_id"].astype(np.int64)
            self._fresh.append((ids, weight * frequency / bottom, bit))

    @cached_property
    def sums(self) -> Any:
        """What the packed postings add up to, by the place of a passage behind the base."""
        if not self._packed:
            return np.zeros(0, np.float32)
        sums = np.zeros(max(int(ids[-1]) for ids, _, _ in self._packed) + 1, np.float32)
        for ids, share, _ in self._packed:
            sums[ids] += share  # an id stands once in a list
        gone = self._late - self._base
        sums[gone[(gone >= 0) & (gone < len(sums))]] = 0
        return sums

    def look_up(self, chunk_ids: Any, scores: Any, terms: Any) -> None:
        """Add to the scores and terms of these passages what they have here."""
        places = chunk_ids - self._base
        kept = ~np.isin(chunk_ids, self._late)
        for ids, share, bit in self._packed:
            at = np.minimum(np.searchsorted(ids, places), len(ids) - 1)
            met = kept & (ids[at] == places)
            scores[met] += share[at[met]]
            terms[met] |= bit
        for ids, score, bit in self._fresh:
            _, ours, theirs = np.intersect1d(chunk_ids, ids, return_indices=True)
            scores[ours] += score[theirs]
            terms[ours] |= bit

    def best(self, depth: int, *, allowed: Any | None) -> tuple[Any, Any]:
        """The `depth` best: ids and scores, in no particular order."""
        ids, scores = self._best_packed(depth, allowed=allowed)
        if self._fresh:
            fresh_ids = np.concatenate([part[0] for part in self._fresh])
            fresh_scores = np.concatenate([part[1] for part in self._fresh])
            if allowed is not None:
                kept = _is_among(fresh_ids, allowed)
                fresh_ids, fresh_scores = fresh_ids[kept], fresh_scores[kept]
            ids = np.concatenate([ids, fresh_ids])
            ids, places = np.unique(ids, return_inverse=True)
            scores = np.bincount(places, np.concatenate([scores, fresh_scores]), len(ids))
        if len(scores) > depth:
            best = np.argpartition(-scores, depth - 1)[:depth]
            ids, scores = ids[best], scores[best]
        return ids, scores

    def _best_packed(self, depth: int, *, allowed: Any | None) -> tuple[Any, Any]:
        """What the packed postings alone give.

        Passages with a rare term as well need their sum, however low it is: they are all kept.
        """
        if not self._packed:
            return np.empty(0, np.int64), np.empty(0, np.float64)
        sums = self.sums
        if allowed is not None:
            inside = allowed - self._base
            inside = inside[(inside >= 0) & (inside < len(sums))]
            chosen = _highest(sums, inside[sums[inside] > 0], depth)
        else:
            chosen = self._ahead(sums, depth)
        fresh = [ids - self._base for ids, _, _ in self._fresh]
        if fresh:
            also = np.concatenate(fresh)
            also = also[(also >= 0) & (also < len(sums))]
            also = also[sums[also] > 0]
            if allowed is not None:
                also = also[_is_among(also + self._base, allowed)]
            chosen = np.union1d(chosen, also)
        return chosen + self._base, sums[chosen].astype(np.float64)

    def _ahead(self, sums: Any, depth: int) -> Any:
        """Where the sums are among the `depth` highest, and a few more.

        The shortest list that is long enough tells how high they are at least, so that the
        million need not be put in order.
        """
        long_enough = [ids for ids, _, _ in self._packed if len(ids) >= depth]
        if not long_enough:
            return np.unique(np.concatenate([ids for ids, _, _ in self._packed]))
        some = sums[min(long_enough, key=len)]
        least = np.partition(some, len(some) - depth)[len(some) - depth]
        ahead = np.flatnonzero(sums >= max(least, np.float32(1e-9)))
        return _highest(sums, ahead, depth)


def _highest(sums: Any, places: Any, depth: int) -> Any:
    """Of these places the `depth` with the highest sums, if they are many more."""
    if len(places) <= 4 * depth:
        return places
    return places[np.argpartition(-sums[places], depth - 1)[:depth]]


def _is_among(ids: Any, allowed: Any) -> Any:
    """For each id whether it is one of `allowed`, which are ascending."""
    if not len(allowed):
        return np.zeros(len(ids), bool)
    return allowed[np.minimum(np.searchsorted(allowed, ids), len(allowed) - 1)] == ids
