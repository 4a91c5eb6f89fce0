"""The sweep: finds in Postgres whatever work was lost, and sets it going again."""

from __future__ import annotations

import logging

from django.db import InterfaceError, OperationalError

from apps.chat.asking.files import remove_orphaned_files
from apps.chat.services import mark_interrupted_answers
from apps.core import jobs
from apps.core.embedder import release_idle
from apps.core.health import note_sweep
from apps.documents.storage import (
    list_workspace_folders,
    remove_abandoned_uploads,
    remove_workspace_blobs,
)
from apps.retrieval.vectors import ann
from apps.workspaces.models import Workspace
from workers.claims import close_connection
from workers.failures import fail_row
from workers.pipelines.ingest import parser
from workers.pipelines.vector_index import send_due

logger = logging.getLogger(__name__)

IDLE_S = 45.0
"""Seconds without work after which the embedding model and the parsers free their memory."""

ABANDONED_AFTER_S = 24 * 3600.0


def sweep_jobs() -> None:
    """Requeue jobs of dead workers, send lost messages again, mark interrupted answers."""
    try:
        for job in jobs.requeue_stale():
            fail_row(job, code="worker", reason=job.reason)
        jobs.resend_waiting()
        mark_interrupted_answers()
        send_due()
        release_idle(seconds=IDLE_S)
        parser().release_idle(seconds=IDLE_S)
        note_sweep()
    except (OperationalError, InterfaceError) as error:
        logger.warning("the sweep was cut short: %s", type(error).__name__)
    finally:
        close_connection()


def tidy_up() -> None:
    """Remove files of broken uploads and deleted workspaces; let failed vector indexes retry."""
    ann.retry()
    remove_orphaned_files()
    removed = remove_abandoned_uploads(older_than_s=ABANDONED_AFTER_S)
    folders = set(list_workspace_folders())
    living = {str(pk) for pk in Workspace.objects.values_list("pk", flat=True)}
    for workspace_id in folders - living:
        remove_workspace_blobs(workspace_id)
    logger.info("tidied: %s uploads, %s workspaces", removed, len(folders - living))
    close_connection()
