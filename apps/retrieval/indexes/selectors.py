"""Reads indexes, as the pages and the API show them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from apps.chunking.models import ChunkingProfile
from apps.core.embedder import list_embedders
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import Collection
from apps.retrieval.indexes import coverage
from apps.retrieval.indexes.table_heads import lacks_table_heads
from apps.retrieval.models import BuildStage, Index, IndexState, Label, SavedQuery
from apps.retrieval.vectors.words import name_built, name_vector_index
from apps.workspaces.models import Workspace
from inference.errors import ModelFilesError

SAMPLE = 200
"""Rows of each kind from which the size of an index is estimated."""

# A chunk takes its vector and its postings, each with a row header of 24 bytes. Postings are
# stored twice: in the table and in its primary key.
CHUNK_BYTES = """
WITH vectors AS (
    SELECT chunk_id, pg_column_size(vector) AS size FROM retrieval_embedding
    WHERE index_id = %(index)s LIMIT %(sample)s
), words AS (
    SELECT count(*) AS rows, sum(pg_column_size(posting.*)) AS size
    FROM vectors JOIN retrieval_posting posting
        ON posting.chunk_id = vectors.chunk_id AND posting.index_id = %(index)s
)
SELECT coalesce((SELECT avg(size) + 72 FROM vectors), 0)
     + coalesce((SELECT (size + 24 * rows) * 2.0 FROM words)
                / greatest(1, (SELECT count(*) FROM vectors)), 0)
"""
ANN_BYTES = """
SELECT coalesce(sum(pg_relation_size(oid)), 0) FROM pg_class
WHERE relkind = 'i' AND relname LIKE %(name)s
"""


@dataclass(frozen=True, slots=True)
class BuildStatus:
    """The progress of a build. `percent` is 0 to 100; `state` is that of its job."""

    state: str
    stage: str
    done: int
    total: int
    percent: int
    seconds_left: int | None
    reason: str
    is_running: bool


@dataclass(frozen=True, slots=True)
class IndexView:
    """An index as people see it. `missing` are documents that it does not hold; 0 for the live.

    With `lacks_table_heads` it has tables that were cut before their rows kept a header.
    """

    index: Index
    model: str
    chunking: str
    num_passages: int
    num_bytes: int
    missing: int
    build: BuildStatus | None
    lacks_table_heads: bool = False

    @property
    def vector_index(self) -> str:
        """What its vector index is made of, or will be once it is large."""
        return name_vector_index(self.index.ann_kind, self.index.precision)

    @property
    def vectors(self) -> str:
        """How a search finds near vectors in it now."""
        is_large = self.num_passages > settings.EXACT_SCAN_CHUNKS
        return name_built(self.index.ann_built if is_large else "")

    @property
    def labels(self) -> str:
        """What is embedded and indexed in front of its passages, besides headings."""
        names = [str(Label(label).label) for label in self.index.labels]
        return ", ".join([*names[:1], *(name.lower() for name in names[1:])])

    @property
    def is_complete(self) -> bool:
        """Whether it could go live now, or is live."""
        return self.missing == 0 and not (self.build and self.build.is_running)

    @property
    def state(self) -> str:
        """What its badge says: a build under way is more than the state that is stored."""
        if self.index.state != IndexState.BUILDING:
            return self.index.state
        if self.build and self.build.is_running:
            return "catching_up" if self.index.ready_at else "building"
        if self.build and self.build.state == JobState.SUCCEEDED and self.is_complete:
            return "comparable"
        return "failed" if self.build and self.build.state == JobState.FAILED else "stopped"


def list_indexes(collection: Collection) -> QuerySet[Index]:
    """A collection's indexes but those that are being removed, the latest first."""
    return (
        Index.objects.filter(collection=collection, discarded_at=None)
        .select_related("profile", "created_by")
        .order_by("-created_at", "-pk")
    )


