"""Searches of collections that are too large to be read whole: looks first, then asks.

Four statements: what is known of the indexes; the postings of the asked terms, which are added up
here; what is nearest by meaning, or all that a filter leaves if that is little; and what comes of
both lists. While Postgres works on the third, the words are added up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
import psycopg

from apps.retrieval.postings import term_lists
from apps.retrieval.search.filters import Filter
from apps.retrieval.search.large_sql import (
    Part,
    Shape,
    check_statement,
    list_statement,
    nearest_statement,
    result_statement,
)
from apps.retrieval.search.sql import Mode, Statement
from apps.retrieval.vectors.ann_sql import VectorIndex

SPARE_CHUNKS = 100
"""Passages found by words beyond the candidates: some may be gone, some have the same score."""

CHECKED_SHARES = (20, 200)
"""So many passages for each candidate are checked by a filter; more if the first give too few."""

LISTED_SHARE = 4
"""Of what a filter leaves this many times `exact_chunks` passages are still compared one by one."""

LISTED_FOR_ONE = 4_000
"""By words or by meaning alone fewer candidates are looked for: checking has them sooner."""

USUAL_CHUNKS = 10
"""Passages that documents have at least, as a first guess when those that pass are counted."""

LOOK = """
SELECT id, num_chunks, total_length, embedding_model = $3::text, dimensions, ann_built
FROM retrieval_index
WHERE workspace_id = $1::uuid AND collection_id = ANY($2::uuid[])
  AND CASE WHEN $4::uuid IS NULL THEN state = 'live' ELSE id = $4::uuid END
"""

PLAN_ANEW = "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)"
"""Until the pipeline ends: whether a filter is looked up or checked depends on how rare it is."""

Cursor = psycopg.RawCursor[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Question:
    """What a search was asked for. `terms` are counts."""

    workspace_id: UUID
    collection_ids: Sequence[UUID]
    mode: Mode
    terms: Mapping[str, int]
    model: str
    filter: Filter
    candidates: int
    exact_chunks: int
    index_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of the live indexes of a search."""

    parts: tuple[Part, ...]
    largest: int
    chunks: int
    mean_length: float


@dataclass(frozen=True, slots=True)
class Near:
    """Passages by their distance to the question, the nearest first."""

    chunk_ids: Any = field(default_factory=lambda: np.empty(0, np.int64))
    distances: Any = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, slots=True)
class Listed:
    """All passages that a filter leaves: ids, ascending, and the nearest of them."""

    chunk_ids: Any
    nearest: Near


def find_large(
    cursor: Cursor, asked: Question, parameters: Mapping[str, Any]
) -> list[tuple[Any, ...]] | None:
    """Rows as every search gives them; None if there are no more than `exact_chunks` passages.

    `parameters` are those of the search of small collections.
    """
    look = look_at(cursor, asked)
    if look.chunks <= asked.exact_chunks:
        return None
    ids = [part.index_id for part in look.parts]
    same = [part.index_id for part in look.parts if part.same_model]
    given = {**parameters, "indexes": ids, "same_model": same, "chunks": float(look.chunks)}
    words = _read_words(cursor, asked, look)
    listed = _list_passing(cursor, asked, look, words, given) if asked.filter else None
    if listed is None:
        near = _find_near(cursor, asked, look, words, given)
        found_ids = _check_words(cursor, asked, words, given)
    else:
        near = listed.nearest
        given["chunks"] = float(len(listed.chunk_ids))
        depth = asked.candidates + SPARE_CHUNKS
        found_ids = words.best(depth, allowed=listed.chunk_ids)[: asked.candidates]
    found, met = words.look_up(found_ids), words.look_up(near.chunk_ids)
    given |= {
        "found_ids": found.chunk_ids.tolist(),
        "found_scores": found.scores.tolist(),
        "found_terms": found.terms.tolist(),
        "near_ids": near.chunk_ids.tolist(),
        "near_distances": near.distances.tolist(),
        "near_scores": met.scores.tolist(),
        "near_terms": met.terms.tolist(),
    }
    return _execute(cursor, result_statement(asked.mode), given).fetchall()


def _execute(cursor: Cursor, statement: Statement, given: Mapping[str, Any]) -> Cursor:
    return cursor.execute(
        statement.text, [given[name] for name in statement.parameters], binary=True
    )


def _read_words(cursor: Cursor, asked: Question, look: Look) -> term_lists.Words:
    if asked.mode == "vector" or not asked.terms:
        return term_lists.Words()
    return term_lists.read(
        cursor,
        [part.index_id for part in look.parts],
        asked.terms,
        chunks=look.chunks,
        mean_length=look.mean_length,
    )


def _check_words(
    cursor: Cursor, asked: Question, words: term_lists.Words, given: Mapping[str, Any]
) -> Any:
    """Ids of the best by words that can be shown, as many as there are candidates."""
    if asked.mode == "vector" or not asked.terms:
        return words.best(0)
    statement = check_statement(asked.filter.conditions, needs_chunks=asked.filter.needs_chunks)
    depths = [asked.candidates + SPARE_CHUNKS]
    if asked.filter:
        depths = [share * asked.candidates for share in CHECKED_SHARES]
    for depth in depths:
        ids = words.best(depth)
        rows = _execute(cursor, statement, {**given, "found_ids": ids.tolist()}).fetchall()
        if len(rows) == asked.candidates or len(ids) < depth:
            break
    return ids[[row[0] - 1 for row in rows]]


