"""The statements of a search of large collections, composed for what is known of them. Pure.

The live indexes stand in the text as constants where vector indexes are asked, so that each can be
matched. What passes a filter is listed if that is little, and everything is computed over it. If
it is much, the vector indexes are scanned until enough have passed, and what words find is checked
in the order of its score.

Words are added up outside of Postgres (`term_lists`). So both lists come as parameters into the
last statement, which has the fusion and the result of every search (`sql`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from apps.retrieval.search.sql import Mode, Statement, compose, number_parameters
from apps.retrieval.vectors.ann_sql import VectorIndex


@dataclass(frozen=True, slots=True)
class Part:
    """One of the indexes that are searched; `vectors` is its vector index if that is ready."""

    index_id: UUID
    same_model: bool
    vectors: VectorIndex | None


@dataclass(frozen=True, slots=True)
class Shape:
    """All that changes the text of the statement that asks the vector indexes.

    `conditions` are those of a filter that is checked on the way. `settings` are names only: their
    values are parameters `setting_0`, ...
    """

    parts: tuple[Part, ...]
    conditions: tuple[str, ...]
    needs_chunks: bool
    settings: tuple[str, ...]


_VISIBLE = """document.workspace_id = %(workspace)s
        AND (document.collection_id = ANY(%(collections)s)) IS TRUE
        AND document.deleted_at IS NULL"""

# One row: how many documents pass, as far as `enough`; where these are too many, about how many
# passages they have, by some of them; otherwise the passages, `most` and one more at most, and
# their distances (8 bytes each, big-endian).
_LISTED = """
WITH passing AS MATERIALIZED (
    SELECT document.current_id AS id
    FROM documents_document document{version}
    WHERE document.workspace_id = %(workspace)s
      AND document.collection_id = ANY(%(collections)s)
      AND document.deleted_at IS NULL AND document.current_id IS NOT NULL{document_conditions}
    LIMIT %(enough)s
), amount AS MATERIALIZED (
    SELECT count(*) AS documents FROM passing
), found AS MATERIALIZED (
    SELECT {packed} FROM (
        SELECT embedding.chunk_id{distance}
        FROM retrieval_embedding embedding{chunk}
        WHERE (SELECT documents < %(enough)s FROM amount)
          AND embedding.version_id = ANY((SELECT array_agg(id) FROM passing)::uuid[])
          AND embedding.index_id = ANY(%(indexes)s){chunk_conditions}
        LIMIT %(most)s::bigint + 1
    ) AS listed
)
SELECT amount.documents,
       CASE WHEN amount.documents >= %(enough)s THEN (
           SELECT (amount.documents * avg(greatest(version.num_chunks, 1)))::bigint
           FROM (SELECT id FROM passing LIMIT 50) AS sample
           JOIN documents_documentversion version USING (id)
       ) END,
       found.*
FROM amount CROSS JOIN found"""

_DISTANCE = ", embedding.vector <=> %(vector)s::halfvec AS distance"
_DISTANCE_OF_SOME = """,
            CASE WHEN embedding.index_id = ANY(%(same_model)s)
                THEN embedding.vector <=> %(vector)s::halfvec ELSE 'NaN' END AS distance"""

_FOUND = """
totals AS MATERIALIZED (
    SELECT %(chunks)s::float8 AS chunks
)"""

# Of passages in the order of their score the first that are visible and pass the filter.
_CHECKED = """
SELECT number::int FROM unnest(%(found_ids)s::bigint[]) WITH ORDINALITY AS found (chunk_id, number)
WHERE (
    SELECT true FROM retrieval_embedding embedding
    JOIN documents_document document ON document.current_id = embedding.version_id
    {joins}
    WHERE embedding.chunk_id = found.chunk_id
      AND (embedding.index_id = ANY(%(indexes)s)) IS TRUE AND {conditions}
    LIMIT 1)