def describe_indexes(indexes: Iterable[Index], workspace: Workspace) -> list[IndexView]:
    """Describe several indexes of a workspace, reading the names of models once."""
    labels = label_models(workspace.pk)
    return [describe_index(index, labels=labels) for index in indexes]


def describe_index(index: Index, *, labels: dict[str, str] | None = None) -> IndexView:
    """Describe an index; `labels` are the names of embedding models, read if not given."""
    labels = label_models(index.workspace_id) if labels is None else labels
    is_live = index.state == IndexState.LIVE
    return IndexView(
        index=index,
        model=labels.get(index.embedding_model, index.embedding_model),
        chunking=index.profile.name,
        num_passages=index.num_chunks,
        num_bytes=measure_bytes(index),
        missing=0 if is_live else coverage.count_missing(index),
        build=_find_build(index) if index.state == IndexState.BUILDING else None,
        lacks_table_heads=is_live and lacks_table_heads(index),
    )


def label_models(workspace_id: UUID) -> dict[str, str]:
    """The display names of embedding models, by the names that indexes store."""
    try:
        return {choice.name: choice.label for choice in list_embedders(workspace_id)}
    except ModelFilesError:
        return {}


def list_profiles(workspace: Workspace) -> QuerySet[ChunkingProfile]:
    """The workspace's chunking profiles, the latest first."""
    return ChunkingProfile.objects.filter(workspace=workspace).order_by("-created_at")


def list_saved_queries(collection: Collection) -> QuerySet[SavedQuery]:
    """The questions that indexes of the collection are compared with, the oldest first."""
    return SavedQuery.objects.filter(collection=collection).order_by("created_at")


def measure_bytes(index: Index) -> int:
    """About how much an index takes, from a sample of its chunks and its vector index."""
    with connection.cursor() as cursor:
        cursor.execute(CHUNK_BYTES, {"index": index.pk, "sample": SAMPLE})
        per_chunk = float(cursor.fetchone()[0])
        cursor.execute(ANN_BYTES, {"name": f"embedding\\_ann\\_{index.pk.hex}%"})
        ann = int(cursor.fetchone()[0])
    return round(per_chunk * index.num_chunks) + ann


def _find_build(index: Index) -> BuildStatus | None:
    job = Job.objects.filter(kind=JobKind.BUILD_INDEX, key=str(index.pk)).first()
    if job is None:
        return None
    is_running = job.state in (JobState.QUEUED, JobState.RUNNING)
    return BuildStatus(
        state=job.state,
        stage=str(BuildStage(index.stage).label),
        done=job.done,
        total=job.total,
        percent=_percent(index, job),
        seconds_left=_seconds_left(index, job, now=timezone.now()),
        reason=job.reason,
        is_running=is_running,
    )


SPLITTING_SHARE = 0.1
"""The share of the progress bar for splitting, which is quick."""


def _percent(index: Index, job: Job) -> int:
    share = min(1.0, job.done / job.total) if job.total else 0.0
    if index.stage == BuildStage.SPLITTING:
        return round(100 * SPLITTING_SHARE * share)
    if index.stage == BuildStage.EMBEDDING:
        return round(100 * (SPLITTING_SHARE + (1 - SPLITTING_SHARE) * share))
    return 100 if index.stage == BuildStage.READY else 0


def _seconds_left(index: Index, job: Job, *, now: dt.datetime) -> int | None:
    if index.stage != BuildStage.EMBEDDING or not job.done or job.started_at is None:
        return None
    elapsed = (now - job.started_at).total_seconds()
    return max(1, round(elapsed / job.done * (job.total - job.done)))


def find_live(collection: Collection) -> Index | None:
    """The index that questions are answered from; None before the first document."""
    return (
        Index.objects.select_related("profile", "created_by")
        .filter(collection=collection, state=IndexState.LIVE)
        .first()
    )


def count_model_uses(workspace_id: UUID, model: str) -> int:
    """How many of the workspace's indexes were built with an embedding model."""
    return Index.objects.filter(workspace_id=workspace_id, embedding_model=model).count()
