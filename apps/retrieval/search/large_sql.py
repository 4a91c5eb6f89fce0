"""The statements for searching large collections, composed for their indexes. Pure.

Where vector indexes are searched, the ids of live indexes are constants in the text, so that each
partial index can match. If few chunks pass a filter, they are listed and everything is computed
over them. Otherwise vector indexes are scanned until enough chunks have passed, and those found by
words are checked in the order of their scores.

Postings are added up outside of Postgres (`term_lists`), so both lists are parameters of the last
statement, which shares its fusion and result with every search (`sql`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from apps.retrieval.search.filters import Clause, Table, tables_of
from apps.retrieval.search.query import Mode
from apps.retrieval.search.sql import Statement, compose, number_parameters
from apps.retrieval.vectors.ann_sql import VectorIndex


@dataclass(frozen=True, slots=True)
class SearchedIndex:
    """An index to search; `vectors` is its vector index, if that is ready."""

    index_id: UUID
    same_model: bool
    vectors: VectorIndex | None


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything that the text of `nearest_statement` depends on.

    `clauses` are those of a filter that is checked during the scan. `settings` are only names;
    their values are the parameters `setting_0`, ...
    """

    parts: tuple[SearchedIndex, ...]
    clauses: tuple[Clause, ...]
    settings: tuple[str, ...]


# How the tables that clauses read besides `document` are joined to it and to `embedding`.
_JOINS = {
    Table.VERSION: "JOIN documents_documentversion version ON version.id = document.current_id",
    Table.CHUNK: "JOIN chunking_chunk chunk ON chunk.id = embedding.chunk_id",
}

_VISIBLE = """document.workspace_id = %(workspace)s
        AND (document.collection_id = ANY(%(collections)s)) IS TRUE
        AND document.deleted_at IS NULL"""

# One row: how many documents pass, counted up to `enough`; if that is reached, an estimate of their
# chunks, from a sample; otherwise the chunks, at most `most` and one more, and their distances
# (8 bytes each, big-endian).
_LISTED = """
WITH passing AS MATERIALIZED (
    SELECT document.current_id AS id
    FROM documents_document document {document_joins}
    WHERE document.workspace_id = %(workspace)s
      AND document.collection_id = ANY(%(collections)s)
      AND document.deleted_at IS NULL AND document.current_id IS NOT NULL{document_clauses}
    LIMIT %(enough)s
), amount AS MATERIALIZED (
    SELECT count(*) AS documents FROM passing
), packed AS MATERIALIZED (
    SELECT {columns} FROM (
        SELECT embedding.chunk_id{distance}
        FROM retrieval_embedding embedding {chunk_joins}
        WHERE (SELECT documents < %(enough)s FROM amount)
          AND embedding.version_id = ANY((SELECT array_agg(id) FROM passing)::uuid[])
          AND embedding.index_id = ANY(%(indexes)s){chunk_clauses}
        LIMIT %(most)s::bigint + 1
    ) AS listed
)
SELECT amount.documents,
       CASE WHEN amount.documents >= %(enough)s THEN (
           SELECT (amount.documents * avg(greatest(version.num_chunks, 1)))::bigint
           FROM (SELECT id FROM passing LIMIT 50) AS sample
           JOIN documents_documentversion version USING (id)
       ) END,
       packed.*
FROM amount CROSS JOIN packed"""

_DISTANCE = ", embedding.vector <=> %(vector)s::halfvec AS distance"
_DISTANCE_OF_SOME = """,
            CASE WHEN embedding.index_id = ANY(%(same_model)s)
                THEN embedding.vector <=> %(vector)s::halfvec ELSE 'NaN' END AS distance"""

_FOUND = """
totals AS MATERIALIZED (
    SELECT %(chunks)s::float8 AS chunks
)"""

