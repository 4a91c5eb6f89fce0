"""The search as one statement for each mode. Texts never change, so Postgres can keep their plans.

Every part is restricted to the workspace, the collections and their live index. The result is
joined with documents that are not deleted and whose current version contains the chunk.

BM25 has k1 = 1.2 and b = 0.75, so k1 + 1 = 2.2, k1 (1 - b) = 0.3 and k1 b = 0.9. Each list gives
its first `candidates` to the fusion, which adds weight / (60 + rank), or weight x score with both
scores brought to 0..1. Ties are broken by the chunk's id.

These statements compare every vector and read every posting of the terms. Beyond `exact_chunks`
chunks they only return the number of chunks, and `large` takes over.

One plan serves every question, so each part is written such that its plan does not depend on the
estimated number of rows: "(x) IS TRUE" means x, but cannot use an index, and "OFFSET 0" keeps a
subquery from being merged into its surroundings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from django.conf import settings

from apps.retrieval.search.filters import Clause
from apps.retrieval.search.query import Mode, SearchQuery
from apps.retrieval.vectors.wire import HalfVector

_LIVE = """
named AS MATERIALIZED (
    SELECT id, num_chunks, total_length, embedding_model = %(model)s AS same_model
    FROM retrieval_index
    WHERE workspace_id = %(workspace)s AND collection_id = ANY(%(collections)s)
      AND CASE WHEN %(index)s IS NULL THEN state = 'live' ELSE id = %(index)s END
), totals AS MATERIALIZED (
    SELECT coalesce(sum(num_chunks), 0)::float8 AS chunks,
           greatest(sum(total_length), 1)::float8 / greatest(sum(num_chunks), 1) AS mean_length
    FROM named
), live AS MATERIALIZED (
    SELECT id, same_model FROM named WHERE (SELECT chunks <= %(exact_chunks)s::int FROM totals)
)"""

# The chunks that pass a filter, if there is one. All tables that clauses may read are joined.
_ALLOWED = """
allowed AS MATERIALIZED (
    SELECT chunk.id
    FROM documents_document document
    JOIN documents_documentversion version ON version.id = document.current_id
    JOIN chunking_chunk chunk ON chunk.version_id = version.id
    WHERE (SELECT chunks <= %(exact_chunks)s::int FROM totals)
      AND document.workspace_id = %(workspace)s
      AND document.collection_id = ANY(%(collections)s) AND document.deleted_at IS NULL
      AND {clauses}
)"""
_ALLOWED_POSTING = "WHERE chunk_id IN (SELECT id FROM allowed)"
_ALLOWED_VECTOR = "AND embedding.chunk_id IN (SELECT id FROM allowed)"
_ALLOWED_COUNT = """CASE WHEN totals.chunks > %(exact_chunks)s::int THEN totals.chunks::bigint
            ELSE (SELECT count(*) FROM allowed) END"""

# Postings of deleted documents remain until a job removes them. There are few such chunks, so
# they are listed and excluded. `terms` is a bit for each of the question's terms.
_LEXICAL = """
hidden AS MATERIALIZED (
    SELECT chunk.id
    FROM documents_document document
    JOIN documents_documentversion version ON version.document_id = document.id
    JOIN chunking_chunk chunk ON chunk.version_id = version.id
    WHERE document.collection_id = ANY(%(collections)s) AND document.deleted_at IS NOT NULL
), matches AS MATERIALIZED (
    SELECT posting.chunk_id, question.number::int AS number, posting.frequency::float8 AS frequency,
           posting.length::float8 AS length
    FROM live
    CROSS JOIN unnest(%(terms)s::text[]) WITH ORDINALITY AS question (term, number)
    CROSS JOIN LATERAL (
        SELECT * FROM retrieval_posting posting
        WHERE posting.index_id = live.id AND posting.term = question.term
          AND posting.chunk_id NOT IN (SELECT id FROM hidden)
        OFFSET 0
    ) AS posting
), idf AS MATERIALIZED (
    SELECT number, 1::bigint << (number - 1) AS bit,
           (%(weights)s::float8[])[number] * 2.2::float8 * ln(
               1 + (greatest(totals.chunks, holding) - holding + 0.5) / (holding + 0.5::float8)
           ) AS weight
    FROM (SELECT number, count(*) AS holding FROM matches GROUP BY number) AS counted
    CROSS JOIN totals
), scored AS (
    SELECT chunk_id, bit_or(idf.bit) AS terms,
           sum(idf.weight * frequency / (
               frequency + 0.3::float8 + 0.9::float8 * length / totals.mean_length)) AS score
    FROM matches JOIN idf USING (number) CROSS JOIN totals
    {allowed}
    GROUP BY chunk_id
), best AS MATERIALIZED (
    SELECT chunk_id, terms, score FROM scored ORDER BY score DESC, chunk_id
    LIMIT %(candidates)s
), lexical AS (
    SELECT chunk_id, terms, score, row_number() OVER (ORDER BY score DESC, chunk_id) AS rank
    FROM best
)"""

# Compared row by row, so the recall is perfect. ("+ 0" keeps the planner from using an index.)
_VECTOR = """
nearest AS MATERIALIZED (
    SELECT embedding.chunk_id, (embedding.vector <=> %(vector)s::halfvec) + 0 AS distance
    FROM live JOIN retrieval_embedding embedding ON embedding.index_id = live.id
    WHERE live.same_model
      AND (embedding.version_id IN (
          SELECT current_id FROM documents_document document
          WHERE document.workspace_id = %(workspace)s
            AND document.collection_id = ANY(%(collections)s) AND document.deleted_at IS NULL
      )) IS TRUE
      {allowed}
    ORDER BY distance, embedding.chunk_id LIMIT %(candidates)s
), vector AS (
    SELECT chunk_id, 1 - distance AS similarity,
           row_number() OVER (ORDER BY distance, chunk_id) AS rank
    FROM nearest
)"""

# By rank, or by scores scaled to 0..1 within the candidates. The latter also needs the scores of
# each list for the other's candidates: `met` has those by words, `near` those by vectors.
_MET = """
met AS MATERIALIZED (
    SELECT vector.chunk_id, bit_or(idf.bit) AS terms,
           sum(idf.weight * posting.frequency / (
               posting.frequency + 0.3::float8 + 0.9::float8 * posting.length / totals.mean_length
           )) AS score
    FROM vector
    CROSS JOIN LATERAL (
        SELECT index_id FROM retrieval_embedding embedding
        WHERE embedding.chunk_id = vector.chunk_id
          AND (embedding.index_id IN (SELECT id FROM live)) IS TRUE
        OFFSET 0
    ) AS home
    CROSS JOIN idf CROSS JOIN totals
    CROSS JOIN LATERAL (
        SELECT frequency::float8 AS frequency, length::float8 AS length
        FROM retrieval_posting posting
        WHERE posting.index_id = home.index_id AND posting.chunk_id = vector.chunk_id
          AND posting.term = (%(terms)s::text[])[idf.number]
        OFFSET 0
    ) AS posting
    WHERE NOT %(by_rank)s AND vector.chunk_id NOT IN (SELECT chunk_id FROM lexical)
    GROUP BY vector.chunk_id
)"""

_NEAR = """
near AS MATERIALIZED (
    SELECT lexical.chunk_id, 1 - (embedding.vector <=> %(vector)s::halfvec) AS similarity
    FROM lexical
    CROSS JOIN LATERAL (
        SELECT vector FROM retrieval_embedding embedding
        WHERE embedding.chunk_id = lexical.chunk_id
          AND (embedding.index_id IN (SELECT id FROM live WHERE same_model)) IS TRUE
        OFFSET 0
    ) AS embedding
    WHERE NOT %(by_rank)s AND lexical.chunk_id NOT IN (SELECT chunk_id FROM vector)
)"""

_BOTH = """
pairs AS MATERIALIZED (
    SELECT chunk_id, coalesce(lexical.score, met.score) AS lexical_score,
           lexical.rank AS lexical_rank, coalesce(lexical.terms, met.terms) AS terms,
           coalesce(vector.similarity, near.similarity) AS similarity, vector.rank AS vector_rank
    FROM lexical FULL JOIN vector USING (chunk_id)
    LEFT JOIN met USING (chunk_id) LEFT JOIN near USING (chunk_id)
), ends AS MATERIALIZED (
    SELECT min(coalesce(lexical_score, 0)) AS least, max(lexical_score) AS most,
           min(similarity) AS farthest, max(similarity) AS closest
    FROM pairs
)"""

_FUSED: dict[Mode, str] = {
    "hybrid": """