def _find_near(
    cursor: Cursor,
    asked: Question,
    look: Look,
    words: term_lists.Words,
    given: Mapping[str, Any],
) -> Near:
    """By the vector indexes, while the words are added up."""
    if asked.mode == "lexical":
        return Near()
    settings = _settings(asked, look)
    shape = Shape(
        parts=look.parts,
        conditions=asked.filter.conditions,
        needs_chunks=asked.filter.needs_chunks,
        settings=tuple(settings),
    )
    statement = nearest_statement(shape)
    if statement is None:
        return Near()
    oversampled = [p.vectors.oversampled(asked.candidates) for p in look.parts if p.vectors]
    values = {
        **given,
        **{f"setting_{n}": value for n, value in enumerate(settings.values())},
        "oversampled": max(oversampled, default=0),
    }
    with cursor.connection.pipeline():  # sent, and not waited for before the rows are fetched
        _execute(cursor, statement, values)
        words.add_up()
        rows = cursor.fetchall()
    return Near(np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows]))


def _list_passing(
    cursor: Cursor,
    asked: Question,
    look: Look,
    words: term_lists.Words,
    given: Mapping[str, Any],
) -> Listed | None:
    """What the filter leaves, with the nearest of it; None if that is too much to be listed.

    As far as a first guess goes the documents tell: either there are no more, or they are listed
    once more after their passages have been counted.
    """
    most = LISTED_SHARE * asked.exact_chunks
    if asked.mode == "lexical" or (asked.mode == "vector" and _is_quick(look)):
        most = min(most, max(LISTED_FOR_ONE, look.chunks // 100))
    with_distance = asked.mode != "lexical"
    statement = list_statement(
        asked.filter.conditions,
        needs_chunks=asked.filter.needs_chunks,
        with_distance=with_distance,
        of_one_model=given["indexes"] == given["same_model"],
    )
    enough = most // USUAL_CHUNKS + 1
    while True:
        with cursor.connection.pipeline():
            cursor.execute(PLAN_ANEW)
            _execute(cursor, statement, {**given, "enough": enough, "most": most})
            words.add_up()
            row = cursor.fetchall()[0]
        documents, passages, packed = row[:3]
        if documents < enough:
            break
        if enough > most or (passages > most and not asked.filter.needs_chunks):
            return None
        enough = most + 1
    ids = np.frombuffer(packed or b"", ">i8").astype(np.int64)
    if len(ids) > most:
        return None
    near = Near()
    if with_distance:
        near = _nearest_of(ids, np.frombuffer(row[3] or b"", ">f8"), asked.candidates)
    return Listed(np.sort(ids), near)


def _is_quick(look: Look) -> bool:
    """Whether the vector indexes find much behind a filter in little time: graphs of whole numbers.

    Bits and lists are slower there than comparing all that the filter leaves, or find less.
    """
    built = [part.vectors for part in look.parts if part.vectors]
    return all(one.kind == "hnsw" and one.precision != "binary" for one in built)


def _nearest_of(ids: Any, distances: Any, candidates: int) -> Near:
    """Those without a distance have a vector of another model."""
    known = ~np.isnan(distances)
    ids, distances = ids[known], distances[known]
    if len(ids) > candidates:
        # With all that are as near as the last, so that ties are broken by the id.
        limit = np.partition(distances, candidates - 1)[candidates - 1]
        kept = distances <= limit
        ids, distances = ids[kept], distances[kept]
    order = np.lexsort((ids, distances))[:candidates]
    return Near(ids[order], distances[order].astype(np.float64))


def look_at(cursor: Cursor, asked: Question) -> Look:
    """The live indexes of the collections, always in the same order."""
    values = [asked.workspace_id, list(asked.collection_ids), asked.model, asked.index_id]
    rows = cursor.execute(LOOK, values, binary=True).fetchall()
    parts = [
        Part(row[0], same_model=row[3], vectors=_vector_index(row[0], row[4], row[5]))
        for row in rows
    ]
    chunks = sum(row[1] for row in rows)
    return Look(
        parts=tuple(sorted(parts, key=lambda part: part.index_id)),
        largest=max((row[1] for row in rows), default=0),
        chunks=chunks,
        mean_length=max(sum(row[2] for row in rows), 1) / max(chunks, 1),
    )


def _vector_index(index_id: UUID, dimensions: int, built: str) -> VectorIndex | None:
    kind, _, precision = built.partition(" ")
    return VectorIndex(index_id, kind, precision, dimensions) if built else None


def _settings(asked: Question, look: Look) -> dict[str, str]:
    """What the vector indexes of the search need; of two wishes the larger number counts."""
    found: dict[str, str] = {}
    for part in look.parts:
        if asked.mode == "lexical" or part.vectors is None or not part.same_model:
            continue
        wanted = part.vectors.settings(
            candidates=asked.candidates, num_chunks=look.largest, filtered=bool(asked.filter)
        )
        for name, value in wanted.items():
            is_larger = value.isdigit() and int(value) > int(found.get(name, "0"))
            found[name] = value if is_larger or name not in found else found[name]
    return found
