"""The first stage of every retrieval: finds candidates by words, by meaning, or by both."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings

from apps.retrieval.search.fusion import fuse_by_rank
from apps.retrieval.search.hits import Hit, SearchResult, drop_overlaps
from apps.retrieval.search.large import find_large
from apps.retrieval.search.live_models import live_models, model_of_index
from apps.retrieval.search.query import MAX_LIMIT, SearchQuery
from apps.retrieval.search.sql import statement_for
from apps.retrieval.vectors.wire import open_raw_cursor
from inference.errors import ModelError, ModelFilesError

NO_VECTORS = "The embedding model could not be asked, so this was found by words only: {}"

MAX_KNOWN_LARGE = 10_000
SearchScope = tuple[UUID | None, ...]
_known_large: set[SearchScope] = set()
"""Where this process found too many chunks to read them all. Only a hint: it may be outdated."""


def search(query: SearchQuery) -> SearchResult:
    """Find chunks. Blocking; one round trip to the database, a few for large collections.

    Indexes of each embedding model are searched with a vector of that model. A question without any
    text finds nothing. Raises `filters.FilterError` for a filter that makes no sense,
    `inference.errors.ModelFilesError` where the built-in model is not ready, and
    `inference.errors.ModelError` where a model that the query names cannot be asked.
    """
    if not query.clean_text:
        return SearchResult([], num_searched=0)
    if query.mode == "lexical" or query.model:
        return _search_one(query)
    models = _models_of(query)
    if models == [""]:
        return _search_one(query)
    return _search_others(query, models=models)


def _models_of(query: SearchQuery) -> list[str]:
    if query.index_id is not None:
        return [model_of_index(query.index_id)]
    return live_models(query.workspace_id, query.collection_ids)


def _search_others(query: SearchQuery, *, models: Sequence[str]) -> SearchResult:
    """Search each model's indexes with a vector of that model, and fuse the lists by rank.

    A model that cannot be asked is left out; in hybrid mode words still search its indexes.
    """
    if len(models) == 1:
        try:
            return _search_one(replace(query, model=models[0], vector=None))
        except (ModelError, ModelFilesError) as error:
            notice = NO_VECTORS.format(error)
            if query.mode == "vector":
                return SearchResult([], num_searched=0, notice=notice)
            return replace(_search_one(replace(query, mode="lexical")), notice=notice)
    deep = replace(query, limit=MAX_LIMIT)
    results: list[SearchResult] = []
    notice = ""
    for model in models:
        vector = None if model else query.vector
        try:
            results.append(_search_one(replace(deep, mode="vector", model=model, vector=vector)))
        except (ModelError, ModelFilesError) as error:
            notice = NO_VECTORS.format(error)
    by_words = _search_one(replace(deep, mode="lexical"))
    weights = [query.weights[1]] * len(results)
    lists = [result.hits for result in results]
    if query.mode == "hybrid":
        lists, weights = [by_words.hits, *lists], [query.weights[0], *weights]
    hits = drop_overlaps(fuse_by_rank(lists, weights=weights))
    return SearchResult(
        hits[: query.num_hits],
        num_searched=by_words.num_searched,
        timings=_add_up([result.timings for result in (*results, by_words)]),
        notice=notice,
    )


def _add_up(timings: Sequence[dict[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for stages in timings:
        for stage, milliseconds in stages.items():
            total[stage] = round(total.get(stage, 0.0) + milliseconds, 3)
    return total


def _search_one(query: SearchQuery) -> SearchResult:
    """Search the indexes of the query's model."""
    timings: dict[str, float] = {}
    if query.mode != "lexical" and query.vector is None:
        with _timed(timings, "embed"):
            _ = query.embedding
    with _timed(timings, "terms"):
        terms = list(query.terms)
    with _timed(timings, "database"):
        rows = _fetch(query)
    hits = [_read_hit(row, terms=terms) for row in rows if row[1] is not None]
    return SearchResult(
        drop_overlaps(hits)[: query.num_hits],
        num_searched=rows[0][0] if rows else 0,
        timings=timings,
    )


def _fetch(query: SearchQuery) -> list[tuple[Any, ...]]:
    scope = (query.workspace_id, *query.collection_ids, query.index_id)
    statement = statement_for(query.mode, query.filter.clauses)
    with open_raw_cursor() as cursor:
        if scope in _known_large and (rows := find_large(cursor, query)) is not None:
            return rows
        rows = cursor.execute(statement.text, statement.bind(query), binary=True).fetchall()
        if rows and rows[0][0] > settings.EXACT_SCAN_CHUNKS:
            _remember_large(scope)
            rows = find_large(cursor, query) or rows
    return rows


def _remember_large(scope: SearchScope) -> None:
    """Let the next search there begin with the statements for large collections."""
    if len(_known_large) >= MAX_KNOWN_LARGE:
        _known_large.clear()
    _known_large.add(scope)


def _read_hit(row: tuple[Any, ...], *, terms: Sequence[str]) -> Hit:
    """From the columns of `sql._RESULT`, which are those of Hit behind the number of chunks."""
    values: list[Any] = list(row[1:])
    bits: int = values[12] or 0
    values[12] = tuple(term for number, term in enumerate(terms) if bits >> number & 1)
    return Hit(*values)


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timings[stage] = round((time.perf_counter() - started) * 1000, 3)
