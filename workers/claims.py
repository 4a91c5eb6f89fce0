"""Claiming jobs in Postgres, and making sure that only the current owner of a job writes."""

from __future__ import annotations

import itertools
import logging
import os
import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, transaction
from django.utils import timezone

from apps.core.jobs import JobCancelled
from apps.core.models import Job, JobKind, JobState

logger = logging.getLogger(__name__)

_HOST = socket.gethostname()[:60]
_PROCESS = f"{_HOST}:{os.getpid()}:{secrets.token_hex(4)}"
_numbers = itertools.count(1)

CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM core_job WHERE kind = %s AND state = %s AND available_at <= %s
    ORDER BY available_at LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE core_job SET state = 'running', worker = %s, started_at = %s, heartbeat_at = %s,
    attempts = attempts + 1, reason = ''
WHERE id IN (SELECT id FROM due) RETURNING *
"""


CLAIM_SWARM = """
WITH first AS MATERIALIZED (
    SELECT id, workspace_id, attempts = 0 AND payload ? 'plain' AS is_plain FROM core_job
    WHERE kind = %s AND state = %s AND available_at <= %s
    ORDER BY available_at LIMIT 1 FOR UPDATE SKIP LOCKED
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


def claim_swarm(kind: JobKind, *, limit: int) -> list[Job]:
    """Claim the oldest due job; if it is a plain text, up to `limit - 1` more of its workspace.

    This holds only for first attempts: a job that has failed before is claimed alone, so that it
    cannot take others down with it.
    """
    now = timezone.now()
    due = [kind, JobState.QUEUED, now]
    worker = f"{_PROCESS}:{next(_numbers)}"
    jobs = list(Job.objects.raw(CLAIM_SWARM, [*due, *due, limit - 1, worker, now, now]))
    return sorted(jobs, key=lambda job: job.available_at)


def claim_due(kind: JobKind, *, limit: int = 1) -> list[Job]:
    """Claim up to `limit` due jobs of a kind, oldest first.

    Every claim has a name of its own. Code that still runs under an earlier claim of the same job
    can therefore no longer write, even if this very process has claimed the job again.
    """
    now = timezone.now()
    worker = f"{_PROCESS}:{next(_numbers)}"
    jobs = list(Job.objects.raw(CLAIM, [kind, JobState.QUEUED, now, limit, worker, now, now]))
    return sorted(jobs, key=lambda job: job.available_at)


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