# The first chunks, in the order of their scores, that are visible and pass the filter.
_CHECKED = """
SELECT number::int FROM unnest(%(best_ids)s::bigint[]) WITH ORDINALITY AS best (chunk_id, number)
WHERE (
    SELECT true FROM retrieval_embedding embedding
    JOIN documents_document document ON document.current_id = embedding.version_id
    {joins}
    WHERE embedding.chunk_id = best.chunk_id
      AND (embedding.index_id = ANY(%(indexes)s)) IS TRUE AND {clauses}
    LIMIT 1)
LIMIT %(candidates)s"""

_LEXICAL = """
lexical AS MATERIALIZED (
    SELECT chunk_id, terms, score, row_number() OVER (ORDER BY score DESC, chunk_id) AS rank
    FROM unnest(%(best_ids)s::bigint[], %(best_scores)s::float8[], %(best_terms)s::bigint[])
        AS best (chunk_id, score, terms)
)"""

_VECTOR = """
vector AS MATERIALIZED (
    SELECT chunk_id, 1 - distance AS similarity,
           row_number() OVER (ORDER BY distance, chunk_id) AS rank
    FROM unnest(%(near_ids)s::bigint[], %(near_distances)s::float8[]) AS near (chunk_id, distance)
)"""

# Chunks found by words are compared as well: a vector index may have missed them, and chunks that
# are in both lists rank highest.
_VECTOR_OF_BOTH = """
compared AS MATERIALIZED (
    SELECT lexical.chunk_id, embedding.vector <=> %(vector)s::halfvec AS distance
    FROM lexical CROSS JOIN LATERAL (
        SELECT vector FROM retrieval_embedding embedding
        WHERE embedding.chunk_id = lexical.chunk_id
          AND (embedding.index_id = ANY(%(same_model)s)) IS TRUE
        OFFSET 0
    ) AS embedding
    WHERE lexical.chunk_id <> ALL(%(near_ids)s::bigint[])
), vector AS MATERIALIZED (
    SELECT chunk_id, 1 - distance AS similarity,
           row_number() OVER (ORDER BY distance, chunk_id) AS rank
    FROM (
        SELECT * FROM unnest(%(near_ids)s::bigint[], %(near_distances)s::float8[])
            AS near (chunk_id, distance)
        UNION ALL SELECT * FROM compared
        ORDER BY distance, chunk_id LIMIT %(candidates)s
    ) AS nearest
)"""

_NEAR = """
near AS MATERIALIZED (
    SELECT chunk_id, 1 - distance AS similarity FROM compared
    WHERE NOT %(by_rank)s AND chunk_id NOT IN (SELECT chunk_id FROM vector)
)"""

# The word scores of chunks found by vectors; those of the other list are known already.
_MET = """
met AS MATERIALIZED (
    SELECT * FROM unnest(
        %(near_ids)s::bigint[], %(near_scores)s::float8[], %(near_terms)s::bigint[]
    ) AS near (chunk_id, score, terms)
    WHERE NOT %(by_rank)s AND terms <> 0 AND chunk_id NOT IN (SELECT chunk_id FROM lexical)
)"""

_ONE_BY_ONE = """(
    SELECT embedding.chunk_id, (embedding.vector <=> %(vector)s::halfvec) + 0 AS distance
    FROM retrieval_embedding embedding
    WHERE embedding.index_id = ANY({ids}) AND {condition}
    ORDER BY distance, chunk_id LIMIT %(candidates)s)"""


