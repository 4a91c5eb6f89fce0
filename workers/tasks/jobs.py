"""The wake-ups: one task for each kind, sent when jobs of the kind wait in Postgres."""

from __future__ import annotations

from celery import Task, shared_task

from apps.core.models import JobKind
from workers.kinds import load_all, task_name
from workers.runner import run_due


def make_task(kind: JobKind) -> Task[[list[str]], None]:
    """The task that runs the due jobs of the kind, under the name of the kind."""

    @shared_task(name=task_name(kind), acks_late=True, ignore_result=True)
    def run_jobs(job_ids: list[str]) -> None:
        """Run whatever is due in Postgres. The ids are only for logs."""
        run_due(kind)

    return run_jobs


# At import, because a worker that lacks the function of a kind must not start. Celery only logs
# the errors of its signals' receivers.
load_all()

for _kind in JobKind:
    make_task(_kind)
