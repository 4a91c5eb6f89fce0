"""From a question to the chunks to read: one function for chat, pages, the API and the lab.

`search` finds candidates; the stages after it reorder them as the profile says. Calls to model
servers are passed in as functions, because endpoints belong to apps above this one.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
from django.utils import timezone

from apps.documents.models import DocumentVersion
from apps.retrieval.models import Embedding
from apps.retrieval.search.diversity import diversify
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.fusion import choose_weights, join_lists
from apps.retrieval.search.hits import Hit, drop_overlaps
from apps.retrieval.search.neighbours import join_neighbours, read_parents
from apps.retrieval.search.profiles import DEFAULT_PROFILE, RetrievalProfile
from apps.retrieval.search.query import MAX_LIMIT, Mode, SearchQuery
from apps.retrieval.search.recency import prefer_recent
from apps.retrieval.search.relevance_feedback import expand_by_feedback
from apps.retrieval.search.rerank import Reranker, rerank_hits, rerank_late
from apps.retrieval.search.row_match import MIN_HITS, prefer_rows
from apps.retrieval.search.searched import SearchedIndex, list_searched
from inference.protocols import Vectors

MAX_QUERIES = 6
EXPLAINED: tuple[Mode, ...] = ("lexical", "vector")
"""The lists of a hybrid search, which an explanation shows separately."""

LABELS = {
    "lexical": "By words",
    "vector": "By meaning",
    "hybrid": "Words and meaning together",
    "rows": "Rows of tables that the question names",
    "parts": "With the other questions",
    "rerank": "Read again",
    "recency": "Newer first",
    "diversity": "Without repetition",
    "context": "With what stands around it",
}


@dataclass(frozen=True, slots=True)
class RetrievalRequest:
    """What to look for, where and how.

    `also` are further texts to search for with the same profile: parts of the question, an
    imagined answer. `limit` replaces the profile's, for callers that choose among more.
    `index_id` names an index to search instead of the live ones. `document_ids`, unless they are
    empty, name the only documents of these collections that are searched.
    """

    workspace_id: UUID
    collection_ids: Sequence[UUID]
    text: str
    profile: RetrievalProfile = DEFAULT_PROFILE
    also: Sequence[str] = ()
    limit: int | None = None
    index_id: UUID | None = None
    document_ids: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """The candidates after one step, the best first, and the milliseconds that it took."""

    name: str
    hits: tuple[Hit, ...]
    duration_ms: float
    query: str = ""

    @property
    def label(self) -> str:
        return LABELS.get(self.name, self.name)


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The chunks to read, the best first, out of `num_searched`; milliseconds by step.

    `stages` are filled on request; `problem` says in a sentence what had to be left out, for
    instance a reranker that did not answer. `expanded` is the question with the words that the
    profile's `expand` added by rules, if it did; `indexes` are those that were searched, and how.
    """

    hits: list[Hit]
    num_searched: int
    timings: dict[str, float] = field(default_factory=dict)
    stages: list[Stage] = field(default_factory=list)
    problem: str = ""
    expanded: str = ""
    indexes: tuple[SearchedIndex, ...] = ()


def retrieve(
    request: RetrievalRequest,
    *,
    vector: Vectors | None = None,
    reranker: Reranker | None = None,
    explain: bool = False,
) -> Retrieved:
    """Find the chunks to read. Blocking; one round trip to the database for each question.

    `vector` is the embedded question of shape (384,), if the caller has it already. `reranker`
    scores texts for the rerank "endpoint"; if it fails, the order of the search is kept.
    """
    run = _Run(request, reranker=reranker, explain=explain)
    hits = run.find(vector)
    for step in (run.rerank, run.prefer_recent, run.diversify):
        hits = step(hits)
    hits = run.add_context(hits)
    return Retrieved(
        hits,
        run.num_searched,
        run.timings,
        run.stages,
        run.problem,
        expanded=run.expanded,
        indexes=list_searched(
            request.workspace_id, request.collection_ids, index_id=request.index_id
        ),
    )