@lru_cache(maxsize=256)
def list_statement(
    clauses: tuple[Clause, ...], *, with_distance: bool, of_one_model: bool
) -> Statement:
    """The statement that lists the chunks that pass a filter; columns as in _LISTED."""
    of_chunks = [clause for clause in clauses if Table.CHUNK in clause.tables]
    of_documents = [clause for clause in clauses if Table.CHUNK not in clause.tables]
    columns = ["string_agg(int8send(chunk_id), ''::bytea)"]
    if with_distance:
        columns.append("string_agg(float8send(distance), ''::bytea)")
    return number_parameters(
        _LISTED.format(
            document_joins=_join(of_documents),
            document_clauses="".join(f"\n      AND {clause.sql}" for clause in of_documents),
            distance=(_DISTANCE if of_one_model else _DISTANCE_OF_SOME) * with_distance,
            chunk_joins=_join(of_chunks),
            chunk_clauses="".join(f"\n      AND {clause.sql}" for clause in of_chunks),
            columns=", ".join(columns),
        )
    )


@lru_cache(maxsize=256)
def nearest_statement(shape: Shape) -> Statement | None:
    """chunk_id and distance of the nearest `candidates`; None if no index has the query's model.

    Each index is searched by its vector index; indexes without one are compared row by row.
    """
    parts = [part for part in shape.parts if part.same_model]
    gate = "".join(
        f"set_config('{name}', %(setting_{n})s::text, true) IS NOT NULL AND "
        for n, name in enumerate(shape.settings)
    )
    condition = f"(SELECT {gate}true) AND {_check_row(shape.clauses)}"
    branches = [
        f"({part.vectors.nearest(condition=condition)})"
        for part in parts
        if part.vectors is not None
    ]
    plain = [part for part in parts if part.vectors is None]
    if plain:
        branches.append(_ONE_BY_ONE.format(ids=_ids(plain), condition=_check_set(shape.clauses)))
    if not branches:
        return None
    nearest = "\nUNION ALL\n".join(branches)
    if len(branches) == 1:
        return number_parameters(nearest)
    return number_parameters(
        f"SELECT chunk_id, distance FROM ({nearest}) AS nearest "  # noqa: S608  (ours)
        "ORDER BY distance, chunk_id LIMIT %(candidates)s"
    )


@lru_cache(maxsize=256)
def check_statement(clauses: tuple[Clause, ...]) -> Statement:
    """Which of the chunks found by words are visible: their positions in the list, from 1."""
    return number_parameters(_CHECKED.format(joins=_join(clauses), clauses=_visible_and(clauses)))


@lru_cache(maxsize=3)
def result_statement(mode: Mode) -> Statement:
    """The fusion of both lists; its columns are those of every search."""
    lists: dict[Mode, tuple[str, ...]] = {
        "lexical": (_LEXICAL,),
        "vector": (_VECTOR,),
        "hybrid": (_LEXICAL, _VECTOR_OF_BOTH),
    }
    return compose(mode, _FOUND, *lists[mode], met=_MET, near=_NEAR)


def _ids(parts: Sequence[SearchedIndex]) -> str:
    return "ARRAY[" + ", ".join(f"'{part.index_id}'" for part in parts) + "]::uuid[]"


def _join(clauses: Iterable[Clause]) -> str:
    """The joins that the clauses need."""
    tables = tables_of(clauses)
    return " ".join(join for table, join in _JOINS.items() if table in tables)


def _visible_and(clauses: Iterable[Clause]) -> str:
    return " AND ".join([_VISIBLE, *(clause.sql for clause in clauses)])


def _check_row(clauses: tuple[Clause, ...]) -> str:
    """A condition on `embedding` that is evaluated for each row of a vector index scan."""
    return (
        f"(SELECT true FROM documents_document document {_join(clauses)} "  # noqa: S608
        f"WHERE document.current_id = embedding.version_id AND {_visible_and(clauses)} LIMIT 1)"
    )


def _check_set(clauses: tuple[Clause, ...]) -> str:
    """A condition on `embedding` for reading every row: visible versions are listed once."""
    if Table.CHUNK in tables_of(clauses):
        return _check_row(clauses)
    return (
        f"(embedding.version_id IN (SELECT document.current_id "  # noqa: S608
        f"FROM documents_document document {_join(clauses)} "
        f"WHERE {_visible_and(clauses)})) IS TRUE"
    )
