"""Queueing: once for the same work, again after its end."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core.jobs import enqueue, finish
from apps.core.models import Job, JobKind, JobState
from workers.claims import claim_due

pytestmark = pytest.mark.django_db


def queue(workspace: Any, number: int = 1) -> Job:
    return enqueue(
        JobKind.PARSE_VERSION, workspace_id=workspace.pk, key="k", payload={"number": number}
    )


def test_a_job_is_made_with_its_payload(workspace: Any) -> None:
    made = queue(workspace)
    job = Job.objects.get()
    assert (made.pk, job.state, job.payload) == (job.pk, JobState.QUEUED, {"number": 1})
    assert (job.workspace_id, job.attempts, job.cancel_requested) == (workspace.pk, 0, False)


def test_the_same_work_is_not_queued_twice(workspace: Any) -> None:
    first, second = queue(workspace), queue(workspace, 2)
    assert (first.pk, second.payload) == (second.pk, {"number": 1})
    claim_due(JobKind.PARSE_VERSION)
    again = queue(workspace, 3)
    assert (again.state, again.payload) == (JobState.RUNNING, {"number": 1})


def test_ended_work_is_queued_again_from_the_beginning(workspace: Any) -> None:
    first = queue(workspace)
    (job,) = claim_due(JobKind.PARSE_VERSION)
    assert finish(job, JobState.FAILED, reason="It broke.")
    assert not finish(job, JobState.SUCCEEDED)
    again = queue(workspace, 2)
    assert (again.pk, again.state, again.payload) == (first.pk, JobState.QUEUED, {"number": 2})
    assert (again.attempts, again.reason, again.finished_at) == (0, "", None)
