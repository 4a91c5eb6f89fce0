"""Searches of collections that are too large to be read whole: looks first, then asks.

Two or three short statements tell what is known of the indexes, how rare the asked terms are and
how much a filter leaves. From that follows the statement that finds the passages (`large_sql`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from apps.retrieval.ann_sql import VectorIndex
from apps.retrieval.filters import Filter
from apps.retrieval.large_sql import (
    CHECKED_CHUNKS,
    Part,
    Reach,
    Shape,
    count_statement,
    large_statement,
)
from apps.retrieval.sql import Mode, number_parameters

SCANNED_POSTINGS = 40_000
"""Postings that are read before the rest is looked up passage by passage. The rarest term's are
always read, however many."""

SCANNED_POSTINGS_FILTERED = 120_000
"""The same when a filter throws most of them away, which costs less than adding them up."""

COMPLETED_CHUNKS = 1_500
"""Passages whose score is completed at most."""

PROBE_COST = 6.0
"""Looking up one term of one passage costs about as much as reading this many postings."""

K1, B = 1.2, 0.75

LOOK = """
SELECT id, num_chunks, total_length, embedding_model = $3::text, dimensions, ann_built
FROM retrieval_index
WHERE workspace_id = $1::uuid AND collection_id = ANY($2::uuid[])
  AND CASE WHEN $4::uuid IS NULL THEN state = 'live' ELSE id = $4::uuid END
"""
COUNT_TERMS = """
SELECT asked.number::int, sum(coalesce(frequent.num_chunks, (
    SELECT count(*) FROM retrieval_posting posting
    WHERE posting.index_id = live.id AND posting.term = asked.term
)))::bigint
FROM unnest($1::uuid[]) AS live (id)
CROSS JOIN unnest($2::text[]) WITH ORDINALITY AS asked (term, number)
LEFT JOIN retrieval_frequentterm frequent
    ON frequent.index_id = live.id AND frequent.term = asked.term
GROUP BY asked.number
"""


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
class Weighted:
    """An asked term: what it weighs, which is also the most it can bring, and its passages."""

    term: str
    weight: float
    num_chunks: int


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of the live indexes of a search."""

    parts: tuple[Part, ...]
    largest: int
    chunks: int
    mean_length: float


def find_large(
    cursor: psycopg.RawCursor[tuple[Any, ...]], asked: Question, parameters: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Rows as every search gives them; `parameters` are those of the search of small ones."""
    look = look_at(cursor, asked)
    reach, passing = _count_passing(cursor, asked)
    weighted = _weigh_terms(cursor, asked, look)
    scanned, probed = split_terms(weighted, reach=reach, passing=passing)
    settings = _settings(asked, look)
    shape = Shape(
        mode=asked.mode,
        parts=look.parts,
        reach=reach,
        conditions=asked.filter.conditions,
        needs_chunks=asked.filter.needs_chunks,
        scans_terms=bool(scanned) or reach != "listed",
        settings=tuple(settings),
    )
    given = {
        **parameters,
        **_term_parameters(weighted, scanned, probed),
        **{f"setting_{n}": value for n, value in enumerate(settings.values())},
        "chunks": float(passing if reach == "listed" else look.chunks),
        "mean_length": look.mean_length,
        "length_norm": K1 * B / look.mean_length,
        "depth": COMPLETED_CHUNKS,
        "checked_chunks": CHECKED_CHUNKS,
        "oversampled": max(
            (p.vectors.oversampled(asked.candidates) for p in look.parts if p.vectors), default=0
        ),
    }
    statement = large_statement(shape)
    cursor.execute(statement.text, [given[name] for name in statement.parameters], binary=True)
    return cursor.fetchall()


def look_at(cursor: psycopg.RawCursor[tuple[Any, ...]], asked: Question) -> Look:
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


def _count_passing(
    cursor: psycopg.RawCursor[tuple[Any, ...]], asked: Question
) -> tuple[Reach, int]:
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


def _weigh_terms(
    cursor: psycopg.RawCursor[tuple[Any, ...]], asked: Question, look: Look
) -> list[Weighted]:
    """The terms in the order of the question, with their BM25 weights."""
    if asked.mode == "vector" or not asked.terms:
        return []
    ids = [part.index_id for part in look.parts]
    counts = cursor.execute(COUNT_TERMS, [ids, list(asked.terms)], binary=True).fetchall()
    found = dict(counts)
    return [
        Weighted(term, bm25_weight(times, found.get(number, 0), look.chunks), found.get(number, 0))
        for number, (term, times) in enumerate(asked.terms.items(), 1)
    ]


def bm25_weight(times: int, found: int, chunks: int) -> float:
    """Of a term that stands `times` in the question and in `found` of `chunks` passages.

    It includes k1 + 1, so that it is what the term brings at the very most.
    """
    found = min(found, chunks)
    return times * (K1 + 1) * math.log(1 + (chunks - found + 0.5) / (found + 0.5))


def split_terms(
    terms: Sequence[Weighted], *, reach: Reach, passing: int
) -> tuple[list[Weighted], list[Weighted]]:
    """Which terms' postings are read, and which are looked up for the passages found by those."""
    present = sorted((t for t in terms if t.num_chunks), key=lambda term: term.num_chunks)
    if reach == "listed":
        reading = sum(term.num_chunks for term in present)
        if passing * len(present) * PROBE_COST <= min(reading, SCANNED_POSTINGS_FILTERED):
            return [], present
    budget = SCANNED_POSTINGS if reach == "all" else SCANNED_POSTINGS_FILTERED
    scanned: list[Weighted] = []
    for term in present:
        if scanned and term.num_chunks > budget:
            break
        budget -= term.num_chunks
        scanned.append(term)
    return scanned, present[len(scanned) :]


def _term_parameters(
    terms: Sequence[Weighted], scanned: Sequence[Weighted], probed: Sequence[Weighted]
) -> dict[str, Any]:
    return {
        "terms": [term.term for term in terms],
        "term_weights": [term.weight for term in terms],
        "scan_terms": [term.term for term in scanned],
        "scan_weights": [term.weight for term in scanned],
        "probe_terms": [term.term for term in probed],
        "probe_weights": [term.weight for term in probed],
        "rest_bound": sum(term.weight for term in probed),
    }


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
