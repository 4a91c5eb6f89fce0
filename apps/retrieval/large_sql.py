"""The search of large collections, composed for what is known of them. Pure.

Their live indexes stand in the text as constants, so that each vector index can be matched, and
how rare the asked terms are is known before. The parts have the names and columns of those in
`sql`, whose fusion and result follow them.

Words are added up outside of Postgres (`term_lists`): the best passages come in as a parameter,
with their scores, and are checked here.

Filters: what they leave is counted first. If that is little, it is listed, and both lists are
computed over it. If it is much, passages are checked in the order of their score, and the vector
indexes are scanned until enough have passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from uuid import UUID

from apps.retrieval.ann_sql import VectorIndex
from apps.retrieval.sql import Mode, Statement, compose

Reach = Literal["all", "listed", "checked"]
"""What a filter leaves: everything, few passages that are listed, or many that are checked."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the indexes that are searched; `vectors` is its vector index if that is ready."""

    index_id: UUID
    same_model: bool
    vectors: VectorIndex | None


@dataclass(frozen=True, slots=True)
class Shape:
    """All that changes the text of the statement.

    `settings` are names only: their values are parameters `setting_0`, ...
    """

    mode: Mode
    parts: tuple[Part, ...]
    reach: Reach
    conditions: tuple[str, ...]
    needs_chunks: bool
    settings: tuple[str, ...]


_VISIBLE = """document.workspace_id = %(workspace)s
        AND (document.collection_id = ANY(%(collections)s)) IS TRUE
        AND document.deleted_at IS NULL"""

_TOTALS = """
live AS MATERIALIZED (
    SELECT * FROM (VALUES {parts}) AS live (id, same_model)
), totals AS MATERIALIZED (
    SELECT %(chunks)s::float8 AS chunks, %(mean_length)s::float8 AS mean_length
), idf AS MATERIALIZED (
    SELECT number::int, 1::bigint << (number::int - 1) AS bit, weight
    FROM unnest(%(term_weights)s::float8[]) WITH ORDINALITY AS given (weight, number)
)"""

_VERSIONS = """
versions AS MATERIALIZED (
    SELECT version.id
    FROM documents_document document
    JOIN documents_documentversion version ON version.id = document.current_id
    WHERE document.workspace_id = %(workspace)s
      AND document.collection_id = ANY(%(collections)s)
      AND document.deleted_at IS NULL{document_conditions}
), allowed AS MATERIALIZED (
    SELECT chunk.id
    FROM versions CROSS JOIN LATERAL (
        SELECT * FROM chunking_chunk chunk WHERE chunk.version_id = versions.id OFFSET 0
    ) AS chunk{chunk_conditions}
)"""

# Passages in the order of their score, until enough are visible and pass the filter.
_LEXICAL = """
checked AS MATERIALIZED (
    SELECT found.chunk_id, found.score, found.index_number
    FROM unnest(%(found_ids)s::bigint[], %(found_scores)s::float8[], %(found_indexes)s::int[])
        AS found (chunk_id, score, index_number)
    WHERE (
        SELECT true FROM chunking_chunk chunk
        JOIN documents_document document ON document.current_id = chunk.version_id
        {joins}
        WHERE chunk.id = found.chunk_id AND {conditions}
        LIMIT 1)
    LIMIT %(candidates)s
), lexical AS MATERIALIZED (
    SELECT chunk_id, matched.terms, score, row_number() OVER (ORDER BY score DESC, chunk_id) AS rank
    FROM checked CROSS JOIN LATERAL (
        SELECT bit_or(idf.bit) AS terms
        FROM idf CROSS JOIN LATERAL (
            SELECT FROM retrieval_posting posting
            WHERE posting.index_id = (ARRAY[{ids}]::uuid[])[checked.index_number]
              AND posting.term = (%(terms)s::text[])[idf.number]
              AND posting.chunk_id = checked.chunk_id
            OFFSET 0
        ) AS posting
    ) AS matched
    WHERE matched.terms IS NOT NULL
)"""

_VECTOR = """
nearest AS MATERIALIZED (
    {branches}
), vector AS MATERIALIZED (
    SELECT chunk_id, 1 - distance AS similarity,
           row_number() OVER (ORDER BY distance, chunk_id) AS rank
    FROM (SELECT * FROM nearest ORDER BY distance, chunk_id LIMIT %(candidates)s) AS nearest
)"""

_ONE_BY_ONE = """(
    SELECT embedding.chunk_id, (embedding.vector <=> %(vector)s::halfvec) + 0 AS distance
    FROM retrieval_embedding embedding
    WHERE embedding.index_id = ANY({ids}) AND {condition}
    ORDER BY distance, chunk_id LIMIT %(candidates)s)"""

_OF_VERSIONS = """(
    SELECT embedding.chunk_id, (embedding.vector <=> %(vector)s::halfvec) + 0 AS distance
    FROM versions CROSS JOIN LATERAL (
        SELECT * FROM retrieval_embedding embedding
        WHERE embedding.version_id = versions.id AND (embedding.index_id = ANY({ids})) IS TRUE
        OFFSET 0
    ) AS embedding{condition}
    ORDER BY distance, chunk_id LIMIT %(candidates)s)"""

