"""Reads the packed postings of large indexes (`packing`) in one go, and adds them up in memory.

What has been written since the packing is read from the postings themselves: chunks with higher
ids, and those recorded as late.

Impacts use the mean length of their own index at the time of packing. In a search of several
indexes, or of one that has grown since, scores differ from the formula in the third digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
import psycopg

from apps.retrieval.postings.bm25 import bm25_share, bm25_weight
from apps.retrieval.postings.packed_terms import (
    POSTING,
    count_packed,
    unpack_impacts,
    unpack_numbers,
)

DENSE_SPAN, DENSE_SHARE = 1_000_000, 16
"""Sums are indexed by id if the ids span DENSE_SPAN at most, or DENSE_SHARE for each posting."""

SHORT_LIST = 10_000
"""How many postings can be searched for the highest in a fraction of a millisecond."""

READ = """
WITH late AS MATERIALIZED (
    SELECT late.index_id, late.chunk_id FROM retrieval_latepassage late
    JOIN retrieval_termlists lists ON lists.index_id = late.index_id
    WHERE late.index_id = ANY($1::uuid[]) AND late.chunk_id <= lists.until
)
SELECT live.number::int, question.number::int, coalesce(lists.base, 0), packed.chunk_ids,
       packed.impacts, fresh.postings
FROM unnest($1::uuid[]) WITH ORDINALITY AS live (id, number)
LEFT JOIN retrieval_termlists lists ON lists.index_id = live.id
CROSS JOIN unnest($2::text[]) WITH ORDINALITY AS question (term, number)
LEFT JOIN retrieval_frequentterm packed
    ON packed.index_id = live.id AND packed.term = question.term
CROSS JOIN LATERAL (
    SELECT string_agg(int8send(chunk_id) || int4send(frequency) || int4send(length), '') AS postings
    FROM (
        SELECT chunk_id, frequency, length FROM retrieval_posting posting
        WHERE posting.index_id = live.id AND posting.term = question.term
          AND posting.chunk_id > CASE WHEN packed.term IS NULL THEN 0 ELSE lists.until END
        UNION ALL
        SELECT posting.chunk_id, frequency, length
        FROM late JOIN retrieval_posting posting ON posting.chunk_id = late.chunk_id
        WHERE packed.term IS NOT NULL AND late.index_id = live.id
          AND posting.index_id = live.id AND posting.term = question.term
    ) AS posting
) AS fresh
"""
READ_LATE = """
SELECT live.number::int, late.chunk_id
FROM unnest($1::uuid[]) WITH ORDINALITY AS live (id, number)
JOIN retrieval_latepassage late ON late.index_id = live.id
"""
Cursor = psycopg.RawCursor[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class TermScores:
    """Chunks: ids, BM25 scores, and a bit for each of the question's terms in them."""

    chunk_ids: Any
    scores: Any
    terms: Any


def read(
    cursor: Cursor,
    index_ids: Sequence[UUID],
    terms: Mapping[str, int],
    *,
    chunks: int,
    mean_length: float,
) -> TermPostings:
    """Read the postings of `terms`, which have their counts, from large indexes.

    `chunks` and `mean_length` are those of all indexes that are searched.
    """
    ids = list(index_ids)
    with cursor.connection.pipeline(), psycopg.RawCursor(cursor.connection) as second:
        cursor.execute(READ, [ids, list(terms)], binary=True)
        second.execute(READ_LATE, [ids], binary=True)
        rows, late = cursor.fetchall(), second.fetchall()
    num_found = dict.fromkeys(range(1, len(terms) + 1), 0)
    for row in rows:
        num_found[row[1]] += count_packed(row[4] or b"") + len(row[5] or b"") // POSTING.itemsize
    weights = [
        bm25_weight(times, num_found[number], chunks)
        for number, times in enumerate(terms.values(), 1)
    ]
    parts = []
    for number in range(1, len(ids) + 1):
        lists = _IndexPostings(mean_length, late=[pk for at, pk in late if at == number])
        for row in rows:
            if row[0] == number:
                lists.add(row[2:], weight=weights[row[1] - 1], bit=1 << (row[1] - 1))
        parts.append(lists)
    return TermPostings(parts)


class TermPostings:
    """The postings of a question's terms in every index of a search."""

    def __init__(self, parts: Sequence[_IndexPostings] = ()) -> None:
        self._parts = parts

    def add_up(self) -> None:
        """Compute the sums now, which `best` and `look_up` need."""
        for part in self._parts:
            part.sums  # noqa: B018  (computed once)

    def best(self, depth: int, *, allowed: Any | None = None) -> Any:
        """Ids of the `depth` best chunks by BM25, among `allowed` (ascending) if given.

        Some may no longer exist.
        """
        lists = [part.best(depth, allowed=allowed) for part in self._parts]
        ids = np.concatenate([np.empty(0, np.int64), *[part[0] for part in lists]])
        scores = np.concatenate([np.empty(0), *[part[1] for part in lists]])
        order = np.lexsort((ids, -scores))[:depth]
        return ids[order[scores[order] > 0]]  # late chunks may have lost their postings

    def look_up(self, chunk_ids: Any) -> TermScores:
        """Scores and terms of these chunks; 0 for a chunk without any of the terms."""
        scores, terms = np.zeros(len(chunk_ids)), np.zeros(len(chunk_ids), np.int64)
        for part in self._parts:
            part.look_up(chunk_ids, scores, terms)
        return TermScores(chunk_ids, scores, terms)


