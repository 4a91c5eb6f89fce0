"""Sends wake-ups. It is what `settings.JOB_SENDER` names, so that apps need not know of Celery."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError

from apps.core.models import JobKind
from workers import wakeups
from workers.kinds import WORKS, task_name

logger = logging.getLogger(__name__)

# An application of its own, because it must not wait: whoever uploads a file while the broker is
# away gets their answer at once, and the sweep sends again. The worker's own waits for the broker.
app = Celery("plumbline-sender", set_as_current=False)
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_transport_options={
        "socket_timeout": 2,
        "socket_connect_timeout": 1,
        "retry_on_timeout": False,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
    },
)


def send_jobs(kind: str, job_ids: Sequence[str]) -> None:
    """Wake a worker up for jobs of one kind. A broker that is down is logged and survived.

    The message names the jobs for the log's sake; a worker takes whatever of the kind is due. None
    is sent while a runner is sure to look again.
    """
    if not wakeups.mark(kind):
        return
    try:
        app.send_task(
            task_name(JobKind(kind)),
            args=[list(job_ids[:20])],
            queue=WORKS[JobKind(kind)].queue.value,
            retry=False,
            ignore_result=True,
        )
    except (OperationalError, OSError) as error:
        logger.warning("the broker is away, the sweep will send again: %s", type(error).__name__)
