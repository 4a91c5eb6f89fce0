"""Background work as the apps see it: rows, claims, heartbeats. Celery only carries ids.

Every function is safe to call twice. Postgres is authoritative: the sweep sends a lost message
again, and a message that arrives twice finds its job already claimed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from psycopg.types.json import Jsonb

from apps.core import doors
from apps.core.ids import uuid7
from apps.core.models import Job, JobKind, JobState

HEARTBEAT_EVERY_S = 3.0
STALE_AFTER_S = 20.0
RESEND_AFTER_S = 4.0
MAX_ATTEMPTS = 25
"""Dying workers are rarely the document's fault, so it is given up only after many attempts."""


class JobCancelled(Exception):
    """Raised inside a job that was cancelled, or that another worker has claimed since."""


_INSERT = """
INSERT INTO core_job (id, workspace_id, kind, key, payload, state, attempts, done, total, reason,
    worker, cancel_requested, created_at, available_at)
"""
_AGAIN = """
ON CONFLICT (kind, key) DO UPDATE SET state = 'queued', attempts = 0, done = 0, reason = '',
    cancel_requested = false, payload = excluded.payload, available_at = excluded.available_at,
    finished_at = NULL, heartbeat_at = NULL
WHERE core_job.state NOT IN ('queued', 'running')
"""
ENQUEUE = f"""{_INSERT}
VALUES (%s, %s, %s, %s, %s, 'queued', 0, 0, 0, '', '', false, %s, %s)
{_AGAIN} RETURNING *"""
ENQUEUE_ALL = f"""{_INSERT}
SELECT entry.id, entry.workspace_id, %s, entry.key, entry.payload, 'queued', 0, 0, 0, '', '', false,
    %s, %s
FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::jsonb[])
    AS entry (id, workspace_id, key, payload)
{_AGAIN}"""  # noqa: S608  (ours)


def enqueue(kind: JobKind, *, workspace_id: UUID, key: str, payload: dict[str, Any]) -> Job:
    """Create the job, or queue it again if it has ended; after the commit a worker is woken."""
    now = timezone.now()
    values = [uuid7(), workspace_id, kind, key, Jsonb(payload), now, now]
    written = list(Job.objects.raw(ENQUEUE, values))
    job = written[0] if written else Job.objects.get(kind=kind, key=key)
    transaction.on_commit(partial(send, kind, [str(job.pk)]))
    return job


def enqueue_all(kind: JobKind, entries: Sequence[tuple[UUID, str, dict[str, Any]]]) -> None:
    """Create or requeue a job for each (workspace id, key, payload): one statement, one message."""
    if not entries:
        return
    now = timezone.now()
    ids = [uuid7() for _ in entries]
    workspaces, keys, payloads = zip(*entries, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            ENQUEUE_ALL,
            [kind, now, now, ids, list(workspaces), list(keys), [Jsonb(p) for p in payloads]],
        )
    transaction.on_commit(partial(send, kind, [str(pk) for pk in ids]))


def send(kind: str, job_ids: Sequence[str]) -> None:
    """Wake a worker for jobs. A broker that is down is no error: the sweep sends them again."""
    doors.send_jobs(kind, job_ids)


def heartbeat(job_ids: Sequence[UUID], *, worker: str) -> None:
    """Record that this worker is still running these jobs."""
    Job.objects.filter(pk__in=job_ids, state=JobState.RUNNING, worker=worker).update(
        heartbeat_at=timezone.now()
    )


def finish(job: Job, state: JobState, *, reason: str = "") -> bool:
    """End a running job; False if another worker has claimed it since, or it has ended."""
    rows = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, worker=job.worker).update(
        state=state, reason=reason, finished_at=timezone.now()
    )
    if rows == 1:
        job.state = state
    return rows == 1


def finish_all(jobs: Sequence[Job], state: JobState) -> None:
    """End running jobs, inside a transaction that holds them (`workers.claims.fence_all`)."""
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(
        state=state, reason="", finished_at=timezone.now()
    )
    for job in jobs:
        job.state = state


def postpone(job: Job, *, seconds: float, reason: str) -> None:
    """Queue a running job again, not to start before `seconds` have passed."""
    Job.objects.filter(pk=job.pk, state=JobState.RUNNING, worker=job.worker).update(
        state=JobState.QUEUED,
        reason=reason,
        heartbeat_at=None,
        available_at=timezone.now() + dt.timedelta(seconds=seconds),
    )


def requeue_stale() -> list[Job]:
    """Requeue jobs whose worker has gone silent; fail and return those tried too often."""
    horizon = timezone.now() - dt.timedelta(seconds=STALE_AFTER_S)
    stale = Job.objects.filter(state=JobState.RUNNING).filter(
        Q(heartbeat_at__lt=horizon) | Q(heartbeat_at=None)
    )
    failed = []
    for job in stale:
        hopeless = job.attempts >= MAX_ATTEMPTS
        reason = "The worker stopped while it was working on this. It was tried again too often."
        rows = Job.objects.filter(
            pk=job.pk, state=JobState.RUNNING, heartbeat_at=job.heartbeat_at
        ).update(
            state=JobState.FAILED if hopeless else JobState.QUEUED,
            reason=reason if hopeless else "",
            available_at=timezone.now(),
        )
        if rows and hopeless:
            job.reason = reason
            failed.append(job)
    return failed


def resend_waiting(*, limit: int = 500) -> int:
    """Send queued jobs again that no worker has claimed for a while, as when messages were lost."""
    horizon = timezone.now() - dt.timedelta(seconds=RESEND_AFTER_S)
    rows = Job.objects.filter(state=JobState.QUEUED, available_at__lt=horizon).order_by(
        "available_at"
    )[:limit]
    by_kind: dict[str, list[str]] = {}
    for job in rows:
        by_kind.setdefault(job.kind, []).append(str(job.pk))
    for kind, ids in by_kind.items():
        send(kind, ids)
    return sum(len(ids) for ids in by_kind.values())
