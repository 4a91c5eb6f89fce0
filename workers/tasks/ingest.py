"""The wake-up: a message that says that jobs of a kind are waiting in Postgres."""

from __future__ import annotations

from celery import shared_task

from apps.core.models import JobKind
from workers.runner import run_due


@shared_task(name="workers.ingest.run_jobs", acks_late=True, ignore_result=True)
def run_jobs(kind: str, job_ids: list[str]) -> None:
    """Run what is due of the kind. The ids are for the log; what is due stands in Postgres."""
    run_due(JobKind(kind))
