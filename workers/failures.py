"""What becomes of a job when something goes wrong: passing trouble, or a fault of ours."""

from __future__ import annotations

import logging

from django.db import InterfaceError, OperationalError

from apps.core import jobs
from apps.core.models import Job, JobKind, JobState
from inference.errors import ModelError, ModelFilesError
from workers.claims import close_connection, fence
from workers.kinds import load_on_failure

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
INTERNAL_REASON = (
    "Something went wrong inside Plumbline while it worked on this. Try it again; if it "
    "happens again, the server's log tells more under the number {job}."
)


class PassingTroubleError(Exception):
    """Not the document's fault, and likely over in a moment."""


def is_passing(error: BaseException) -> bool:
    """Whether the same work may well succeed in a moment: a server restarts, a network blinks."""
    passing = OperationalError | InterfaceError | ConnectionError | PassingTroubleError
    return isinstance(error, passing)


def put_back(job: Job) -> None:
    """Queue a job again after a pause that grows with every attempt.

    If even that cannot be written, the job is found by its missing heartbeat.
    """
    seconds = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(6, max(0, job.attempts - 1)))
    try:
        jobs.postpone(job, seconds=seconds, reason="")
    except (OperationalError, InterfaceError) as error:
        logger.warning("job %s could not be put back: %s", job.pk, type(error).__name__)
        close_connection()


def fail_internally(job: Job, error: BaseException) -> None:
    """End a job, and the row that it was for, after an error that we did not foresee."""
    logger.error("job %s (%s) failed", job.pk, job.kind, exc_info=error)
    is_told = isinstance(error, ModelError | ModelFilesError)  # their words are for people
    reason = str(error) if is_told else INTERNAL_REASON.format(job=job.pk)
    try:
        with fence(job):
            fail_row(job, code="internal", reason=reason)
            jobs.finish(job, JobState.FAILED, reason=reason)
    except jobs.JobCancelled:
        logger.info("job %s was no longer ours", job.pk)


def fail_row(job: Job, *, code: str, reason: str) -> None:
    """Show the reason on the row that the job was for, as its kind does, if it does."""
    if on_failure := load_on_failure(JobKind(job.kind)):
        on_failure(job, code=code, reason=reason)