fused AS MATERIALIZED (
    SELECT chunk_id,
           CASE WHEN %(by_rank)s THEN
               coalesce(%(lexical_weight)s::float8 / (60 + lexical_rank), 0)
                   + coalesce(%(vector_weight)s::float8 / (60 + vector_rank), 0)
           ELSE
               %(lexical_weight)s::float8 * coalesce(
                   (coalesce(lexical_score, 0) - least) / nullif(most - least, 0),
                   (lexical_score > 0)::int, 0)
                   + %(vector_weight)s::float8 * coalesce(
                       (similarity - farthest) / nullif(closest - farthest, 0),
                       (similarity = closest)::int, 0)
           END AS score,
           lexical_score, lexical_rank, terms, similarity, vector_rank
    FROM pairs CROSS JOIN ends
    ORDER BY 2 DESC, 1 LIMIT %(limit)s
)""",
    "lexical": """
fused AS MATERIALIZED (
    SELECT chunk_id, score, score AS lexical_score, rank AS lexical_rank, terms,
           NULL::float8 AS similarity, NULL::bigint AS vector_rank
    FROM lexical ORDER BY rank LIMIT %(limit)s
)""",
    "vector": """
fused AS MATERIALIZED (
    SELECT chunk_id, similarity AS score, NULL::float8 AS lexical_score,
           NULL::bigint AS lexical_rank, NULL::bigint AS terms, similarity, rank AS vector_rank
    FROM vector ORDER BY rank LIMIT %(limit)s
)""",
}

_RESULT = """
SELECT {searched}, hit.*
FROM totals LEFT JOIN (
    SELECT passage.id, passage.document_id, passage.name, passage.version_id,
           passage.first_page, passage.start, passage."end", passage.text, passage.heading,
           fused.score, fused.lexical_score, fused.lexical_rank, fused.terms,
           fused.similarity, fused.vector_rank, passage.table_head
    FROM fused CROSS JOIN LATERAL (
        SELECT chunk.id, document.id AS document_id, document.name, chunk.version_id,
               chunk.first_page, chunk.start, chunk."end", chunk.text, chunk.heading,
               chunk.table_head
        FROM chunking_chunk chunk
        JOIN documents_document document ON document.current_id = chunk.version_id
        WHERE chunk.id = fused.chunk_id
          AND chunk.workspace_id = %(workspace)s AND document.workspace_id = %(workspace)s
          AND (document.collection_id = ANY(%(collections)s)) IS TRUE
          AND document.deleted_at IS NULL
        LIMIT 1
    ) AS passage
) AS hit ON true
ORDER BY hit.score DESC, hit.id
"""

_PARAMETER = re.compile(r"%\((\w+)\)s")
_TYPES = {
    "workspace": "uuid",
    "collections": "uuid[]",
    "model": "text",
    "index": "uuid",
    "limit": "bigint",
    "candidates": "bigint",
    "by_rank": "boolean",
    "oversampled": "bigint",
    "enough": "bigint",
    "most": "bigint",
    "indexes": "uuid[]",
    "same_model": "uuid[]",
}
_READERS: dict[str, Callable[[SearchQuery], Any]] = {
    "workspace": lambda query: query.workspace_id,
    "collections": lambda query: list(query.collection_ids),
    "model": lambda query: query.model_name,
    "index": lambda query: query.index_id,
    "terms": lambda query: list(query.terms),
    "weights": lambda query: [float(count) for count in query.terms.values()],
    "vector": lambda query: HalfVector(query.embedding) if query.embedding is not None else None,
    "exact_chunks": lambda _: settings.EXACT_SCAN_CHUNKS,
    "limit": lambda query: query.num_rows,
    "candidates": lambda query: query.num_candidates,
    "lexical_weight": lambda query: query.weights[0],
    "vector_weight": lambda query: query.weights[1],
    "by_rank": lambda query: query.fusion == "rrf",
}
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with `$1`, `$2`, ..., and the names of these parameters in order."""

    text: str
    parameters: tuple[str, ...]

    def bind(self, query: SearchQuery, values: Mapping[str, Any] = _NOTHING) -> list[Any]:
        """The values of the parameters: from the query, from its filter, or from `values`."""
        known = query.filter.parameters
        return [
            read(query)
            if (read := _READERS.get(name)) is not None
            else known[name]
            if name in known
            else values[name]
            for name in self.parameters
        ]


