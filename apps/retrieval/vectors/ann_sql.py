"""Vector indexes in SQL: how to build them, and how to write queries that can use them.

Every large Index has a partial vector index of its own, `WHERE index_id = '<id>'`. It contains no
vectors of other collections, which could slow down a search or crowd out its results. The planner
uses a partial index only if the query has the id as a constant, so the id is in the statement's
text. The expressions must not change, as the planner matches indexes by them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from uuid import UUID

TABLE = "retrieval_embedding"
PREFIX = "embedding_ann_"
HNSW_M = 16
HNSW_WIDE_M = 32
"""Links per vector. With fewer, some of a million vectors cannot be reached in the graph."""

HNSW_EF_CONSTRUCTION = 128
WIDE_CHUNKS = 300_000
"""The number of chunks from which the graph has more links."""

LIST_CHUNKS = 1_000
"""Vectors per list of IVFFlat, as its manual recommends."""

BINARY_OVERSAMPLING = 16
BINARY_AT_LEAST = 500
"""Bits are imprecise: this many times more are fetched by them, then compared by 16 bits."""
MAX_EF_SEARCH = 1_000


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """The vector index of an Index: its kind, its precision, and the length of its vectors."""

    index_id: UUID
    kind: str
    precision: str
    dimensions: int

    @property
    def label(self) -> str:
        """Kind and precision, as `Index.ann_built` stores them."""
        return f"{self.kind} {self.precision}"

    @property
    def name(self) -> str:
        """The relation's name, at most 63 characters."""
        return f"{PREFIX}{self.index_id.hex}_{self.kind}_{self.precision}"

    @property
    def _key(self) -> tuple[str, str]:
        """The indexed expression and its operator class."""
        if self.precision == "binary":
            return f"({self._bits('vector')})", "bit_hamming_ops"
        if self.precision == "full":
            return f"((vector::vector({self.dimensions})))", "vector_cosine_ops"
        return f"((vector::halfvec({self.dimensions})))", "halfvec_cosine_ops"

    def _bits(self, value: str) -> str:
        size = self.dimensions
        return f"(binary_quantize({value}::halfvec({size}))::bit({size}))"

    def create(self, *, num_chunks: int, concurrently: bool = True) -> str:
        """The statement that builds it; `concurrently` does not block writes."""
        expression, operators = self._key
        if self.kind == "hnsw":
            options = f"m = {_links(num_chunks)}, ef_construction = {HNSW_EF_CONSTRUCTION}"
        else:
            options = f"lists = {max(10, num_chunks // LIST_CHUNKS)}"
        return (
            f"CREATE INDEX {'CONCURRENTLY ' * concurrently}{self.name} ON {TABLE} "
            f"USING {self.kind} ({expression} {operators}) WITH ({options}) "
            f"WHERE index_id = '{self.index_id}'::uuid"
        )

    def build_bytes(self, num_chunks: int) -> int:
        """A generous estimate of the memory for a build that does not spill to disk."""
        value = {"full": 4 * self.dimensions, "half": 2 * self.dimensions}.get(
            self.precision, self.dimensions // 8
        )
        graph = 24 * _links(num_chunks) + 400 if self.kind == "hnsw" else 0
        return int(1.25 * num_chunks * (value + graph)) + 64 * 2**20

    def settings(self, *, candidates: int, num_chunks: int, filtered: bool) -> dict[str, str]:
        """The server settings for a scan that should find `candidates` chunks."""
        if self.kind == "ivfflat":
            lists = max(10, num_chunks // LIST_CHUNKS)
            probes = min(lists, max(10, math.ceil(3.5 * math.sqrt(lists))))
            return {
                "ivfflat.probes": str(probes),
                "ivfflat.iterative_scan": "relaxed_order",
                "ivfflat.max_probes": str(lists),
            }
        # The more chunks there are, and the fewer of them pass a filter, the longer the candidate
        # list has to be for the same recall.
        least, breadth = (150, 3) if num_chunks <= WIDE_CHUNKS else (400, 8)
        if filtered:
            least, breadth = 5 * least // 2, 2 * breadth
        list_length = max(least, breadth * candidates, self.oversampled(candidates))
        return {
            "hnsw.ef_search": str(min(list_length, MAX_EF_SEARCH)),
            "hnsw.iterative_scan": "relaxed_order",
            "hnsw.max_scan_tuples": "100000",
        }

    def oversampled(self, candidates: int) -> int:
        """How many chunks to fetch by bits for `candidates` good ones."""
        if self.precision != "binary":
            return candidates
        return max(BINARY_AT_LEAST, BINARY_OVERSAMPLING * candidates)

    def nearest(self, *, condition: str) -> str:
        """The chunks nearest to %(vector)s among those for which `condition` (SQL) holds.

        Columns: chunk_id, distance. At most `candidates` rows, nearly in order.
        """
        where = f"WHERE embedding.index_id = '{self.index_id}'::uuid AND {condition}"
        exact = "embedding.vector <=> %(vector)s::halfvec"
        if self.precision == "binary":
            order = f"{self._bits('embedding.vector')} <~> {self._bits('%(vector)s')}"
            return (
                f"SELECT chunk_id, distance FROM (SELECT embedding.chunk_id, {exact} AS distance "  # noqa: S608
                f"FROM {TABLE} embedding {where} ORDER BY {order} LIMIT %(oversampled)s) AS rough "
                "ORDER BY distance LIMIT %(candidates)s"
            )
        cast = "vector" if self.precision == "full" else "halfvec"
        order = (
            f"embedding.vector::{cast}({self.dimensions}) "
            f"<=> %(vector)s::halfvec::{cast}({self.dimensions})"
        )
        return (
            f"SELECT embedding.chunk_id, {order} AS distance FROM {TABLE} embedding {where} "  # noqa: S608
            f"ORDER BY {order} LIMIT %(candidates)s"
        )


def _links(num_chunks: int) -> int:
    return HNSW_M if num_chunks <= WIDE_CHUNKS else HNSW_WIDE_M
