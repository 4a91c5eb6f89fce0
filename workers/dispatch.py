"""Sends wake-ups. It answers the door `core.send_jobs`, so that apps need not import Celery."""

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

# Not the worker's application, which waits until the broker is back. A request that uploads a file
# must not wait: it is answered at once, and the sweep sends the message later.
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
    """Wake a worker for jobs of one kind. If the broker is down, only a warning is logged.

    No message is sent while a runner is certain to look for jobs of the kind again. The ids in a
    message are only for logs; a worker claims whatever jobs of the kind are due.
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
        logger.warning("the broker is down, the sweep will send again: %s", type(error).__name__)
