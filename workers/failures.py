"""What happens to a job after an error: it is retried if the error is temporary, else it fails."""

from __future__ import annotations

import logging

from django.db import InterfaceError, OperationalError

from apps.core import jobs
from apps.core.disk.space import is_full
from apps.core.models import Job, JobKind, JobState
from inference.errors import ModelError, ModelFilesError
from workers.claims import close_connection, fence
from workers.kinds import load_on_failure

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
INTERNAL_REASON = (
    "Something went wrong inside Plumbline while it worked on this. Try again; if it keeps "
    "happening, look for {job} in the server's log."
)


class TemporaryError(Exception):
    """A temporary error that is not the document's fault: trying again soon is likely to help."""


def is_temporary(error: BaseException) -> bool:
    """Whether the error is temporary, such as a server that restarts or a disk that is full."""
    if is_full(error):
        return True
    temporary = OperationalError | InterfaceError | ConnectionError | TemporaryError
    return isinstance(error, temporary)


def put_back(job: Job) -> None:
    """Queue a job again after a pause that doubles with every attempt.

    If not even that can be written, the sweep requeues the job once its heartbeat is stale.
    """
    seconds = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(6, max(0, job.attempts - 1)))
    try:
        jobs.postpone(job, seconds=seconds, reason="")
    except (OperationalError, InterfaceError) as error:
        logger.warning("job %s could not be put back: %s", job.pk, type(error).__name__)
        close_connection()


def fail_internally(job: Job, error: BaseException) -> None:
    """Fail a job, and show it on the row that the job was for, after an unexpected error."""
    logger.error("job %s (%s) failed", job.pk, job.kind, exc_info=error)
    # Messages of these errors are written for users.
    is_readable = isinstance(error, ModelError | ModelFilesError)
    reason = str(error) if is_readable else INTERNAL_REASON.format(job=job.pk)
    try:
        with fence(job):
            fail_row(job, code="internal", reason=reason)
            jobs.finish(job, JobState.FAILED, reason=reason)
    except jobs.JobCancelled:
        logger.info("job %s was no longer ours", job.pk)


def fail_row(job: Job, *, code: str, reason: str) -> None:
    """Show the reason on the row that the job was for, if its kind has such a row."""
    if on_failure := load_on_failure(JobKind(job.kind)):
        on_failure(job, code=code, reason=reason)
