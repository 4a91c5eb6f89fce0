"""Indexes beside the live one: build, stop, swap, roll back, throw away.

Locks are taken in the order collection, live index, other index, job; a document's lock comes
before those of indexes (see `coverage`). A search is one statement, so it sees one state of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Model
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.utils import timezone

from apps.chunking.models import ChunkingProfile
from apps.chunking.profiles import copy_profile
from apps.core import jobs
from apps.core.embedder import EmbeddingChoice
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import Collection
from apps.retrieval.indexes import coverage
from apps.retrieval.indexes.following import enqueue_build
from apps.retrieval.models import (
    AnnKind,
    BuildStage,
    Index,
    IndexedVersion,
    IndexState,
    Label,
    Precision,
)
from apps.retrieval.search.live_models import forget_models
from apps.retrieval.search.searched import forget_searched
from apps.workspaces.services import Actor, record_audit

OPEN_JOBS = (JobState.QUEUED, JobState.RUNNING)
ROWS_AT_ONCE = 5_000
"""Rows that one DELETE removes: a fraction of a second."""


class BuildRunningError(Exception):
    """The collection has an index that is being built, or that awaits a decision."""


class NotReadyError(Exception):
    """The index does not hold `missing` of the collection's documents."""

    def __init__(self, missing: int) -> None:
        super().__init__(f"{missing} documents are not in the index")
        self.missing = missing


class WrongStateError(Exception):
    """The operation is not possible for an index in this state."""


# Building


def start_build(
    collection: Collection,
    *,
    profile: ChunkingProfile,
    model: EmbeddingChoice,
    actor: Actor,
    kind: str = AnnKind.HNSW,
    precision: str = Precision.HALF,
    labels: Sequence[str] = (),
    goes_live: bool = False,
) -> Index:
    """Create another index of the collection, which a job builds beside the live one.

    `kind` and `precision` are those of its vector index once it is large; `labels` of a document
    are embedded and indexed in front of its passages.

    Raises BuildRunningError if there already is one that is neither live nor retired.
    """
    with transaction.atomic():
        lock_collection(collection.pk)
        others = Index.objects.filter(collection=collection, discarded_at=None)
        if others.filter(state=IndexState.BUILDING, retired_at=None).exists():
            raise BuildRunningError
        index = Index.objects.create(
            workspace_id=collection.workspace_id,
            collection=collection,
            profile=profile,
            embedding_model=model.name,
            dimensions=model.dimensions,
            ann_kind=kind,
            precision=precision,
            labels=[label.value for label in Label if label in labels],
            state=IndexState.BUILDING,
            stage=BuildStage.WAITING,
            goes_live=goes_live,
            created_by=actor.user,
        )
        enqueue_build(index.workspace_id, index_id=index.pk)
        _audit(index, action="index.started", actor=actor)
    return index


def build_anew(index: Index, *, actor: Actor) -> Index:
    """Start an index of the same setting for which every document is cut again; it goes live.

    Raises BuildRunningError like `start_build`.
    """
    with transaction.atomic():
        return start_build(
            index.collection,
            profile=copy_profile(index.profile),
            model=EmbeddingChoice(index.embedding_model, index.embedding_model, index.dimensions),
            actor=actor,
            kind=index.ann_kind,
            precision=index.precision,
            labels=index.labels,
            goes_live=True,
        )


def continue_build(index: Index, *, actor: Actor) -> None:
    """Continue a build that failed or was stopped. Raises WrongStateError for any other index."""
    if index.state != IndexState.BUILDING or index.discarded_at is not None:
        raise WrongStateError
    with transaction.atomic():
        enqueue_build(index.workspace_id, index_id=index.pk)
        _audit(index, action="index.continued", actor=actor)


def stop_build(index: Index, *, actor: Actor) -> bool:
    """Stop the job of a build; its results so far are kept. False if no job was running."""
    with transaction.atomic():
        stopped = _end_job(index)
        if stopped:
            _audit(index, action="index.stopped", actor=actor)
    return stopped


# Swapping


def swap(index: Index, *, actor: Actor) -> bool:
    """Make an index live and retire the live one, in one transaction; True if it is live now.

    Also rolls back to a retired index. False means that documents are missing from the index: a
    job adds them and then swaps by itself. Raises WrongStateError for the live index and for one
    that was thrown away.
    """
    try:
        swap_now(index, actor=actor)
    except NotReadyError:
        Index.objects.filter(pk=index.pk).exclude(state=IndexState.LIVE).update(goes_live=True)
        catch_up(index)
        return False
    return True


def swap_now(index: Index, *, actor: Actor) -> None:
    """Swap an index that holds all documents; otherwise change nothing and raise NotReadyError."""
    with transaction.atomic():
        _swap(index, actor=actor)
    # Searches do not need the numbers of chunks that documents show, so these can follow later.
    coverage.show_counts(index)
    IndexedVersion.objects.filter(index=index).delete()
    forget_models(index.workspace_id)
    forget_searched()


