"""The one search of the product: chat, the search page, evaluation and the API all call it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.conf import settings

from apps.core.embedder import get_embedder
from apps.core.text import storable
from apps.retrieval.postings.terms import MAX_QUERY_CHARS, query_terms
from apps.retrieval.search.filters import parse_filter
from apps.retrieval.search.large import Question, find_large
from apps.retrieval.search.live_models import live_models, model_of_index
from apps.retrieval.search.sql import Fusion, Mode, statement_for
from apps.retrieval.vectors.wire import HalfVector, open_raw_cursor
from inference.errors import ModelError, ModelFilesError
from inference.protocols import Vectors

MAX_LIMIT = 50
MAX_CANDIDATES = 200
NO_VECTORS = "The embedding model could not be asked, so this was found by words only: {}"
SPARE_HITS = 10
"""Fetched beyond the limit, to fill the places of near duplicates."""

MAX_KNOWN_LARGE = 10_000
Place = tuple[UUID | None, ...]
_known_large: set[Place] = set()
"""Where searches of this process had more to look through than is read exactly: only a guess."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What to look for and where. Collections of other workspaces are as good as empty.

    In hybrid mode each list gives its first `candidates`, and `weights` are those of words and of
    meaning. With the fusion "rrf" a passage's score is the sum of weight / (60 + rank) over both.
    With "weighted" it is the sum of weight x score, where BM25 and cosine of every candidate run
    from 0 (the least of them) to 1 (the most). `filters` is a filter as `filters` reads it.
    `index_id` names an index to search instead of the live ones.
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


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found, and why.

    `score` is what hits are ordered by: the BM25 score, the cosine similarity, or in hybrid mode
    what the fusion made of both. Ranks count from 1; None means that the passage is not among the
    candidates of that list. `start` and `end` are offsets into the full text.
    """

    chunk_id: int
    document_id: UUID
    document_name: str
    version_id: UUID
    page: int
    start: int
    end: int
    text: str
    heading: str
    score: float
    lexical_score: float | None
    lexical_rank: int | None
    matched_terms: tuple[str, ...]
    similarity: float | None
    vector_rank: int | None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, the best first; `timings` are milliseconds by stage.

    `notice` says what people should know of the search: that a model could not be asked.
    """

    hits: list[Hit]
    num_searched: int
    timings: dict[str, float] = field(default_factory=dict)
    notice: str = ""


def search(query: SearchQuery, *, vector: Vectors | None = None) -> SearchResult:
    """Find passages. Blocking; one round trip to the database, a few for large collections.

    `vector` is the question embedded by the built-in model, if the caller has it already. Indexes
    of other models are asked with vectors of theirs. A question without any text finds nothing.
    Raises `filters.FilterError` for a filter that makes no sense, and
    `inference.errors.ModelFilesError` where the built-in model is not ready.
    """
    text = _clean(query.text)
    if not text:
        return SearchResult([], num_searched=0)
    if query.mode == "lexical":
        return _search(query, text)
    models = _models_of(query)
    if models == [""]:
        return _search(query, text, vector=vector)
    return _search_others(query, text, models=models, vector=vector)


def _models_of(query: SearchQuery) -> list[str]:
    if query.index_id is not None:
        return [model_of_index(query.index_id)]
    return live_models(query.workspace_id, query.collection_ids)


def _search_others(
    query: SearchQuery, text: str, *, models: Sequence[str], vector: Vectors | None
) -> SearchResult:
    """Ask each model's indexes with a vector of that model; several lists are fused by rank.

    A model that cannot be asked is left out, and words find what they find.
    """
    if len(models) == 1:
        try:
            return _search(query, text, model=models[0])
        except (ModelError, ModelFilesError) as error:
            notice = NO_VECTORS.format(error)
            if query.mode == "vector":
                return SearchResult([], num_searched=0, notice=notice)
            return replace(_search(replace(query, mode="lexical"), text), notice=notice)
    deep = replace(query, limit=MAX_LIMIT)
    results: list[SearchResult] = []
    notice = ""
    for model in models:
        given = None if model else vector
        try:
            results.append(_search(replace(deep, mode="vector"), text, vector=given, model=model))
        except (ModelError, ModelFilesError) as error:
            notice = NO_VECTORS.format(error)
    by_words = _search(replace(deep, mode="lexical"), text)
    weights = [query.weights[1]] * len(results)
    lists = [result.hits for result in results]
    if query.mode == "hybrid":
        lists, weights = [by_words.hits, *lists], [query.weights[0], *weights]
    hits = drop_overlaps(fuse_by_rank(lists, weights=weights))
    return SearchResult(
        hits[: max(1, min(query.limit, MAX_LIMIT))],
        num_searched=by_words.num_searched,
        timings=_add_up([result.timings for result in (*results, by_words)]),
        notice=notice,
    )


