"""Who has a job, and for how long."""

from __future__ import annotations

import datetime as dt
import os
from typing import Any

import pytest
from django.utils import timezone

from apps.core.jobs import STALE_AFTER_S, JobCancelled, enqueue, requeue_stale
from apps.core.models import Job, JobKind, JobState
from workers import claims
from workers.claims import claim_due, fence, release_dead_claims, still_wanted
from workers.heartbeat import Heart

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waiting(workspace: Any) -> list[Job]:
    return [
        enqueue(JobKind.PARSE_VERSION, workspace_id=workspace.pk, key=str(n), payload={})
        for n in range(3)
    ]


def test_a_job_is_claimed_once_and_the_oldest_first(waiting: list[Job]) -> None:
    first = claim_due(JobKind.PARSE_VERSION, limit=2)
    second = claim_due(JobKind.PARSE_VERSION, limit=2)
    assert [job.key for job in first] == ["0", "1"]
    assert [job.key for job in second] == ["2"]
    assert claim_due(JobKind.PARSE_VERSION) == []
    assert {job.attempts for job in Job.objects.all()} == {1}


def test_a_job_is_not_due_before_its_time(waiting: list[Job]) -> None:
    Job.objects.update(available_at=timezone.now() + dt.timedelta(minutes=1))
    assert claim_due(JobKind.PARSE_VERSION) == []


def test_the_fence_opens_for_the_owner_only(waiting: list[Job]) -> None:
    (job,) = claim_due(JobKind.PARSE_VERSION)
    with fence(job):
        pass
    Job.objects.filter(pk=job.pk).update(worker="another")
    with pytest.raises(JobCancelled), fence(job):
        raise AssertionError("inside the fence")


def test_the_fence_is_closed_once_somebody_cancelled(waiting: list[Job]) -> None:
    (job,) = claim_due(JobKind.PARSE_VERSION)
    assert still_wanted([job]) == {job.pk}
    Job.objects.filter(pk=job.pk).update(cancel_requested=True)
    assert still_wanted([job]) == set()
    with pytest.raises(JobCancelled), fence(job):
        raise AssertionError("inside the fence")


def test_jobs_of_processes_that_no_longer_exist_are_taken_over(waiting: list[Job]) -> None:
    dead, alive, elsewhere = claim_due(JobKind.PARSE_VERSION, limit=3)
    host = claims._HOST
    Job.objects.filter(pk=dead.pk).update(worker=f"{host}:{2**22 + 1}:abcd:1")
    Job.objects.filter(pk=alive.pk).update(worker=f"{host}:{os.getppid()}:abcd:1")
    Job.objects.filter(pk=elsewhere.pk).update(worker=f"another-{host}:1:abcd:1")
    assert release_dead_claims() == 1
    dead.refresh_from_db()
    assert dead.state == JobState.QUEUED
    assert Job.objects.filter(state=JobState.RUNNING).count() == 2


def test_a_number_that_was_given_again_to_this_process_counts_as_dead(waiting: list[Job]) -> None:
    mine, former = claim_due(JobKind.PARSE_VERSION, limit=2)
    Job.objects.filter(pk=former.pk).update(worker=f"{claims._HOST}:{os.getpid()}:old:1")
    assert release_dead_claims() == 1
    mine.refresh_from_db()
    assert mine.state == JobState.RUNNING


def test_a_heartbeat_keeps_jobs_from_being_taken(waiting: list[Job]) -> None:
    beating, silent = claim_due(JobKind.PARSE_VERSION, limit=2)
    old = timezone.now() - dt.timedelta(seconds=STALE_AFTER_S + 1)
    Job.objects.filter(state=JobState.RUNNING).update(heartbeat_at=old)
    heart = Heart(every_s=60)
    heart.add([beating, silent])
    heart.remove([silent])
    assert heart.beat_once()
    assert requeue_stale() == []
    beating.refresh_from_db()
    silent.refresh_from_db()
    assert (beating.state, silent.state) == (JobState.RUNNING, JobState.QUEUED)
    heart.remove([beating])
    assert not heart.beat_once()
