"""Searches collections that are too large to compare every chunk.

This takes four statements. The first reads the indexes; the second the postings of the question's
terms, which are added up here. The third finds the nearest vectors or, if a filter leaves few
chunks, all of those. The last fuses both lists. Postings are added up while Postgres works on the
third.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from django.conf import settings

from apps.retrieval.postings import term_lists
from apps.retrieval.search.large_sql import (
    SearchedIndex,
    Shape,
    check_statement,
    list_statement,
    nearest_statement,
    result_statement,
)
from apps.retrieval.search.query import SearchQuery
from apps.retrieval.search.sql import Statement
from apps.retrieval.vectors.ann_sql import VectorIndex

SPARE_CHUNKS = 100
"""Chunks fetched by words beyond the candidates, as some may be gone or have equal scores."""

CHECKED_SHARES = (20, 200)
"""How many chunks per candidate are checked by a filter; the second if the first is too few."""

LISTED_SHARE = 4
"""A filter's chunks are compared one by one up to this many times EXACT_SCAN_CHUNKS."""

LISTED_FOR_ONE = 4_000
"""The limit if only words or only meaning count: with fewer candidates, checking is faster."""

USUAL_CHUNKS = 10
"""A low estimate of the chunks per document, for the first attempt at listing."""

READ_INDEXES = """
SELECT id, num_chunks, total_length, embedding_model = $3::text, dimensions, ann_built
FROM retrieval_index
WHERE workspace_id = $1::uuid AND collection_id = ANY($2::uuid[])
  AND CASE WHEN $4::uuid IS NULL THEN state = 'live' ELSE id = $4::uuid END
"""

PLAN_ANEW = "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)"
"""For one pipeline: the best plan depends on how many documents pass the filter."""

Cursor = psycopg.RawCursor[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class SearchedIndexes:
    """The live indexes of a search, their size, and the mean length of their chunks."""

    parts: tuple[SearchedIndex, ...]
    largest: int
    chunks: int
    mean_length: float

    @property
    def index_ids(self) -> list[UUID]:
        return [part.index_id for part in self.parts]

    @property
    def same_model_ids(self) -> list[UUID]:
        """Those that have vectors of the query's model."""
        return [part.index_id for part in self.parts if part.same_model]


@dataclass(frozen=True, slots=True)
class Nearest:
    """Chunks and their distances to the question, the nearest first."""

    chunk_ids: Any = field(default_factory=lambda: np.empty(0, np.int64))
    distances: Any = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, slots=True)
class PassingChunks:
    """All chunks that pass a filter, by ascending id, and the nearest of them."""

    chunk_ids: Any
    nearest: Nearest


def find_large(cursor: Cursor, query: SearchQuery) -> list[tuple[Any, ...]] | None:
    """Rows with the columns of every search; None if there are few enough chunks to read all."""
    indexes = read_indexes(cursor, query)
    if indexes.chunks <= settings.EXACT_SCAN_CHUNKS:
        return None
    return _LargeSearch(cursor, query, indexes, _read_words(cursor, query, indexes)).find()


def _read_words(
    cursor: Cursor, query: SearchQuery, indexes: SearchedIndexes
) -> term_lists.TermPostings:
    if not query.terms:
        return term_lists.TermPostings()
    return term_lists.read(
        cursor,
        indexes.index_ids,
        query.terms,
        chunks=indexes.chunks,
        mean_length=indexes.mean_length,
    )


