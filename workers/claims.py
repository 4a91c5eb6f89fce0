"""Claiming jobs in Postgres, and making sure that only the current owner of a job writes."""

from __future__ import annotations

import itertools
import logging
import os
import secrets
import socket
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from apps.core.disk.space import has_room
from apps.core.jobs import JobCancelled
from apps.core.models import Job, JobKind, JobState

logger = logging.getLogger(__name__)

_HOST = socket.gethostname()[:60]
_PROCESS = f"{_HOST}:{os.getpid()}:{secrets.token_hex(4)}"
_numbers = itertools.count(1)

# Workspaces take turns. The array names those that had one lately, the longest ago first; who is
# not in it had none.
CLAIM = """
WITH ranked AS MATERIALIZED (
    SELECT id, available_at,
        row_number() OVER (PARTITION BY workspace_id ORDER BY available_at) AS place,
        COALESCE(array_position(%s::uuid[], workspace_id), 0) AS turn
    FROM core_job WHERE kind = %s AND state = %s AND available_at <= %s
), due AS MATERIALIZED (
    SELECT id FROM core_job WHERE state = %s AND id IN (
        SELECT id FROM ranked ORDER BY place, turn, available_at LIMIT %s
    ) FOR UPDATE SKIP LOCKED
)
UPDATE core_job SET state = 'running', worker = %s, started_at = %s, heartbeat_at = %s,
    attempts = attempts + 1, reason = ''
WHERE id IN (SELECT id FROM due) RETURNING *
"""


CLAIM_SWARM = """
WITH first AS MATERIALIZED (
    SELECT id, workspace_id, attempts = 0 AND payload ? 'plain' AS is_plain FROM core_job
    WHERE kind = %s AND state = %s AND available_at <= %s
    AND (payload ? 'plain' OR payload ? 'small' OR NOT %s)
    ORDER BY COALESCE(array_position(%s::uuid[], workspace_id), 0), available_at
    LIMIT 1 FOR UPDATE SKIP LOCKED
), more AS MATERIALIZED (
    SELECT job.id FROM core_job job JOIN first USING (workspace_id)
    WHERE first.is_plain AND job.id <> first.id AND job.kind = %s AND job.state = %s
    AND job.available_at <= %s AND job.attempts = 0 AND job.payload ? 'plain'
    ORDER BY job.available_at LIMIT %s FOR UPDATE OF job SKIP LOCKED
)
UPDATE core_job SET state = 'running', worker = %s, started_at = %s, heartbeat_at = %s,
    attempts = attempts + 1, reason = ''
WHERE id IN (SELECT id FROM first UNION ALL SELECT id FROM more) RETURNING *
"""


MAX_TURNS = 256
MAKES_ROOM = frozenset({JobKind.PURGE_DOCUMENT, JobKind.DISCARD_INDEX})
"""Kinds of jobs that go on when the disk is full, because they free some of it."""
_turns: dict[JobKind, dict[UUID, None]] = defaultdict(dict)
"""Workspaces of which this process has claimed a kind of job, the latest last."""


def claim_swarm(kind: JobKind, *, limit: int, small_only: bool = False) -> list[Job]:
    """Claim the oldest due job of the workspace whose turn it is, with more if it is a plain text.

    Up to `limit - 1` more plain texts of its workspace come with it. This holds only for first
    attempts: a job that has failed before is claimed alone, so that it cannot take others down
    with it. With `small_only`, jobs of large documents are passed over.
    """
    if must_wait(kind):
        return []
    now = timezone.now()
    due = [kind, JobState.QUEUED, now]
    worker = f"{_PROCESS}:{next(_numbers)}"
    turns = list(_turns[kind])
    values = [*due, small_only, turns, *due, limit - 1, worker, now, now]
    jobs = list(Job.objects.raw(CLAIM_SWARM, values))
    _end_turns(kind, jobs)
    return sorted(jobs, key=lambda job: job.available_at)


def claim_due(kind: JobKind, *, limit: int = 1) -> list[Job]:
    """Claim up to `limit` due jobs of a kind: of each workspace in turn, the oldest first.

    Every claim has a name of its own. Code that still runs under an earlier claim of the same job
    can therefore no longer write, even if this very process has claimed the job again.
    """
    if must_wait(kind):
        return []
    now = timezone.now()
    worker = f"{_PROCESS}:{next(_numbers)}"
    queued = JobState.QUEUED
    values = [list(_turns[kind]), kind, queued, now, queued, limit, worker, now, now]
    jobs = list(Job.objects.raw(CLAIM, values))
    _end_turns(kind, jobs)
    return sorted(jobs, key=lambda job: job.available_at)


def must_wait(kind: JobKind) -> bool:
    """Whether jobs of a kind are left in the queue because the disk is short of room.

    Nobody has to set them going again: the sweep sends what is queued.
    """
    return kind not in MAKES_ROOM and not has_room()


def _end_turns(kind: JobKind, jobs: Sequence[Job]) -> None:
    """Put the workspaces of these jobs at the end of the queue."""
    turns = _turns[kind]
    for job in jobs:
        turns.pop(job.workspace_id, None)
        turns[job.workspace_id] = None
    while len(turns) > MAX_TURNS:
        del turns[next(iter(turns))]


@contextmanager
def fence(job: Job) -> Iterator[None]:
    """A transaction that holds the job. Raises JobCancelled if it is cancelled or not ours."""
    with transaction.atomic():
        row = (
            Job.objects.select_for_update(no_key=True)
            .filter(pk=job.pk, state=JobState.RUNNING, worker=job.worker)
            .values_list("cancel_requested", flat=True)
            .first()
        )
        if row is None or row:
            raise JobCancelled
        yield


@contextmanager
def fence_all(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """A transaction that holds jobs. It yields those that are still ours and not cancelled."""
    with transaction.atomic():
        rows = (
            Job.objects.select_for_update(no_key=True)
            .filter(pk__in=[job.pk for job in jobs], state=JobState.RUNNING, cancel_requested=False)
            .order_by("pk")
            .values_list("pk", "worker")
        )
        claims = set(rows)
        yield [job for job in jobs if (job.pk, job.worker) in claims]


def still_wanted(jobs: Sequence[Job]) -> set[object]:
    """The ids of the jobs that are still ours and that nobody has cancelled."""
    rows = Job.objects.filter(
        pk__in=[job.pk for job in jobs],
        state=JobState.RUNNING,
        cancel_requested=False,
        worker__in={job.worker for job in jobs},
    )
    return set(rows.values_list("pk", flat=True))


def release_dead_claims() -> int:
    """Requeue the jobs of processes of this host that no longer exist; returns how many.

    Called when a worker starts, so that jobs of a crashed one need not wait until their heartbeat
    counts as stale.
    """
    count = 0
    for job in Job.objects.filter(state=JobState.RUNNING, worker__startswith=f"{_HOST}:"):
        if _is_dead(job.worker):
            count += Job.objects.filter(
                pk=job.pk, state=JobState.RUNNING, worker=job.worker
            ).update(state=JobState.QUEUED, available_at=timezone.now())
    return count


def _is_dead(worker: str) -> bool:
    host, _, rest = worker.rpartition(":")[0].partition(":")
    pid = rest.partition(":")[0]
    if host != _HOST or not pid.isdigit() or worker.startswith(f"{_PROCESS}:"):
        return False
    if int(pid) == os.getpid():
        return True  # the pid was reused, as happens to the main process of a container
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def close_connection() -> None:
    """Return this thread's connection to the pool, which discards it if it is broken."""
    connection.close()
