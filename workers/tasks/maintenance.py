"""The tasks that beat sends."""

from __future__ import annotations

from celery import shared_task

from workers.pipelines.sweep import sweep_jobs, tidy_up


@shared_task(name="workers.maintenance.sweep", acks_late=True, ignore_result=True)
def sweep() -> None:
    """Send lost messages again, requeue jobs of dead workers, mark interrupted answers."""
    sweep_jobs()


@shared_task(name="workers.maintenance.tidy", acks_late=True, ignore_result=True)
def tidy() -> None:
    """Remove files that nothing refers to any more."""
    tidy_up()
