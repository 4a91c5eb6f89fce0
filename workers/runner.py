"""Runs jobs: claims due jobs of a kind from Postgres until none is left."""

from __future__ import annotations

import logging
import time

from apps.core import jobs
from apps.core.jobs import JobCancelled
from apps.core.logs import correlation_id
from apps.core.models import Job, JobKind, JobState
from workers import wakeups
from workers.claims import claim_due, close_connection
from workers.failures import fail_internally, is_temporary, put_back
from workers.heartbeat import heart
from workers.kinds import WORKS, load_drain, load_handler
from workers.slots import Slots

logger = logging.getLogger(__name__)

_slots = {kind: Slots(work.slots) for kind, work in WORKS.items()}

LINGER_S = 0.25
LOOK_EVERY_S = 0.03
"""Jobs come in bursts: to keep looking for a moment costs less than another message."""


def run_due(kind: JobKind) -> None:
    """Run the due jobs of a kind in this thread, unless all slots of the kind are taken."""
    slots = _slots[kind]
    if not slots.enter():
        return
    try:
        while True:
            _drain_until_quiet(kind)
            if slots.leave():
                return
    except BaseException:
        slots.abandon()
        raise
    finally:
        close_connection()


def _drain_until_quiet(kind: JobKind) -> None:
    """Run due jobs until none has arrived for `LINGER_S` seconds."""
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < LINGER_S:
        if drain(kind):
            quiet_since = time.monotonic()
        else:
            time.sleep(LOOK_EVERY_S)
    wakeups.unmark(kind)
    drain(kind)


def drain(kind: JobKind) -> int:
    """Run due jobs of a kind until there is none; returns how many ended.

    A temporary error, such as a database that is down, ends the drain; the sweep starts another.
    """
    count = 0
    try:
        if drain_all := load_drain(kind):
            return drain_all()
        while claimed := claim_due(kind):
            run_job(claimed[0])
            count += 1
    except Exception as error:
        close_connection()
        if not is_temporary(error):
            raise
        logger.warning("%s: temporary error: %s", kind, type(error).__name__)
    return count


def run_job(job: Job) -> None:
    """Run one claimed job, and record how it ended."""
    token = correlation_id.set(str(job.pk))
    try:
        with heart.beating(job):
            load_handler(JobKind(job.kind))(job)
            if (
                job.state == JobState.RUNNING
            ):  # some handlers finish their job in their last transaction
                jobs.finish(job, JobState.SUCCEEDED)
    except JobCancelled:
        jobs.finish(job, JobState.CANCELLED)
    except Exception as error:
        if is_temporary(error):
            logger.warning("job %s: temporary error: %s", job.pk, type(error).__name__)
            close_connection()
            put_back(job)
        else:
            fail_internally(job, error)
    finally:
        correlation_id.reset(token)