def _swap(index: Index, *, actor: Actor) -> None:
    lock_collection(index.collection_id)
    live = lock_live(index.collection_id)
    locked = Index.objects.select_for_update().filter(pk=index.pk).first()
    if locked is None or locked.discarded_at is not None or locked.state == IndexState.LIVE:
        raise WrongStateError
    missing = coverage.count_missing(locked)
    if missing:
        raise NotReadyError(missing)
    now = timezone.now()
    if live is not None:
        coverage.hold_all(live)
        Index.objects.filter(pk=live.pk).update(state=IndexState.RETIRED, retired_at=now)
    Index.objects.filter(pk=index.pk).update(
        state=IndexState.LIVE, stage=BuildStage.READY, ready_at=locked.ready_at or now,
        live_at=now, retired_at=None, goes_live=False,
    )  # fmt: skip
    _audit(index, action="index.swapped", actor=actor)
    index.refresh_from_db()


@transaction.atomic
def catch_up(index: Index) -> None:
    """Queue a job that adds the documents published since the index was last built."""
    rows = Index.objects.filter(pk=index.pk, discarded_at=None).exclude(state=IndexState.LIVE)
    if rows.update(state=IndexState.BUILDING, stage=BuildStage.WAITING):
        enqueue_build(index.workspace_id, index_id=index.pk)
    index.refresh_from_db()


# Throwing away


def throw_away(index: Index, *, actor: Actor) -> None:
    """Discard an index that is not live; a job removes its rows in batches.

    Raises WrongStateError for the live one.
    """
    with transaction.atomic():
        lock_collection(index.collection_id)
        # FOR UPDATE waits until a version that is being added right now is complete.
        locked = Index.objects.select_for_update().filter(pk=index.pk).first()
        if locked is None or locked.state == IndexState.LIVE:
            raise WrongStateError
        if locked.discarded_at is not None:
            return
        _end_job(locked)
        Index.objects.filter(pk=locked.pk).update(
            state=IndexState.RETIRED, goes_live=False, discarded_at=timezone.now()
        )
        jobs.enqueue(
            JobKind.DISCARD_INDEX,
            workspace_id=locked.workspace_id,
            key=str(locked.pk),
            payload={"index_id": str(locked.pk)},
        )
        _audit(locked, action="index.discarded", actor=actor)


def remove_rows(index_id: UUID) -> int:
    """Delete a batch of a discarded index's rows; returns how many, 0 once there are none left."""
    for table in _tables_of(Index, "index_id"):
        statement = (
            f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("  # noqa: S608  # names of our tables
            f"SELECT ctid FROM {table} WHERE index_id = %(index)s LIMIT %(rows)s))"
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, {"index": index_id, "rows": ROWS_AT_ONCE})
            if cursor.rowcount:
                return int(cursor.rowcount)
    return 0


def _tables_of(model: type[Model], column: str) -> list[str]:
    """The tables whose `column` refers to this model, according to the models themselves."""
    relations: list[Any] = list(model._meta.get_fields(include_hidden=True))
    tables = [
        str(relation.related_model._meta.db_table)
        for relation in relations
        if isinstance(relation, ForeignObjectRel)
        and getattr(relation.field, "column", "") == column
    ]
    return sorted(tables)


DELETE_CHUNKS = """
DELETE FROM chunking_chunk WHERE id IN (
    SELECT chunk.id FROM documents_document document
    JOIN documents_documentversion version ON version.document_id = document.id
    JOIN chunking_chunk chunk ON chunk.version_id = version.id
    WHERE document.collection_id = %(collection)s AND chunk.profile_id = %(profile)s
    LIMIT %(rows)s)
"""


@transaction.atomic
def remove_chunks_or_row(index: Index) -> int:
    """Delete a batch of chunks that only a discarded index used; returns how many.

    0 means that none were left and that the index's own row has been deleted. Chunks belong to a
    version and a profile, so another index of the same profile keeps them.
    """
    Collection.everything.select_for_update(no_key=True).filter(pk=index.collection_id).first()
    same = Index.objects.filter(collection_id=index.collection_id, profile_id=index.profile_id)
    removed = 0 if same.exclude(pk=index.pk).exists() else _remove_chunks(index)
    if not removed:
        index.delete()
    return removed


def _remove_chunks(index: Index) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            DELETE_CHUNKS,
            {
                "collection": index.collection_id,
                "profile": index.profile_id,
                "rows": ROWS_AT_ONCE,
            },
        )
        return int(cursor.rowcount)


# Shared


def lock_collection(collection_id: UUID) -> None:
    """Keep others from changing the collection's indexes until the transaction ends."""
    locked: Sequence[UUID] = list(
        Collection.everything.select_for_update(no_key=True)
        .filter(pk=collection_id)
        .values_list("pk", flat=True)
    )
    if not locked:
        raise WrongStateError


def lock_live(collection_id: UUID) -> Index | None:
    """The live index, locked: nobody can publish into it until the transaction ends."""
    return (
        Index.objects.select_for_update()
        .filter(collection_id=collection_id, state=IndexState.LIVE)
        .first()
    )


def _end_job(index: Index) -> bool:
    rows = Job.objects.filter(
        kind=JobKind.BUILD_INDEX, key=str(index.pk), state__in=OPEN_JOBS
    ).update(state=JobState.CANCELLED, cancel_requested=True, finished_at=timezone.now())
    return rows == 1


def _audit(index: Index, *, action: str, actor: Actor) -> None:
    record_audit(
        index.workspace_id,
        actor=actor,
        action=action,
        subject=index,
        detail={
            "collection": str(index.collection_id),
            "model": index.embedding_model,
            "vector_index": f"{index.ann_kind} {index.precision}",
            "labels": index.labels,
        },
    )
