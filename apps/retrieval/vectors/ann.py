"""Vector indexes of large indexes, and which of those also need their postings packed.

Both only speed up searches, so neither is part of a transaction that changes chunks: a job brings
them up to date, and until then searches read everything. Every function may be called twice.
Building concurrently blocks neither reads nor writes, but is not possible in a transaction.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Concat

from apps.retrieval.models import AnnState, BuildStage, Index, IndexState
from apps.retrieval.vectors.ann_sql import PREFIX, TABLE, VectorIndex

REPACK_GROWTH = 1.1
"""How much an index may grow before its frequent terms are packed again."""

MEGABYTE = 2**20

LIST_INDEXES = """
SELECT relation.relname, index.indisvalid
FROM pg_index index JOIN pg_class relation ON relation.oid = index.indexrelid
WHERE index.indrelid = to_regclass(%s) AND starts_with(relation.relname, %s)
"""
PROGRESS = """
SELECT tuples_done, tuples_total, phase FROM pg_stat_progress_create_index
WHERE pid = %s AND relid = to_regclass(%s)
"""


@dataclass(frozen=True, slots=True)
class VectorIndexProgress:
    """How many of the table's rows a running build has looked at; 0 of 0 before it begins."""

    done: int
    total: int


def in_use() -> QuerySet[Index]:
    """Indexes that are searched, or that are ready to be swapped in."""
    ready = Q(state=IndexState.BUILDING, stage=BuildStage.READY)
    return Index.objects.filter(Q(state=IndexState.LIVE) | ready, discarded_at=None)


def wanted_vectors(index: Index) -> VectorIndex | None:
    """The vector index that this index should have now; None if it needs none."""
    if not in_use().filter(pk=index.pk).exists():
        return None
    # An index that has shrunk a little keeps its vector index, as it may grow again.
    least = settings.EXACT_SCAN_CHUNKS // (2 if index.ann_built else 1)
    if index.num_chunks <= least:
        return None
    return VectorIndex(index.pk, index.ann_kind, index.precision, index.dimensions)


def find_due() -> list[Index]:
    """Indexes that have to be brought up to date; failed ones are left to `retry`."""
    limit = settings.EXACT_SCAN_CHUNKS
    label = Concat("ann_kind", Value(" "), "precision")
    lacking = ~Q(ann_built=label) | Q(num_chunks__gt=F("terms_counted") * REPACK_GROWTH)
    due = in_use().annotate(label=label).filter(lacking, num_chunks__gt=limit)
    spare = Index.objects.exclude(ann_built="").exclude(pk__in=in_use())
    small = in_use().exclude(ann_built="").filter(num_chunks__lte=limit // 2)
    return [*due.exclude(ann_state=AnnState.FAILED), *spare, *small]


def retry() -> int:
    """Allow another attempt at failed builds; returns how many."""
    return Index.objects.filter(ann_state=AnnState.FAILED).update(ann_state=AnnState.NONE)


def terms_are_old(index: Index) -> bool:
    """Whether a large index has grown much since its frequent terms were packed."""
    is_large = index.num_chunks > settings.EXACT_SCAN_CHUNKS
    return is_large and index.num_chunks > index.terms_counted * REPACK_GROWTH


# Vector indexes


def list_relations() -> dict[str, bool]:
    """The vector indexes in the database, by name, and whether each is complete."""
    with connection.cursor() as cursor:
        cursor.execute(LIST_INDEXES, [TABLE, PREFIX])
        return dict(cursor.fetchall())


def build(vectors: VectorIndex, *, num_chunks: int) -> None:
    """Build a vector index unless it exists. Takes minutes for a million chunks.

    The remains of an earlier attempt are removed first. Raises django.db.OperationalError if the
    statement is cancelled.
    """
    relations = list_relations()
    if relations.get(vectors.name):
        return
    if vectors.name in relations:
        drop(vectors.name)
    with connection.cursor() as cursor:
        cursor.execute("SET client_connection_check_interval = '5s'")  # ends with its worker
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(_memory_setting(vectors.build_bytes(num_chunks)))
        try:
            cursor.execute(vectors.create(num_chunks=num_chunks, concurrently=_can_wait()))
        finally:
            if not connection.in_atomic_block:
                cursor.execute("RESET maintenance_work_mem")
                cursor.execute("RESET statement_timeout")


def _memory_setting(num_bytes: int) -> str:
    """SQL that sets the memory of a build: a graph that does not fit takes far longer."""
    allowed = settings.VECTOR_BUILD_MB * MEGABYTE or _third_of_free_memory()
    if not allowed:
        return "SELECT 1"
    return f"SET maintenance_work_mem = '{max(96, min(num_bytes, allowed) // MEGABYTE)}MB'"


def _third_of_free_memory() -> int:
    """In bytes; 0 if the database is on another machine or the free memory is unknown."""
    host = settings.DATABASES["default"].get("HOST") or ""
    if not host.startswith("/"):
        return 0
    with suppress(OSError), open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024 // 3
    return 0


def progress(backend_pid: int) -> VectorIndexProgress:
    """The progress of the build on a connection."""
    with connection.cursor() as cursor:
        cursor.execute(PROGRESS, [backend_pid, TABLE])
        row = cursor.fetchone()
    return VectorIndexProgress(int(row[0]), int(row[1])) if row else VectorIndexProgress(0, 0)


def drop(name: str) -> None:
    """Remove a vector index, if it exists."""
    with connection.cursor() as cursor:
        cursor.execute(f'DROP INDEX {"CONCURRENTLY" * _can_wait()} IF EXISTS "{name}"')


def drop_unused() -> list[str]:
    """Remove vector indexes that belong to no Index row; returns their names."""
    kept: set[str] = set()
    for index in Index.objects.exclude(ann_built="", ann_state__in=[AnnState.NONE]):
        kept.update(names_of(index))
    dropped = sorted(set(list_relations()) - kept)
    for name in dropped:
        drop(name)
    return dropped


def names_of(index: Index) -> set[str]:
    """The relations that an index may have: the one in use, and the one being built."""
    labels = {index.ann_built, f"{index.ann_kind} {index.precision}"} - {""}
    parts = [label.split(" ") for label in labels]
    return {VectorIndex(index.pk, kind, form, index.dimensions).name for kind, form in parts}


def drop_others(index_id: UUID, *, keep: Collection[str]) -> None:
    """Remove an index's vector indexes except those named in `keep`."""
    mine = {name for name in list_relations() if name.startswith(f"{PREFIX}{index_id.hex}_")}
    for name in sorted(mine - set(keep)):
        drop(name)


def _can_wait() -> bool:
    """Whether statements can run concurrently, which needs to be outside of a transaction."""
    return not connection.in_atomic_block
