"""One side of the lab: one question searched with one profile, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.assistants.answering.reranking import make_reranker
from apps.assistants.recipes.changes import find_endpoints
from apps.retrieval.models import Index
from apps.retrieval.search.hits import Hit
from apps.retrieval.search.pipeline import RetrievalRequest, retrieve
from apps.retrieval.search.profiles import RetrievalProfile
from inference.errors import ModelError, ModelFilesError
from inference.protocols import Vectors

NO_MODEL = "The embedding model is not ready. Words alone can be searched: choose “Words only”."


@dataclass(frozen=True, slots=True)
class Place:
    """A passage at one rank of one list. `score` is what the list is ordered by."""

    rank: int
    hit: Hit
    score: float


@dataclass(frozen=True, slots=True)
class StageView:
    """The result of one stage: its candidates, best first, and its duration in milliseconds."""

    label: str
    places: tuple[Place, ...]
    duration_ms: float
    query: str = ""


@dataclass(frozen=True, slots=True)
class SearchSide:
    """The complete search of one profile. `problem` explains in a sentence what went wrong."""

    profile: RetrievalProfile
    stages: tuple[StageView, ...] = ()
    hits: tuple[Hit, ...] = ()
    num_searched: int = 0
    timings: tuple[tuple[str, float], ...] = ()
    total_ms: float = 0.0
    problem: str = ""

    @property
    def final(self) -> tuple[Place, ...]:
        """The passages that an assistant would read."""
        return _rank(self.hits)


def search_side(
    request: RetrievalRequest, *, vector: Vectors | None = None, explain: bool = False
) -> SearchSide:
    """Search; with `explain`, also list what each stage found. Blocking.

    `total_ms` excludes the time spent on these lists.
    """
    started = time.perf_counter()
    endpoints = find_endpoints(request.workspace_id, request.profile)
    reranker = make_reranker(endpoints.get("rerank_endpoint"))
    try:
        retrieved = retrieve(request, vector=vector, reranker=reranker, explain=explain)
    except ModelFilesError:
        return SearchSide(request.profile, problem=NO_MODEL)
    except ModelError as error:
        return SearchSide(request.profile, problem=error.message)
    took = (time.perf_counter() - started) * 1000
    return SearchSide(
        request.profile,
        stages=tuple(
            StageView(stage.label, _rank(stage.hits), stage.duration_ms, stage.query)
            for stage in retrieved.stages
        ),
        hits=tuple(retrieved.hits),
        num_searched=retrieved.num_searched,
        timings=tuple(retrieved.timings.items()),
        total_ms=sum(retrieved.timings.values()) if explain else took,
        problem=retrieved.problem,
    )


def _rank(hits: Sequence[Hit]) -> tuple[Place, ...]:
    return tuple(Place(rank, hit, hit.score) for rank, hit in enumerate(hits, start=1))


def make_request(
    workspace_id: UUID,
    collection_ids: Sequence[UUID],
    question: str,
    *,
    profile: RetrievalProfile,
    limit: int | None = None,
    index: Index | None = None,
) -> RetrievalRequest:
    """Build the lab's retrieval request. `limit` overrides the profile's, for comparable results.

    With an index, only its collection is searched, using this index instead of the live one.
    """
    return RetrievalRequest(
        workspace_id=workspace_id,
        collection_ids=[index.collection_id] if index else collection_ids,
        text=question,
        profile=profile,
        limit=limit,
        index_id=index.pk if index else None,
    )
