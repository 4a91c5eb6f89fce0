"""Whether this process can serve, and what the installation is doing. Nothing here raises."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Min, Q
from django.utils.module_loading import import_string

from apps.core.models import Job, JobKind, JobState
from apps.core.redis import sync_redis

logger = logging.getLogger(__name__)
MAX_FILES_COUNTED = 200_000
SWEEP_KEY = "sweep:last"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that serving depends on; `detail` says in words what is wrong."""

    name: str
    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """The open jobs of one kind. `oldest_at` is when the longest waiting one was queued."""

    kind: str
    label: str
    waiting: int
    running: int
    failed: int
    oldest_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Sizes:
    """In bytes; None where it cannot be told."""

    database: int | None
    redis: int | None
    files: int | None


def run_checks() -> list[Check]:
    """Database, migrations, Redis and the embedder, in this order."""
    database = check_database()
    migrations = (
        check_migrations() if database.ok else Check("migrations", False, "The database is away.")
    )
    return [database, migrations, check_redis(), check_embedder()]


def check_database() -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError as error:
        connection.close()
        return _failed("database", error, "The database does not answer.")
    return Check("database", True)


_migrated = threading.Event()


def check_migrations() -> Check:
    """Whether every migration is applied. Asked until it is so once: a schema does not go back."""
    if _migrated.is_set():
        return Check("migrations", True)
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return _failed("migrations", error, "The database does not answer.")
    if missing:
        return Check("migrations", False, f"{len(missing)} are not applied yet.")
    _migrated.set()
    return Check("migrations", True)


def check_redis() -> Check:
    try:
        sync_redis().ping()
    except redis.RedisError as error:
        return _failed("redis", error, "Redis does not answer.")
    return Check("redis", True)


_embedder_lock = threading.Lock()


def check_embedder() -> Check:
    """Whether the embedding model is built and loads. The first call of a process loads it.

    While another request is loading it, the answer is "not yet" instead of a second wait.
    """
    if not _embedder_lock.acquire(blocking=False):
        return Check("embedder", False, "The embedding model is being loaded.")
    try:
        load = cast(Callable[[], object], import_string(settings.EMBEDDER_LOADER))
        load()
    except Exception as error:  # whatever is wrong with a model, the process can say so
        return _failed("embedder", error, "The embedding model does not load.")
    finally:
        _embedder_lock.release()
    return Check("embedder", True)


def _failed(name: str, error: Exception, detail: str) -> Check:
    logger.warning("%s is not ready: %s: %s", name, type(error).__name__, error)
    return Check(name, False, detail)


def as_json(checks: list[Check]) -> dict[str, object]:
    """The answer of `/readyz`."""
    return {"ready": all(check.ok for check in checks), "checks": [asdict(c) for c in checks]}


def list_queues() -> list[Queue]:
    """Every kind of job with what is open and what has failed."""
    rows = Job.objects.values("kind").annotate(
        waiting=Count("pk", filter=Q(state=JobState.QUEUED)),
        running=Count("pk", filter=Q(state=JobState.RUNNING)),
        failed=Count("pk", filter=Q(state=JobState.FAILED)),
        oldest_at=Min("created_at", filter=Q(state=JobState.QUEUED)),
    )
    by_kind: dict[str, dict[str, Any]] = {row["kind"]: dict(row) for row in rows}
    return [
        Queue(
            kind=kind.value,
            label=str(kind.label),
            waiting=row.get("waiting", 0),
            running=row.get("running", 0),
            failed=row.get("failed", 0),
            oldest_at=row.get("oldest_at"),
        )
        for kind in JobKind
        for row in [by_kind.get(kind.value, {})]
    ]


def last_heartbeat() -> dt.datetime | None:
    """When a worker last said that it is at work on something."""
    newest = Job.objects.exclude(heartbeat_at=None).order_by("-heartbeat_at").first()
    return newest.heartbeat_at if newest else None


def note_sweep() -> None:
    """Leave word that the periodic sweep ran just now. Losing it loses nothing."""
    try:
        sync_redis().set(SWEEP_KEY, str(time.time()))
    except redis.RedisError as error:
        logger.warning("the sweep could not leave its time: %s", type(error).__name__)


def last_sweep() -> dt.datetime | None:
    """When the periodic sweep last ran; None if it never did, or if Redis was emptied."""
    try:
        stamp = cast(bytes | None, sync_redis().get(SWEEP_KEY))
    except redis.RedisError:
        return None
    return dt.datetime.fromtimestamp(float(stamp), dt.UTC) if stamp else None


def measure_sizes() -> Sizes:
    return Sizes(database=_database_size(), redis=_redis_size(), files=_files_size())


def _database_size() -> int | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            row = cursor.fetchone()
            return int(row[0]) if row else None
    except DatabaseError:
        return None


def _redis_size() -> int | None:
    try:
        info = cast(dict[str, int], sync_redis().info("memory"))
    except redis.RedisError:
        return None
    return info["used_memory"]


def _files_size() -> int | None:
    """The uploads on disk; None when there are too many to count while somebody waits."""
    total = 0
    for number, path in enumerate(Path(settings.DATA_DIR, "blobs").rglob("*")):
        if number > MAX_FILES_COUNTED:
            return None
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