class _IndexPostings:
    """The postings of all of the question's terms in one index, and their sums.

    Sums are an array, indexed by place. A chunk's place is its id minus the base; where that would
    make a nearly empty array, it is the chunk's rank among those that have a term.
    """

    def __init__(self, mean_length: float, *, late: Sequence[int]) -> None:
        self._mean_length = mean_length
        self._late = np.asarray(late, np.int64)
        self._base = 0
        self._read: list[tuple[bytes, bytes, float, int]] = []
        self._fresh: list[tuple[Any, Any, int]] = []

    def add(self, row: tuple[Any, ...], *, weight: float, bit: int) -> None:
        """Add a row of READ: a term's base, packed ids and impacts, and fresh postings."""
        base, chunk_ids, impacts, fresh = row
        if chunk_ids:
            self._base = base
            self._read.append((chunk_ids, impacts, weight, bit))
        if fresh:
            rows = np.frombuffer(fresh, POSTING)
            frequency = rows["frequency"].astype(np.float64)
            share = bm25_share(frequency, rows["length"], mean_length=self._mean_length)
            self._fresh.append((rows["chunk_id"].astype(np.int64), weight * share, bit))

    @cached_property
    def _ids(self) -> list[Any]:
        """For each packed term its chunks' ids, relative to the base and ascending."""
        return [
            unpack_numbers(ids, count=count_packed(impacts)) for ids, impacts, _, _ in self._read
        ]

    @cached_property
    def _shares(self) -> list[Any]:
        """For each packed term what it adds to the score of each of its chunks."""
        return [unpack_impacts(impacts, weight=weight) for _, impacts, weight, _ in self._read]

    @cached_property
    def _met(self) -> Any | None:
        """Where places are ranks, the ids that have any packed term, ascending; else None."""
        span = max(int(ids[-1]) + 1 for ids in self._ids)
        if span <= max(DENSE_SPAN, DENSE_SHARE * sum(map(len, self._ids))):
            return None
        return np.unique(np.concatenate(self._ids))

    @cached_property
    def _places(self) -> list[Any]:
        """For each packed term the places of its chunks."""
        met = self._met
        return self._ids if met is None else [np.searchsorted(met, ids) for ids in self._ids]

    @cached_property
    def _num_places(self) -> int:
        return max((int(places[-1]) + 1 for places in self._places), default=0)

    @cached_property
    def sums(self) -> Any:
        """The sums of the packed postings, by place."""
        if not self._read:
            return np.zeros(0, np.float32)
        sums = np.zeros(self._num_places, np.float32)
        for places, share in zip(self._places, self._shares, strict=True):
            np.add.at(sums, places, share)
        sums[self._places_of(self._late)] = 0
        return sums

    def _places_of(self, chunk_ids: Any) -> Any:
        """The places of those of these chunks that have one."""
        ids = chunk_ids - self._base
        if self._met is None:
            return ids[(ids >= 0) & (ids < self._num_places)]
        return np.flatnonzero(_is_among(self._met, np.sort(ids)))

    def look_up(self, chunk_ids: Any, scores: Any, terms: Any) -> None:
        """Add this index's scores and terms of these chunks to the given arrays."""
        offsets = chunk_ids - self._base
        kept = ~np.isin(chunk_ids, self._late)
        for ids, share, (*_, bit) in zip(self._ids, self._shares, self._read, strict=True):
            at = np.minimum(np.searchsorted(ids, offsets), len(ids) - 1)
            met = kept & (ids[at] == offsets)
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
        """Ids and scores from the packed postings alone.

        Chunks that also have fresh postings are all kept, however low their sum: it is not final.
        """
        if not self._read:
            return np.empty(0, np.int64), np.empty(0, np.float64)
        sums = self.sums
        if allowed is not None:
            inside = self._places_of(allowed)
            chosen = _highest(sums, inside[sums[inside] > 0], depth)
        else:
            chosen = self._ahead(sums, depth)
        if self._fresh:
            also = np.concatenate([ids for ids, _, _ in self._fresh])
            if allowed is not None:
                also = also[_is_among(also, allowed)]
            also = self._places_of(also)
            chosen = np.union1d(chosen, also[sums[also] > 0])
        ids = chosen if self._met is None else self._met[chosen]
        return ids + self._base, sums[chosen].astype(np.float64)

    def _ahead(self, sums: Any, depth: int) -> Any:
        """The places of the `depth` highest sums, and a few more.

        Lists with at least `depth` postings give a lower bound for them, which avoids sorting
        a million sums.
        """
        long_enough = sorted((at for at in self._places if len(at) >= depth), key=len)
        if not long_enough:
            return np.unique(np.concatenate(self._places))
        short = [places for places in long_enough[1:] if len(places) <= SHORT_LIST]
        least = max(_nth_highest(sums[places], depth) for places in [long_enough[0], *short])
        ahead = np.flatnonzero(sums >= max(least, np.float32(1e-9)))
        return _highest(sums, ahead, depth)


def _nth_highest(values: Any, number: int) -> Any:
    return np.partition(values, len(values) - number)[len(values) - number]


def _highest(sums: Any, places: Any, depth: int) -> Any:
    """The `depth` places with the highest sums; all of them unless they are many more."""
    if len(places) <= 4 * depth:
        return places
    return places[np.argpartition(-sums[places], depth - 1)[:depth]]


def _is_among(ids: Any, allowed: Any) -> Any:
    """Whether each id is in `allowed`, which is ascending."""
    if not len(allowed):
        return np.zeros(len(ids), bool)
    return allowed[np.minimum(np.searchsorted(allowed, ids), len(allowed) - 1)] == ids
