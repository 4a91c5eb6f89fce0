"""Searches of collections that are too large to be read whole: looks first, then asks.

A few short statements tell what is known of the indexes and how much a filter leaves, and read the
postings of the asked terms, which are added up here. From that follows the statement that finds
the passages (`large_sql`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from apps.retrieval import term_lists
from apps.retrieval.ann_sql import VectorIndex
from apps.retrieval.filters import Filter
from apps.retrieval.large_sql import (
    Part,
    Reach,
    Shape,
    allowed_statement,
    count_statement,
    large_statement,
)
from apps.retrieval.sql import Mode, number_parameters
from apps.retrieval.term_lists import Scored

SPARE_CHUNKS = 100
"""Passages found by words beyond the candidates, since some may be gone or hidden."""

CHECKED_CHUNKS = 5_000
"""Passages that are looked at for those that pass a filter which leaves many."""

LOOK = """
SELECT id, num_chunks, total_length, embedding_model = $3::text, dimensions, ann_built
FROM retrieval_index
WHERE workspace_id = $1::uuid AND collection_id = ANY($2::uuid[])
  AND CASE WHEN $4::uuid IS NULL THEN state = 'live' ELSE id = $4::uuid END
"""

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


def find_large(
    cursor: Cursor, asked: Question, parameters: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Rows as every search gives them; `parameters` are those of the search of small ones."""
    look = look_at(cursor, asked)
    reach, passing = _count_passing(cursor, asked)
    settings = _settings(asked, look)
    shape = Shape(
        mode=asked.mode,
        parts=look.parts,
        reach=reach,
        conditions=asked.filter.conditions,
        needs_chunks=asked.filter.needs_chunks,
        settings=tuple(settings),
    )
    given = {
        **parameters,
        **_find_words(cursor, asked, look, reach=reach),
        **{f"setting_{n}": value for n, value in enumerate(settings.values())},
        "chunks": float(passing if reach == "listed" else look.chunks),
        "mean_length": look.mean_length,
        "oversampled": max(
            (p.vectors.oversampled(asked.candidates) for p in look.parts if p.vectors), default=0
        ),
    }
    statement = large_statement(shape)
    cursor.execute(statement.text, [given[name] for name in statement.parameters], binary=True)
    return cursor.fetchall()


def _find_words(cursor: Cursor, asked: Question, look: Look, *, reach: Reach) -> dict[str, Any]:
    """The passages that are best by words, as parameters of the statement."""
    if asked.mode == "vector" or not asked.terms or not look.parts:
        empty: list[Any] = []
        return dict.fromkeys(("found_ids", "found_scores", "found_indexes", "term_weights"), empty)
    found, weights = term_lists.score(
        cursor,
        [part.index_id for part in look.parts],
        asked.terms,
        chunks=look.chunks,
        mean_length=look.mean_length,
        depth=CHECKED_CHUNKS if reach == "checked" else asked.candidates + SPARE_CHUNKS,
        allowed=_list_allowed(cursor, asked) if reach == "listed" else None,
    )
    return _as_parameters(found) | {"term_weights": weights}


def _as_parameters(found: Scored) -> dict[str, Any]:
    return {
        "found_ids": found.chunk_ids.tolist(),
        "found_scores": found.scores.tolist(),
        "found_indexes": found.indexes.tolist(),
    }


def _list_allowed(cursor: Cursor, asked: Question) -> Any:
    statement = number_parameters(allowed_statement(asked.filter.conditions))
    values = {
        "workspace": asked.workspace_id,
        "collections": list(asked.collection_ids),
        **dict(asked.filter.values),
    }
    given = [values[name] for name in statement.parameters]
    rows = cursor.execute(statement.text, given, binary=True).fetchall()
    return term_lists.list_allowed(rows[0][0])


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


def _count_passing(cursor: Cursor, asked: Question) -> tuple[Reach, int]:
    """What the filter leaves, and about how many passages that are if they can be listed.

    A first look at a tenth of the documents answers for most filters: either there are no more,
    or these are too many already.
    """
    if not asked.filter:
        return "all", 0
    limit = asked.exact_chunks
    text = count_statement(asked.filter.conditions, needs_chunks=asked.filter.needs_chunks)
    statement = number_parameters(text)
    enough = limit + 1 if asked.filter.needs_chunks else limit // 10 + 1
    while True:
        values = {
            "workspace": asked.workspace_id,
            "collections": list(asked.collection_ids),
            "enough": enough,
            **dict(asked.filter.values),
        }
        given = [values[name] for name in statement.parameters]
        rows, passing = cursor.execute(statement.text, given, binary=True).fetchall()[0]
        if passing > limit:
            return "checked", passing
        if rows < enough:
            return "listed", passing
        enough = limit + 1


def _settings(asked: Question, look: Look) -> dict[str, str]:
    """What the vector indexes of the search need; of two wishes the larger number counts."""
    found: dict[str, str] = {}
    for part in look.parts:
        if asked.mode == "lexical" or part.vectors is None or not part.same_model:
            continue
        wanted = part.vectors.settings(candidates=asked.candidates, num_chunks=look.largest)
        for name, value in wanted.items():
            is_larger = value.isdigit() and int(value) > int(found.get(name, "0"))
            found[name] = value if is_larger or name not in found else found[name]
    return found
