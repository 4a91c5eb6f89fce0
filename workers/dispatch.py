"""Sends wake-ups. It answers the door `core.send_jobs`, so that apps need not know of Celery."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError

from apps.core.models import JobKind
from workers import wakeups
from workers.queues import Queue

logger = logging.getLogger(__name__)

QUEUE_OF = {
    JobKind.PARSE_VERSION: Queue.INGEST,
    JobKind.EMBED_VERSION: Queue.EMBED,
    JobKind.FETCH_URL: Queue.INGEST,
    JobKind.REINDEX_PASSAGES: Queue.EMBED,
    JobKind.BUILD_INDEX: Queue.EMBED,
    JobKind.DISCARD_INDEX: Queue.MAINTENANCE,
    JobKind.INDEX_VECTORS: Queue.MAINTENANCE,
    JobKind.ADD_CONTEXTS: Queue.EVALUATION,
    JobKind.PURGE_DOCUMENT: Queue.MAINTENANCE,
    JobKind.SEED_DEMO: Queue.MAINTENANCE,
    JobKind.RUN_EXPERIMENT: Queue.EVALUATION,
    JobKind.RUN_PROBE: Queue.EVALUATION,
    JobKind.JUDGE_ARENA: Queue.EVALUATION,
    JobKind.MEASURE_RETRIEVAL: Queue.EVALUATION,
    JobKind.SYNTHESISE: Queue.EVALUATION,
}

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
            "workers.ingest.run_jobs",
            args=[kind, list(job_ids[:20])],
            queue=QUEUE_OF[JobKind(kind)].value,
            retry=False,
            ignore_result=True,
        )
    except (OperationalError, OSError) as error:
        logger.warning("the broker is away, the sweep will send again: %s", type(error).__name__)
