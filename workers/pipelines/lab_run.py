"""Measuring two retrieval profiles: a batch of cases at a time, until none is missing."""

from __future__ import annotations

from uuid import UUID

from apps.core.models import Job
from apps.lab.models import LabRun
from apps.lab.runs import BATCH, labelled, list_missing, measure_examples, store
from workers.claims import fence


def measure_retrieval(job: Job) -> None:
    """Work through the job's run. What is stored is asked each time, so it goes on after a crash.

    Raises JobCancelled when nobody wants it any more.
    """
    run = (
        LabRun.objects.select_related("dataset_version")
        .filter(pk=UUID(job.payload["run_id"]))
        .first()
    )
    if run is None:
        return
    total = len(labelled(run.dataset_version))
    missing = list_missing(run)
    for start in range(0, len(missing), BATCH):
        results = measure_examples(run, missing[start : start + BATCH])
        with fence(job):
            store(results)
            done = total - len(missing) + min(start + BATCH, len(missing))
            Job.objects.filter(pk=job.pk).update(done=done, total=total)