def number_parameters(sql: str) -> Statement:
    """The statement for SQL with `%(name)s` parameters."""
    names = tuple(dict.fromkeys(_PARAMETER.findall(sql)))

    def place(match: re.Match[str]) -> str:
        name = match[1]
        cast = f"::{_TYPES[name]}" if name in _TYPES else ""
        return f"${names.index(name) + 1}{cast}"

    return Statement(_PARAMETER.sub(place, sql), names)


def compose(
    mode: Mode,
    *parts: str,
    met: str = _MET,
    near: str = _NEAR,
    searched: str = "totals.chunks::bigint",
) -> Statement:
    """A search: the parts that make the lists `lexical` and `vector`, their fusion, the result.

    `met` has the word scores of what only `vector` found, `near` the similarities of what only
    `lexical` found; `searched` is SQL for the number of chunks that the result reports.
    """
    fusion = (met, near, _BOTH, _FUSED[mode]) if mode == "hybrid" else (_FUSED[mode],)
    result = _RESULT.format(searched=searched)
    return number_parameters(f"WITH {', '.join([*parts, *fusion])}{result}")


@lru_cache(maxsize=256)
def statement_for(mode: Mode, clauses: tuple[Clause, ...] = ()) -> Statement:
    """The search of small collections, with the clauses of a filter if there is one."""
    lexical = _LEXICAL.format(allowed=_ALLOWED_POSTING if clauses else "")
    vector = _VECTOR.format(allowed=_ALLOWED_VECTOR if clauses else "")
    parts = {"hybrid": [lexical, vector], "lexical": [lexical], "vector": [vector]}[mode]
    if not clauses:
        return compose(mode, _LIVE, *parts)
    allowed = _ALLOWED.format(clauses=" AND ".join(clause.sql for clause in clauses))
    return compose(mode, _LIVE, allowed, *parts, searched=_ALLOWED_COUNT)
