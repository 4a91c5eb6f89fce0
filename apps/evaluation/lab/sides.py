"""One side of the lab: a question searched with one profile, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from apps.core.embedder import get_embedder
from apps.retrieval.profiles import RetrievalProfile
from apps.retrieval.search import Hit, SearchQuery, search
from inference.errors import ModelFilesError
from inference.protocols import Vectors

NO_MODEL = "The embedding model is not ready. Words alone can be searched: choose “Words only”."
EVEN = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """A passage at one rank of one list. `score` is what the list is ordered by."""

    rank: int
    hit: Hit
    score: float


@dataclass(frozen=True, slots=True)
class Stage:
    """What one step made: its candidates, the best first, and the milliseconds it took."""

    name: str
    label: str
    places: tuple[Place, ...]
    duration_ms: float


@dataclass(frozen=True, slots=True)
class Side:
    """Everything that one profile did. `problem` says in a sentence why there is nothing."""

    profile: RetrievalProfile
    stages: tuple[Stage, ...] = ()
    hits: tuple[Hit, ...] = ()
    num_searched: int = 0
    total_ms: float = 0.0
    problem: str = ""

    @property
    def final(self) -> tuple[Place, ...]:
        """What would be read."""
        return tuple(Place(rank, hit, hit.score) for rank, hit in enumerate(self.hits, start=1))


def search_side(
    workspace_id: UUID,
    collection_ids: Sequence[UUID],
    question: str,
    *,
    profile: RetrievalProfile,
) -> Side:
    """Search, and list what each step found. Blocking."""
    started = time.perf_counter()
    query = _query(workspace_id, collection_ids, question, profile)
    stages: list[Stage] = []
    try:
        vector = _embed(question, profile, stages)
        if profile.mode == "hybrid":
            for mode, label in (("lexical", "By words"), ("vector", "By meaning")):
                part = replace(query, mode=mode, limit=profile.candidates)
                stages.append(_search_stage(part, label=label, vector=vector)[0])
        stage, num_searched = _search_stage(query, label="To read", vector=vector)
    except ModelFilesError:
        return Side(profile, problem=NO_MODEL)
    stages.append(stage)
    return Side(
        profile,
        stages=tuple(stages),
        hits=tuple(place.hit for place in stage.places),
        num_searched=num_searched,
        total_ms=(time.perf_counter() - started) * 1000,
    )


def _query(
    workspace_id: UUID, collection_ids: Sequence[UUID], question: str, profile: RetrievalProfile
) -> SearchQuery:
    weight = EVEN if profile.vector_weight is None else profile.vector_weight
    return SearchQuery(
        workspace_id=workspace_id,
        collection_ids=collection_ids,
        text=question,
        limit=profile.limit,
        mode=profile.mode,
        weights=(1 - weight, weight),
        candidates=profile.candidates,
        fusion=profile.fusion,
    )


def _embed(question: str, profile: RetrievalProfile, stages: list[Stage]) -> Vectors | None:
    if profile.mode == "lexical" or not question.strip():
        return None
    started = time.perf_counter()
    vector = get_embedder().encode_query(question)
    stages.append(Stage("embed", "Embedding the question", (), _since(started)))
    return vector


def _search_stage(query: SearchQuery, *, label: str, vector: Vectors | None) -> tuple[Stage, int]:
    started = time.perf_counter()
    result = search(query, vector=vector if query.mode != "lexical" else None)
    places = tuple(Place(rank, hit, hit.score) for rank, hit in enumerate(result.hits, start=1))
    return Stage(query.mode, label, places, _since(started)), result.num_searched


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
