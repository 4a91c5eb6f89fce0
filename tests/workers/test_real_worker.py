"""One real Celery worker, as `make run` starts it, with a real broker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from celery import Celery
from django.conf import settings as django_settings
from django.db import connection

from apps.core.models import Job, JobState
from apps.documents.models import Collection, VersionState
from apps.documents.services import delete_document
from apps.workspaces.services import Actor
from config.servers import wait_until
from tests.workers.helpers import newest, upload
from tests.workers.test_ingest import check_whole
from workers import dispatch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of Redis that no other test sends to."""
    url = django_settings.REDIS_URL.rsplit("/", 1)[0] + "/11"
    sender = Celery("test-sender", broker=url, set_as_current=False)
    monkeypatch.setattr(dispatch, "app", sender)
    return url


def start(broker: str, data_dir: Any) -> subprocess.Popen[bytes]:
    parts = urlsplit(os.environ["DATABASE_URL"])
    database = urlunsplit(parts._replace(path="/" + connection.settings_dict["NAME"]))
    return subprocess.Popen(
        [
            sys.executable, "-m", "celery", "-A", "workers.celery", "worker",
            "--pool", "threads", "--concurrency", "4", "--loglevel", "WARNING",
            "--without-gossip", "--without-mingle", "--without-heartbeat",
        ],
        env={
            **os.environ,
            "DATABASE_URL": database,
            "REDIS_URL": broker,
            "DATA_DIR": str(data_dir),
            "EMBEDDER": "hash",
        },
    )  # fmt: skip


@pytest.fixture
def worker(broker: str, settings: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = start(broker, settings.DATA_DIR)
    yield process
    process.kill()
    process.wait()


def test_uploads_go_through_a_real_worker_and_it_stops_when_told(
    collection: Collection, worker: subprocess.Popen[bytes]
) -> None:
    outcomes = [upload(collection, f"# Text {n}\n\nOf {n}.".encode(), f"{n}.md") for n in range(5)]

    def all_ready() -> bool:
        return all(newest(o.document).state == VersionState.READY for o in outcomes)

    assert wait_until(all_ready, timeout_s=60)
    for outcome in outcomes:
        check_whole(newest(outcome.document))
    delete_document(outcomes[0].document, actor=Actor())
    assert wait_until(lambda: collection.documents.count() == 4, timeout_s=30)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0


def test_what_was_left_behind_and_never_announced_is_taken_at_the_start(
    collection: Collection, broker: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "send_jobs", lambda kind, ids: None)
    outcome = upload(collection)
    gone = f"{os.uname().nodename[:60]}:{2**22 + 1}:abcd:1"
    Job.objects.update(state=JobState.RUNNING, worker=gone)
    process = start(broker, settings.DATA_DIR)
    try:
        ready = lambda: newest(outcome.document).state == VersionState.READY  # noqa: E731
        assert wait_until(ready, timeout_s=60)
    finally:
        process.kill()
        process.wait()