_NONE = "SELECT NULL::bigint AS chunk_id, NULL::float8 AS distance WHERE false"


@lru_cache(maxsize=256)
def large_statement(shape: Shape) -> Statement:
    """The statement for this shape; its columns are those of every search."""
    parts = [_totals(shape)]
    if shape.reach == "listed" and shape.mode != "lexical":
        parts.append(_versions(shape.conditions))
    if shape.mode != "vector":
        parts.append(_words(shape))
    if shape.mode != "lexical":
        parts.append(_meaning(shape))
    return compose(shape.mode, *parts)


def count_statement(conditions: tuple[str, ...], *, needs_chunks: bool) -> str:
    """How many passages pass a filter, as far as `enough`: at least that many, if it is more."""
    chunks = "JOIN chunking_chunk chunk ON chunk.version_id = version.id" if needs_chunks else ""
    amount = "1" if needs_chunks else "greatest(version.num_chunks, 1)"
    return f"""
SELECT count(*), coalesce(sum(amount), 0)::bigint FROM (
    SELECT {amount} AS amount FROM documents_document document
    JOIN documents_documentversion version ON version.id = document.current_id
    {chunks}
    WHERE document.workspace_id = %(workspace)s
      AND document.collection_id = ANY(%(collections)s)
      AND document.deleted_at IS NULL AND {" AND ".join(conditions)}
    LIMIT %(enough)s
) AS passing"""  # noqa: S608  (conditions are ours; values are parameters)


def allowed_statement(conditions: tuple[str, ...]) -> str:
    """The passages that pass a filter, as bytes: 8 for each id, big-endian."""
    found = "SELECT string_agg(int8send(id), ''::bytea) FROM allowed"
    return f"WITH {_versions(conditions)} {found}"


def _totals(shape: Shape) -> str:
    rows = ", ".join(f"('{p.index_id}'::uuid, {str(p.same_model).lower()})" for p in shape.parts)
    return _TOTALS.format(parts=rows)


def _versions(conditions: tuple[str, ...]) -> str:
    of_chunks = [text for text in conditions if "chunk." in text]
    of_documents = [text for text in conditions if "chunk." not in text]
    return _VERSIONS.format(
        document_conditions="".join(f"\n      AND {text}" for text in of_documents),
        chunk_conditions="\n    WHERE " + " AND ".join(of_chunks) if of_chunks else "",
    )


def _words(shape: Shape) -> str:
    joins = ""
    if shape.conditions:
        joins = "JOIN documents_documentversion version ON version.id = document.current_id"
    return _LEXICAL.format(
        joins=joins,
        conditions=" AND ".join([_VISIBLE, *shape.conditions]),
        ids=", ".join(f"'{part.index_id}'" for part in shape.parts),
    )


def _meaning(shape: Shape) -> str:
    """Every index by its vector index; those without one, and listed passages, one by one."""
    parts = [part for part in shape.parts if part.same_model]
    if not parts:
        return _VECTOR.format(branches=_NONE)
    if shape.reach == "listed":
        condition = ""
        if shape.needs_chunks:
            condition = "\n    WHERE embedding.chunk_id IN (SELECT id FROM allowed)"
        branches = [_OF_VERSIONS.format(ids=_ids(parts), condition=condition)]
        return _VECTOR.format(branches=branches[0])
    visible = _check_row(shape)
    gate = "".join(
        f"set_config('{name}', %(setting_{n})s::text, true) IS NOT NULL AND "
        for n, name in enumerate(shape.settings)
    )
    branches = [
        f"({part.vectors.nearest(condition=f'(SELECT {gate}true) AND {visible}')})"
        for part in parts
        if part.vectors is not None
    ]
    plain = [part for part in parts if part.vectors is None]
    if plain:
        branches.append(_ONE_BY_ONE.format(ids=_ids(plain), condition=_check_set(shape)))
    return _VECTOR.format(branches="\n    UNION ALL\n    ".join(branches))


def _ids(parts: Sequence[Part]) -> str:
    return "ARRAY[" + ", ".join(f"'{part.index_id}'" for part in parts) + "]::uuid[]"


def _joins(shape: Shape) -> str:
    """What the conditions of a filter read beside the document."""
    if not shape.conditions:
        return ""
    version = "JOIN documents_documentversion version ON version.id = document.current_id"
    if not shape.needs_chunks:
        return version
    return f"{version} JOIN chunking_chunk chunk ON chunk.id = embedding.chunk_id"


def _check_row(shape: Shape) -> str:
    """A condition on `embedding`, looked up for each row that a vector index gives."""
    conditions = " AND ".join([_VISIBLE, *shape.conditions])
    return (
        f"(SELECT true FROM documents_document document {_joins(shape)} "  # noqa: S608
        f"WHERE document.current_id = embedding.version_id AND {conditions} LIMIT 1)"
    )


def _check_set(shape: Shape) -> str:
    """The same where every row is read anyway: the visible versions are listed once."""
    if shape.needs_chunks:
        return _check_row(shape)
    conditions = " AND ".join([_VISIBLE, *shape.conditions])
    return (
        f"(embedding.version_id IN (SELECT document.current_id "  # noqa: S608
        f"FROM documents_document document {_joins(shape)} WHERE {conditions})) IS TRUE"
    )