@dataclass(frozen=True, slots=True)
class _LargeSearch:
    """One search, with its indexes and the postings of its terms."""

    cursor: Cursor
    query: SearchQuery
    indexes: SearchedIndexes
    words: term_lists.TermPostings

    def find(self) -> list[tuple[Any, ...]]:
        """The rows of the result, with the columns of every search."""
        listed = self._list_passing() if self.query.filter else None
        num_chunks = self.indexes.chunks
        if listed is None:
            near = self._find_near()
            best_ids = self._check_words()
        else:
            near = listed.nearest
            num_chunks = len(listed.chunk_ids)
            depth = self.query.num_candidates + SPARE_CHUNKS
            best_ids = self.words.best(depth, allowed=listed.chunk_ids)
            best_ids = best_ids[: self.query.num_candidates]
        by_words, met = self.words.look_up(best_ids), self.words.look_up(near.chunk_ids)
        return self._execute(
            result_statement(self.query.mode),
            chunks=float(num_chunks),
            best_ids=by_words.chunk_ids.tolist(),
            best_scores=by_words.scores.tolist(),
            best_terms=by_words.terms.tolist(),
            near_ids=near.chunk_ids.tolist(),
            near_distances=near.distances.tolist(),
            near_scores=met.scores.tolist(),
            near_terms=met.terms.tolist(),
        ).fetchall()

    def _execute(self, statement: Statement, **values: Any) -> Cursor:
        values["indexes"] = self.indexes.index_ids
        values["same_model"] = self.indexes.same_model_ids
        return self.cursor.execute(statement.text, statement.bind(self.query, values), binary=True)

    def _check_words(self) -> Any:
        """Ids of the best visible chunks by words, at most as many as candidates."""
        query = self.query
        if not query.terms:
            return self.words.best(0)
        statement = check_statement(query.filter.clauses)
        depths = [query.num_candidates + SPARE_CHUNKS]
        if query.filter:
            depths = [share * query.num_candidates for share in CHECKED_SHARES]
        for depth in depths:
            ids = self.words.best(depth)
            rows = self._execute(statement, best_ids=ids.tolist()).fetchall()
            if len(rows) == query.num_candidates or len(ids) < depth:
                break
        return ids[[row[0] - 1 for row in rows]]

    def _find_near(self) -> Nearest:
        """The nearest chunks by the vector indexes; meanwhile postings are added up."""
        query, parts = self.query, self.indexes.parts
        if query.mode == "lexical":
            return Nearest()
        scan_settings = _scan_settings(query, self.indexes)
        statement = nearest_statement(
            Shape(parts=parts, clauses=query.filter.clauses, settings=tuple(scan_settings))
        )
        if statement is None:
            return Nearest()
        oversampled = [p.vectors.oversampled(query.num_candidates) for p in parts if p.vectors]
        values = {f"setting_{n}": value for n, value in enumerate(scan_settings.values())}
        with self.cursor.connection.pipeline():  # sent at once, awaited by fetchall
            self._execute(statement, oversampled=max(oversampled, default=0), **values)
            self.words.add_up()
            rows = self.cursor.fetchall()
        return Nearest(
            np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows])
        )

    def _list_passing(self) -> PassingChunks | None:
        """The chunks that pass the filter, and the nearest of them; None if they are too many.

        The first attempt stops at a low number of documents. If there are more, their chunks are
        estimated, and listed in a second attempt unless that is too many.
        """
        query, indexes = self.query, self.indexes
        most = LISTED_SHARE * settings.EXACT_SCAN_CHUNKS
        if query.mode == "lexical" or (query.mode == "vector" and _is_quick(indexes)):
            most = min(most, max(LISTED_FOR_ONE, indexes.chunks // 100))
        with_distance = query.mode != "lexical"
        statement = list_statement(
            query.filter.clauses,
            with_distance=with_distance,
            of_one_model=indexes.index_ids == indexes.same_model_ids,
        )
        enough = most // USUAL_CHUNKS + 1
        while True:
            with self.cursor.connection.pipeline():
                self.cursor.execute(PLAN_ANEW)
                self._execute(statement, enough=enough, most=most)
                self.words.add_up()
                row = self.cursor.fetchall()[0]
            num_documents, num_chunks, packed = row[:3]
            if num_documents < enough:
                break
            if enough > most or (num_chunks > most and not query.filter.reads_chunks):
                return None
            enough = most + 1
        ids = np.frombuffer(packed or b"", ">i8").astype(np.int64)
        if len(ids) > most:
            return None
        near = Nearest()
        if with_distance:
            distances = np.frombuffer(row[3] or b"", ">f8")
            near = _nearest_of(ids, distances, query.num_candidates)
        return PassingChunks(np.sort(ids), near)


def _is_quick(indexes: SearchedIndexes) -> bool:
    """Whether the vector indexes search well behind a filter: graphs with 16 or 32 bits do.

    Bits and lists are slower there than comparing all that pass the filter, or find fewer.
    """
    built = [part.vectors for part in indexes.parts if part.vectors]
    return all(one.kind == "hnsw" and one.precision != "binary" for one in built)


def _nearest_of(ids: Any, distances: Any, candidates: int) -> Nearest:
    """The nearest `candidates`. A chunk without a distance has a vector of another model."""
    known = ~np.isnan(distances)
    ids, distances = ids[known], distances[known]
    if len(ids) > candidates:
        # Keep all that are as near as the last one, so that ties can be broken by id.
        limit = np.partition(distances, candidates - 1)[candidates - 1]
        kept = distances <= limit
        ids, distances = ids[kept], distances[kept]
    order = np.lexsort((ids, distances))[:candidates]
    return Nearest(ids[order], distances[order].astype(np.float64))


def read_indexes(cursor: Cursor, query: SearchQuery) -> SearchedIndexes:
    """Read the live indexes of the query's collections; they are sorted by id."""
    values = [query.workspace_id, list(query.collection_ids), query.model_name, query.index_id]
    rows = cursor.execute(READ_INDEXES, values, binary=True).fetchall()
    parts = [
        SearchedIndex(row[0], same_model=row[3], vectors=_vector_index(row[0], row[4], row[5]))
        for row in rows
    ]
    chunks = sum(row[1] for row in rows)
    return SearchedIndexes(
        parts=tuple(sorted(parts, key=lambda part: part.index_id)),
        largest=max((row[1] for row in rows), default=0),
        chunks=chunks,
        mean_length=max(sum(row[2] for row in rows), 1) / max(chunks, 1),
    )


def _vector_index(index_id: UUID, dimensions: int, built: str) -> VectorIndex | None:
    kind, _, precision = built.partition(" ")
    return VectorIndex(index_id, kind, precision, dimensions) if built else None


def _scan_settings(query: SearchQuery, indexes: SearchedIndexes) -> dict[str, str]:
    """The server settings that the vector indexes need; of two numbers the larger one counts."""
    largest: dict[str, str] = {}
    for part in indexes.parts:
        if query.mode == "lexical" or part.vectors is None or not part.same_model:
            continue
        own = part.vectors.settings(
            candidates=query.num_candidates, num_chunks=indexes.largest, filtered=bool(query.filter)
        )
        for name, value in own.items():
            is_larger = value.isdigit() and int(value) > int(largest.get(name, "0"))
            largest[name] = value if is_larger or name not in largest else largest[name]
    return largest
