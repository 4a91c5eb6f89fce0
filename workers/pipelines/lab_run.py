"""Measuring two retrieval profiles, one batch of cases at a time, until none is missing."""

from __future__ import annotations

from uuid import UUID

from apps.core.models import Job
from apps.lab.models import LabRun
from apps.lab.runs import BATCH, labelled, list_missing, measure_examples, store
from workers.claims import fence


def measure_retrieval(job: Job) -> None:
    """Measure the cases of the job's run that have no result yet, so it may run twice.

    Raises JobCancelled once it is cancelled.
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
