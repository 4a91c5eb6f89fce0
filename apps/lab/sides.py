"""One side of the lab: a question searched with one profile, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

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
    """What one step made: its candidates, the best first, and the milliseconds it took."""

    label: str
    places: tuple[Place, ...]
    duration_ms: float
    query: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """Everything that one profile did. `problem` says in a sentence what went wrong."""

    profile: RetrievalProfile
    stages: tuple[StageView, ...] = ()
    hits: tuple[Hit, ...] = ()
    num_searched: int = 0
    timings: tuple[tuple[str, float], ...] = ()
    total_ms: float = 0.0
    problem: str = ""

    @property
    def final(self) -> tuple[Place, ...]:
        """What would be read."""
        return _rank(self.hits)


def search_side(
    request: RetrievalRequest, *, vector: Vectors | None = None, explain: bool = False
) -> Side:
    """Search; with `explain`, list what each step found. Blocking.

    `total_ms` counts the steps of the profile alone, not the lists made to explain them.
    """
    started = time.perf_counter()
    try:
        found = retrieve(request, vector=vector, explain=explain)
    except ModelFilesError:
        return Side(request.profile, problem=NO_MODEL)
    except ModelError as error:
        return Side(request.profile, problem=error.message)
    took = (time.perf_counter() - started) * 1000
    return Side(
        request.profile,
        stages=tuple(
            StageView(stage.label, _rank(stage.hits), stage.duration_ms, stage.query)
            for stage in found.stages
        ),
        hits=tuple(found.hits),
        num_searched=found.num_searched,
        timings=tuple(found.timings.items()),
        total_ms=sum(found.timings.values()) if explain else took,
        problem=found.problem,
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
    """A request of the lab. `limit` replaces the profile's, so that both sides list as many.

    With an index, only its collection is searched, and in it rather than in the live one.
    """
    return RetrievalRequest(
        workspace_id=workspace_id,
        collection_ids=[index.collection_id] if index else collection_ids,
        text=question,
        profile=profile,
        limit=limit,
        index_id=index.pk if index else None,
    )
