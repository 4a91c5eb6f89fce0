"""The wake-ups: a task for each kind, which says that jobs of the kind are waiting in Postgres."""

from __future__ import annotations

from celery import Task, shared_task

from apps.core.models import JobKind
from workers.kinds import load_all, task_name
from workers.runner import run_due


def make_task(kind: JobKind) -> Task[[list[str]], None]:
    """The task that runs what is due of the kind, named for it."""

    @shared_task(name=task_name(kind), acks_late=True, ignore_result=True)
    def run_jobs(job_ids: list[str]) -> None:
        """Run what is due. The ids are for the log; what is due stands in Postgres."""
        run_due(kind)

    return run_jobs


# Not in a receiver of `worker_init`, whose errors Celery only logs: a worker that lacks the
# function of a kind must not start.
load_all()

for _kind in JobKind:
    make_task(_kind)