class _Run:
    """A retrieval in progress."""

    def __init__(
        self, request: RetrievalRequest, *, reranker: Reranker | None, explain: bool
    ) -> None:
        self.request = request
        self.profile = request.profile
        self.limit = max(1, min(request.limit or self.profile.limit, MAX_LIMIT))
        self.num_searched = 0
        self.timings: dict[str, float] = {}
        self.stages: list[Stage] = []
        self.problem = ""
        self.expanded = ""
        self._reranker = reranker
        self._explain = explain

    def find(self, vector: Vectors | None) -> list[Hit]:
        """The candidates of the question and of the further texts."""
        texts = [self.request.text, *self.request.also][:MAX_QUERIES]
        lists = [self._search(text, vector if not n else None) for n, text in enumerate(texts)]
        if self.profile.expand == "rules" and (more := expand_by_feedback(texts[0], lists[0])):
            self.expanded = more
            lists.append(self._search(more, None))
        if len(lists) == 1:
            return lists[0]
        with self._stage("parts") as stage_hits:
            stage_hits += drop_overlaps(join_lists(lists))[: self._depth()]
        return stage_hits

    def _depth(self) -> int:
        later = self.profile.rerank != "none" or self.profile.diversity or self.profile.recency
        more = later or self.request.also or self.profile.expand == "rules"
        enough = max(self.limit, self.profile.num_candidates if more else 0)
        if self.profile.mode == "hybrid":
            enough = max(enough, MIN_HITS)
        # Chunks that are merged into others leave their places to the next ones.
        room = 1 + 2 * self.profile.neighbours + self.profile.parents
        return min(MAX_LIMIT, max(enough, self.limit * room))

    def _search(self, text: str, vector: Vectors | None) -> list[Hit]:
        query = self._query(text, vector)
        if self._explain and query.mode == "hybrid":
            for mode in EXPLAINED:
                with self._stage(mode, query=text) as stage_hits:
                    stage_hits += search(replace(query, mode=mode)).hits
        with self._stage(query.mode, query=text) as stage_hits:
            result = search(query)
            stage_hits += result.hits
        self.num_searched = result.num_searched
        self.problem = self.problem or result.notice
        self._add(result.timings)
        if query.mode != "hybrid" or all(hit.table_head is None for hit in stage_hits):
            return stage_hits
        with self._stage("rows", query=text) as row_hits:
            row_hits += prefer_rows(text, stage_hits)
        return row_hits

    def _query(self, text: str, vector: Vectors | None) -> SearchQuery:
        profile = self.profile
        return SearchQuery(
            workspace_id=self.request.workspace_id,
            collection_ids=self.request.collection_ids,
            text=text,
            limit=self._depth(),
            mode=profile.mode,
            weights=choose_weights(text, profile),
            fusion=profile.fusion,
            filters=profile.filters,
            document_ids=self.request.document_ids,
            index_id=self.request.index_id,
            vector=vector,
        )

    def rerank(self, hits: list[Hit]) -> list[Hit]:
        """Rerank the best candidates."""
        kind, depth = self.profile.rerank, self.profile.rerank_depth
        if kind == "none" or len(hits) < 2:
            return hits
        with self._stage("rerank") as stage_hits:
            if kind == "late":
                stage_hits += rerank_late(self.request.text, hits, depth=depth)
            elif self._reranker is None:
                self.problem = "The reranking model is not there any more."
                stage_hits += hits
            else:
                reranked, self.problem = rerank_hits(
                    self.request.text, hits, depth=depth, reranker=self._reranker
                )
                stage_hits += reranked
        return stage_hits

    def prefer_recent(self, hits: list[Hit]) -> list[Hit]:
        """Order by relevance and age: a document's own date, or that of its upload."""
        if not self.profile.recency or not hits:
            return hits
        with self._stage("recency") as stage_hits:
            versions = {hit.version_id for hit in hits}
            dates = _read_dates(versions, workspace_id=self.request.workspace_id)
            now = timezone.now()
            stage_hits += prefer_recent(
                hits,
                [dates.get(hit.version_id, now) for hit in hits],
                now=now,
                share=self.profile.recency,
                half_life_days=self.profile.half_life_days,
            )
        return stage_hits

    def diversify(self, hits: list[Hit]) -> list[Hit]:
        """Order by relevance and by difference from the hits above."""
        if not self.profile.diversity or len(hits) < 2:
            return hits
        with self._stage("diversity") as stage_hits:
            vectors = _read_vectors([hit.chunk_id for hit in hits])
            order = diversify(
                [hit.score for hit in hits], vectors, diversity=self.profile.diversity
            )
            stage_hits += [hits[position] for position in order]
        return stage_hits

    def add_context(self, hits: list[Hit]) -> list[Hit]:
        """The first `limit` hits, within their parents and with their neighbours."""
        if not self.profile.neighbours and not self.profile.parents:
            return hits[: self.limit]
        with self._stage("context") as stage_hits:
            workspace_id, reach = self.request.workspace_id, self.profile.neighbours
            if self.profile.parents:
                hits = read_parents(hits, workspace_id=workspace_id)
            stage_hits += join_neighbours(hits, workspace_id=workspace_id, reach=reach)[
                : self.limit
            ]
        return stage_hits

    @contextmanager
    def _stage(self, name: str, *, query: str = "") -> Iterator[list[Hit]]:
        """Time a stage; yields the list for its hits. Searches report their own times."""
        started, stage_hits = time.perf_counter(), list[Hit]()
        yield stage_hits
        took = (time.perf_counter() - started) * 1000
        if name not in ("lexical", "vector", "hybrid"):
            self._add({name: took})
        if self._explain:
            self.stages.append(Stage(name, tuple(stage_hits), round(took, 3), query))

    def _add(self, timings: dict[str, float]) -> None:
        for name, took in timings.items():
            self.timings[name] = round(self.timings.get(name, 0.0) + took, 3)


def _read_dates(version_ids: Collection[UUID], *, workspace_id: UUID) -> dict[UUID, datetime]:
    """Documents' own dates, or else when their versions were uploaded."""
    rows = DocumentVersion.objects.filter(pk__in=version_ids, workspace_id=workspace_id)
    return {
        pk: datetime.combine(said, datetime.min.time(), UTC) if said else uploaded
        for pk, said, uploaded in rows.values_list("pk", "document__source_date", "created_at")
    }


def _read_vectors(chunk_ids: Sequence[int]) -> Vectors:
    """Unit vectors of shape (chunks, 384); zeros where a chunk has none."""
    vectors = {
        chunk_id: np.asarray(vector, np.float32)
        for chunk_id, vector in Embedding.objects.filter(chunk_id__in=chunk_ids).values_list(
            "chunk_id", "vector"
        )
    }
    size = max((len(vector) for vector in vectors.values()), default=1)
    nothing = np.zeros(size, np.float32)
    rows = [vectors.get(chunk_id, nothing) for chunk_id in chunk_ids]
    same = [row if len(row) == size else nothing for row in rows]
    return np.asarray(same, np.float32)