LIMIT %(candidates)s"""

_LEXICAL = """
lexical AS MATERIALIZED (
    SELECT chunk_id, terms, score, row_number() OVER (ORDER BY score DESC, chunk_id) AS rank
    FROM unnest(%(found_ids)s::bigint[], %(found_scores)s::float8[], %(found_terms)s::bigint[])
        AS found (chunk_id, score, terms)
)"""

_VECTOR = """
vector AS MATERIALIZED (
    SELECT chunk_id, 1 - distance AS similarity,
           row_number() OVER (ORDER BY distance, chunk_id) AS rank
    FROM unnest(%(near_ids)s::bigint[], %(near_distances)s::float8[]) AS near (chunk_id, distance)
)"""

# What words have found is compared as well: a vector index may have missed it, and it is just what
# both lists have that comes out on top.
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

# The words of what the vectors have found: those of the other list are added up already.
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
    conditions: tuple[str, ...],
    *,
    needs_chunks: bool,
    with_distance: bool,
    of_one_model: bool,
) -> Statement:
    """The passages that pass a filter; columns as in _LISTED."""
    of_chunks = [text for text in conditions if "chunk." in text]
    of_documents = [text for text in conditions if "chunk." not in text]
    version = "\n    JOIN documents_documentversion version ON version.id = document.current_id"
    chunk = "\n    JOIN chunking_chunk chunk ON chunk.id = embedding.chunk_id"
    packed = ["string_agg(int8send(chunk_id), ''::bytea)"]
    if with_distance:
        packed.append("string_agg(float8send(distance), ''::bytea)")
    return number_parameters(
        _LISTED.format(
            version=version * any("version." in text for text in of_documents),
            document_conditions="".join(f"\n      AND {text}" for text in of_documents),
            distance=(_DISTANCE if of_one_model else _DISTANCE_OF_SOME) * with_distance,
            chunk=chunk * needs_chunks,
            chunk_conditions="".join(f"\n      AND {text}" for text in of_chunks),
            packed=", ".join(packed),
        )
    )


@lru_cache(maxsize=256)
def nearest_statement(shape: Shape) -> Statement | None:
    """chunk_id and distance of the `candidates` nearest; None where nothing can be compared.

    Every index by its vector index, those without one one by one.
    """
    parts = [part for part in shape.parts if part.same_model]
    gate = "".join(
        f"set_config('{name}', %(setting_{n})s::text, true) IS NOT NULL AND "
        for n, name in enumerate(shape.settings)
    )
    condition = f"(SELECT {gate}true) AND {_check_row(shape)}"
    branches = [
        f"({part.vectors.nearest(condition=condition)})"
        for part in parts
        if part.vectors is not None
    ]
    plain = [part for part in parts if part.vectors is None]
    if plain:
        branches.append(_ONE_BY_ONE.format(ids=_ids(plain), condition=_check_set(shape)))
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
def check_statement(conditions: tuple[str, ...], *, needs_chunks: bool) -> Statement:
    """Which of the passages found by words can be shown: their places, from 1."""
    return number_parameters(
        _CHECKED.format(
            joins=_joins(conditions, needs_chunks=needs_chunks),
            conditions=" AND ".join([_VISIBLE, *conditions]),
        )
    )


@lru_cache(maxsize=3)
def result_statement(mode: Mode) -> Statement:
    """What comes of both lists; its columns are those of every search."""
    lists: dict[Mode, tuple[str, ...]] = {
        "lexical": (_LEXICAL,),
        "vector": (_VECTOR,),
        "hybrid": (_LEXICAL, _VECTOR_OF_BOTH),
    }
    return compose(mode, _FOUND, *lists[mode], met=_MET, near=_NEAR)


def _ids(parts: Sequence[Part]) -> str:
    return "ARRAY[" + ", ".join(f"'{part.index_id}'" for part in parts) + "]::uuid[]"


def _joins(conditions: tuple[str, ...], *, needs_chunks: bool) -> str:
    """What the conditions of a filter read beside the document."""
    joins = []
    if any("version." in text for text in conditions):
        joins.append("JOIN documents_documentversion version ON version.id = document.current_id")
    if needs_chunks:
        joins.append("JOIN chunking_chunk chunk ON chunk.id = embedding.chunk_id")
    return " ".join(joins)


def _check_row(shape: Shape) -> str:
    """A condition on `embedding`, looked up for each row that a vector index gives."""
    conditions = " AND ".join([_VISIBLE, *shape.conditions])
    joins = _joins(shape.conditions, needs_chunks=shape.needs_chunks)
    return (
        f"(SELECT true FROM documents_document document {joins} "  # noqa: S608
        f"WHERE document.current_id = embedding.version_id AND {conditions} LIMIT 1)"
    )


def _check_set(shape: Shape) -> str:
    """The same where every row is read anyway: the visible versions are listed once."""
    if shape.needs_chunks:
        return _check_row(shape)
    conditions = " AND ".join([_VISIBLE, *shape.conditions])
    joins = _joins(shape.conditions, needs_chunks=False)
    return (
        f"(embedding.version_id IN (SELECT document.current_id "  # noqa: S608
        f"FROM documents_document document {joins} WHERE {conditions})) IS TRUE"
    )
