"""What a worker does when it starts and when it stops."""

from __future__ import annotations

import logging
from typing import Any

from celery import signals
from django.db import InterfaceError, OperationalError

from apps.core.embedder import prefer_throughput
from apps.core.jobs import send
from apps.core.models import JobKind
from workers.claims import close_connection, release_dead_claims
from workers.pipelines.ingest import parser

logger = logging.getLogger(__name__)


@signals.worker_init.connect
def embed_in_bulk(**_: Any) -> None:
    """Choose the engine that is faster for batches: a worker embeds nothing else."""
    prefer_throughput()


@signals.worker_ready.connect
def take_over(**_: Any) -> None:
    """Continue at once with jobs that a crashed worker of this host left, and with queued ones."""
    try:
        count = release_dead_claims()
        logger.info("worker ready, %s jobs taken over", count)
        for kind in JobKind:
            send(kind, [])
    except (OperationalError, InterfaceError) as error:
        logger.warning("no jobs could be taken over: %s", type(error).__name__)
    finally:
        close_connection()


@signals.worker_shutdown.connect
def stop_parser(**_: Any) -> None:
    """End the child processes that read documents."""
    parser().close()
