"""Whether this process can serve, and the state of the installation. Nothing here raises."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Min, Q
from django.utils import timezone

from apps.core.disk.space import describe_shortage
from apps.core.embedder import get_embedder
from apps.core.formats import format_seconds
from apps.core.models import Job, JobKind, JobState
from apps.core.redis import sync_redis
from parsing.walls import gaps

logger = logging.getLogger(__name__)
MAX_FILES_COUNTED = 200_000
SWEEP_KEY = "sweep:last"
SWEEP_LATE_S = 60.0
STARTED_AT = timezone.now()


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at; `detail` says what is wrong. Serving depends on what is needed."""

    name: str
    ok: bool
    detail: str = ""
    is_needed: bool = True


@dataclass(frozen=True, slots=True)
class Queue:
    """The open jobs of one kind. `oldest_seconds` is how long the first of them has waited."""

    name: str
    waiting: int
    running: int
    oldest_seconds: float | None


@dataclass(frozen=True, slots=True)
class Sizes:
    """In bytes; None where it is unknown."""

    database: int | None
    redis: int | None
    files: int | None


def run_checks() -> list[Check]:
    """Database, migrations, Redis, the embedder, the disk and the sandbox, in this order."""
    database = check_database()
    migrations = (
        check_migrations()
        if database.ok
        else Check("migrations", False, "The database cannot be reached.")
    )
    return [
        database,
        migrations,
        check_redis(),
        check_embedder(),
        check_disk(),
        check_sandbox(),
    ]


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
    """Whether every migration is applied. Once it is, the answer is remembered."""
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

    While another request is loading it, the check fails at once instead of waiting as well.
    """
    if not _embedder_lock.acquire(blocking=False):
        return Check("embedder", False, "The embedding model is being loaded.")
    try:
        get_embedder()
    except Exception as error:  # models fail in many ways, and each must show on the status page
        return _failed("embedder", error, "The embedding model does not load.")
    finally:
        _embedder_lock.release()
    return Check("embedder", True)


def check_disk() -> Check:
    """Whether files are taken. Everything else is served without that."""
    shortage = describe_shortage()
    return Check("disk", not shortage, shortage, is_needed=False)


def check_sandbox() -> Check:
    """Whether this machine can keep those who read files apart from everything else."""
    missing = gaps.describe_gaps()
    return Check("sandbox", not missing, " ".join(missing) or gaps.CLOSED, is_needed=False)


def _failed(name: str, error: Exception, detail: str) -> Check:
    logger.warning("%s is not ready: %s: %s", name, type(error).__name__, error)
    return Check(name, False, detail)


def as_json(checks: list[Check]) -> dict[str, object]:
    """The body of the response of `/readyz`."""
    shown = [{"name": c.name, "ok": c.ok, "detail": c.detail} for c in checks]
    return {"ready": all(c.ok or not c.is_needed for c in checks), "checks": shown}


def list_queues() -> list[Queue]:
    """The open jobs by kind; a kind without any is left out."""
    now = timezone.now()
    rows = (
        Job.objects.filter(state__in=[JobState.QUEUED, JobState.RUNNING])
        .values("kind")
        .annotate(
            waiting=Count("pk", filter=Q(state=JobState.QUEUED)),
            running=Count("pk", filter=Q(state=JobState.RUNNING)),
            oldest_at=Min("available_at", filter=Q(state=JobState.QUEUED)),
        )
        .order_by("kind")
    )
    return [
        Queue(
            name=str(JobKind(row["kind"]).label),
            waiting=row["waiting"],
            running=row["running"],
            oldest_seconds=_seconds_since(row["oldest_at"], now=now),
        )
        for row in rows
    ]


def _seconds_since(moment: dt.datetime | None, *, now: dt.datetime) -> float | None:
    return None if moment is None else max((now - moment).total_seconds(), 0.0)


def note_sweep() -> None:
    """Note in Redis that the periodic sweep has just run. Losing the note does no harm."""
    try:
        sync_redis().set(SWEEP_KEY, str(time.time()))
    except redis.RedisError as error:
        logger.warning("the sweep could not leave its time: %s", type(error).__name__)


def last_sweep() -> dt.datetime | None:
    """When the periodic sweep last ran; None if it never has, or if Redis was emptied."""
    try:
        stamp = cast(bytes | None, sync_redis().get(SWEEP_KEY))
    except redis.RedisError:
        return None
    return dt.datetime.fromtimestamp(float(stamp), dt.UTC) if stamp else None


def check_sweep() -> Check:
    """Whether the worker and beat are running: they sweep every few seconds."""
    swept_at = last_sweep()
    if swept_at is None:
        return Check("worker", False, "No sweep has run yet. Is the worker running?")
    seconds = max((timezone.now() - swept_at).total_seconds(), 0.0)
    ago = f"Last sweep {format_seconds(seconds)} ago."
    return Check("worker", seconds < SWEEP_LATE_S, ago)


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
    """The bytes of all uploads; None if there are too many files to count during a request."""
    total = 0
    for number, path in enumerate(Path(settings.DATA_DIR, "blobs").rglob("*")):
        if number > MAX_FILES_COUNTED:
            return None
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