def fuse_by_rank(lists: Sequence[Sequence[Hit]], *, weights: Sequence[float]) -> list[Hit]:
    """One list of several: a passage's score is the sum of weight / (60 + rank)."""
    scores: dict[int, float] = {}
    merged: dict[int, Hit] = {}
    for hits, weight in zip(lists, weights, strict=True):
        for rank, hit in enumerate(hits, 1):
            known = merged.get(hit.chunk_id)
            scores[hit.chunk_id] = scores.get(hit.chunk_id, 0.0) + weight / (60 + rank)
            merged[hit.chunk_id] = hit if known is None else _merge(known, hit)
    order = sorted(scores, key=lambda pk: (-scores[pk], pk))
    return [replace(merged[pk], score=scores[pk]) for pk in order]


def _merge(one: Hit, other: Hit) -> Hit:
    """The same passage, found by words and by meaning."""
    words, meaning = (one, other) if one.lexical_rank is not None else (other, one)
    return replace(words, similarity=meaning.similarity, vector_rank=meaning.vector_rank)


def _add_up(timings: Sequence[dict[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for stages in timings:
        for stage, milliseconds in stages.items():
            total[stage] = round(total.get(stage, 0.0) + milliseconds, 3)
    return total


def _search(
    query: SearchQuery, text: str, *, vector: Vectors | None = None, model: str = ""
) -> SearchResult:
    """The same with one model, "" being the built-in one."""
    timings: dict[str, float] = {}
    if query.mode != "lexical" and vector is None:
        with _timed(timings, "embed"):
            vector = (get_embedder(model) if model else get_embedder()).encode_query(text)
    if query.mode != "lexical" and not model:
        model = get_embedder().name
    with _timed(timings, "terms"):
        terms = query_terms(text) if query.mode != "vector" else {}
    limit = max(1, min(query.limit, MAX_LIMIT))
    with _timed(timings, "database"):
        rows = _fetch(query, terms=terms, vector=vector, model=model, limit=limit + SPARE_HITS)
    hits = [_read_hit(row, terms=list(terms)) for row in rows if row[1] is not None]
    return SearchResult(
        drop_overlaps(hits)[:limit], num_searched=rows[0][0] if rows else 0, timings=timings
    )


def drop_overlaps(hits: Sequence[Hit]) -> list[Hit]:
    """Without hits that share more than half of their text with a better one of the document."""
    kept: list[Hit] = []
    for hit in hits:
        if not any(_overlaps(hit, better) for better in kept):
            kept.append(hit)
    return kept


def _overlaps(hit: Hit, better: Hit) -> bool:
    if hit.version_id != better.version_id:
        return False
    shared = min(hit.end, better.end) - max(hit.start, better.start)
    return shared * 2 > min(hit.end - hit.start, better.end - better.start)


def _clean(text: str) -> str:
    """What Postgres and the tokenizer take, and not endless."""
    return storable(text[:MAX_QUERY_CHARS]).strip()


def _fetch(
    query: SearchQuery,
    *,
    terms: dict[str, int],
    vector: Vectors | None,
    model: str,
    limit: int,
) -> list[tuple[Any, ...]]:
    chosen = parse_filter(query.filters)
    # A list that is not fused with another need not be longer than what is shown of it.
    fused = min(query.candidates, MAX_CANDIDATES) if query.mode == "hybrid" else 0
    candidates = max(limit, fused)
    parameters = {
        "workspace": query.workspace_id,
        "collections": list(query.collection_ids),
        "model": model,
        "index": query.index_id,
        "terms": list(terms),
        "weights": [float(count) for count in terms.values()],
        "vector": HalfVector(vector) if vector is not None else None,
        "exact_chunks": settings.EXACT_SCAN_CHUNKS,
        "limit": limit,
        "candidates": candidates,
        "lexical_weight": query.weights[0],
        "vector_weight": query.weights[1],
        "by_rank": query.fusion == "rrf",
        **dict(chosen.values),
    }
    asked = Question(
        workspace_id=query.workspace_id,
        collection_ids=query.collection_ids,
        mode=query.mode,
        terms=terms,
        model=model,
        filter=chosen,
        candidates=candidates,
        exact_chunks=settings.EXACT_SCAN_CHUNKS,
        index_id=query.index_id,
    )
    place = (query.workspace_id, *query.collection_ids, query.index_id)
    with open_raw_cursor() as cursor:
        if place in _known_large and (rows := find_large(cursor, asked, parameters)) is not None:
            return rows
        statement = statement_for(query.mode, chosen.conditions)
        values = [parameters[name] for name in statement.parameters]
        rows = cursor.execute(statement.text, values, binary=True).fetchall()
        if rows and rows[0][0] > settings.EXACT_SCAN_CHUNKS:
            _remember_large(place)
            rows = find_large(cursor, asked, parameters) or rows
    return rows


def _remember_large(place: Place) -> None:
    """So that the next search there begins with what large collections need."""
    if len(_known_large) >= MAX_KNOWN_LARGE:
        _known_large.clear()
    _known_large.add(place)


def _read_hit(row: tuple[Any, ...], *, terms: Sequence[str]) -> Hit:
    """From the columns of `sql._RESULT`, which are those of Hit behind the number of passages."""
    values: list[Any] = list(row[1:])
    bits: int = values[12] or 0
    values[12] = tuple(term for number, term in enumerate(terms) if bits >> number & 1)
    return Hit(*values)


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timings[stage] = round((time.perf_counter() - started) * 1000, 3)
