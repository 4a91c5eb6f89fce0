"""The question of a search: built once, and read by everything below, down to the SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal
from uuid import UUID

from apps.core.embedder import get_embedder
from apps.core.text import storable
from apps.retrieval.postings.terms import MAX_QUERY_CHARS, query_terms
from apps.retrieval.search.filters import Filter, parse_filter, within_documents
from inference.protocols import Vectors

Mode = Literal["hybrid", "lexical", "vector"]
Fusion = Literal["weighted", "rrf"]

MAX_QUESTION = 32_000
"""The longest text, in characters, that can be asked or searched anywhere."""
MAX_LIMIT = 50
MAX_CANDIDATES = 200
SPARE_HITS = 10
"""Fetched beyond the limit, to fill the places of near duplicates."""


@dataclass(frozen=True)
class SearchQuery:
    """What to look for and where. Collections of other workspaces count as empty.

    In hybrid mode each list gives its first `candidates`, and `weights` are those of words and of
    meaning. With the fusion "rrf" a chunk's score is the sum of weight / (60 + rank) over both.
    With "weighted" it is the sum of weight x score, where BM25 and cosine of every candidate run
    from 0 (the least of them) to 1 (the most). `filters` is written in the language of `filters`.
    `index_id` names an index to search instead of the live ones. `document_ids`, unless they are
    empty, name the only documents that are searched; they too have to be in the collections.

    `model` limits the search to one embedding model; otherwise the indexes determine it.
    `vector` is the question embedded by it, or by the built-in model, of shape (dimensions,), if
    the caller has that already.

    Derived values are computed on first use and kept.
    """

    workspace_id: UUID
    collection_ids: Sequence[UUID]
    text: str
    limit: int = 8
    mode: Mode = "hybrid"
    weights: tuple[float, float] = (1.0, 1.0)
    candidates: int = 50
    filters: str = ""
    fusion: Fusion = "rrf"
    index_id: UUID | None = None
    model: str = ""
    vector: Vectors | None = field(default=None, compare=False, repr=False)
    document_ids: Sequence[UUID] = ()

    @cached_property
    def clean_text(self) -> str:
        """The text as Postgres and the tokenizer take it: short, no NUL, no lone surrogates."""
        return storable(self.text[:MAX_QUERY_CHARS]).strip()

    @cached_property
    def terms(self) -> Mapping[str, int]:
        """The terms to look up, with their counts; none where words do not count."""
        return {} if self.mode == "vector" else query_terms(self.clean_text)

    @cached_property
    def embedding(self) -> Vectors | None:
        """The vector to compare with; None where meaning does not count.

        Raises ModelError or ModelFilesError where the model cannot be asked.
        """
        if self.mode == "lexical":
            return None
        if self.vector is not None:
            return self.vector
        embedder = get_embedder(self.model) if self.model else get_embedder()
        return embedder.encode_query(self.clean_text)

    @cached_property
    def model_name(self) -> str:
        """The model's name as indexes store it; "" where meaning does not count."""
        if self.mode == "lexical":
            return ""
        return self.model or get_embedder().name

    @cached_property
    def filter(self) -> Filter:
        """`filters` and `document_ids` as SQL. Raises `filters.FilterError`."""
        return within_documents(parse_filter(self.filters), self.document_ids)

    @property
    def num_hits(self) -> int:
        """How many hits the caller gets at most."""
        return max(1, min(self.limit, MAX_LIMIT))

    @property
    def num_rows(self) -> int:
        """How many rows the database gives at most."""
        return self.num_hits + SPARE_HITS

    @property
    def num_candidates(self) -> int:
        """The length of each list. Only lists that are fused are longer than the result."""
        fused = min(self.candidates, MAX_CANDIDATES) if self.mode == "hybrid" else 0
        return max(self.num_rows, fused)
