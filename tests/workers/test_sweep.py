"""Whatever is lost on the way, the sweep finds it."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest
import redis
from celery import Celery
from django.conf import settings as django_settings
from django.utils import timezone

from apps.core.jobs import MAX_ATTEMPTS, STALE_AFTER_S
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import Collection, VersionState
from tests.workers.helpers import newest, run_all, upload
from workers import dispatch, wakeups
from workers.claims import claim_due
from workers.kinds import WORKS
from workers.pipelines.sweep import sweep_jobs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The wake-ups that would have gone to the broker."""
    messages: list[tuple[str, int]] = []

    def send_task(name: str, args: list[Any], **options: Any) -> None:
        kind = JobKind(name.removeprefix("workers."))
        assert options["queue"] == WORKS[kind].queue.value
        messages.append((kind, len(args[0])))

    monkeypatch.setattr(dispatch.app, "send_task", send_task)
    return messages


def make_old() -> None:
    old = timezone.now() - dt.timedelta(seconds=STALE_AFTER_S + 1)
    Job.objects.update(available_at=old)
    Job.objects.filter(state=JobState.RUNNING).update(heartbeat_at=old)
    for kind in JobKind:
        wakeups.unmark(kind)


def test_an_upload_wakes_a_worker_after_the_commit(
    collection: Collection, sent: list[tuple[str, int]]
) -> None:
    upload(collection)
    assert sent == [("parse_version", 1)]


def test_messages_that_a_purged_broker_lost_are_sent_again(
    collection: Collection, sent: list[tuple[str, int]]
) -> None:
    upload(collection)
    upload(collection, b"Another text.", "other.md")
    sent.clear()
    sweep_jobs()
    assert sent == []
    make_old()
    sweep_jobs()
    assert sent == [("parse_version", 2)]


def test_the_job_of_a_silent_worker_goes_to_another(
    collection: Collection, sent: list[tuple[str, int]]
) -> None:
    outcome = upload(collection)
    claim_due(JobKind.PARSE_VERSION)
    sweep_jobs()
    assert Job.objects.get().state == JobState.RUNNING
    make_old()
    sweep_jobs()
    assert Job.objects.get().state == JobState.QUEUED
    run_all()
    assert newest(outcome.document).state == VersionState.READY


def test_a_document_that_no_worker_survives_is_given_up_with_a_reason(
    collection: Collection, sent: list[tuple[str, int]]
) -> None:
    outcome = upload(collection)
    claim_due(JobKind.PARSE_VERSION)
    make_old()
    Job.objects.update(attempts=MAX_ATTEMPTS)
    sweep_jobs()
    version = newest(outcome.document)
    assert (version.state, version.reason_code) == (VersionState.FAILED, "worker")
    assert "tried again too often" in version.reason


def test_a_broker_that_is_down_loses_no_upload_and_costs_little_time(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Celery("away", broker="redis://127.0.0.1:1/0", set_as_current=False)
    away.conf.broker_transport_options = dispatch.app.conf.broker_transport_options
    monkeypatch.setattr(dispatch, "app", away)
    started = time.monotonic()
    outcome = upload(collection)
    assert time.monotonic() - started < 5  # not the minutes for which a worker would wait
    assert Job.objects.get().state == JobState.QUEUED
    run_all()
    assert newest(outcome.document).state == VersionState.READY


def test_after_a_flush_of_redis_messages_still_arrive(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery's bindings live in Redis too: sending must not depend on them."""
    url = django_settings.REDIS_URL.rsplit("/", 1)[0] + "/12"
    monkeypatch.setattr(dispatch, "app", Celery("flushed", broker=url, set_as_current=False))
    client = redis.Redis.from_url(url)
    client.flushdb()
    upload(collection)
    assert client.llen("ingest") == 1
    client.flushdb()
    wakeups.unmark(JobKind.PARSE_VERSION)
    upload(collection, b"Another text.", "other.md")
    assert client.llen("ingest") == 1
