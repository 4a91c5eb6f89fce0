"""Wake-ups: one message for a swarm of jobs, and none lost between two looks."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from apps.core import redis as core_redis
from apps.core.models import JobKind
from workers import dispatch, runner, wakeups

KIND = JobKind.PURGE_DOCUMENT


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    kinds: list[str] = []

    def note(task: str, **_: Any) -> None:
        kinds.append(task.removeprefix("workers."))

    monkeypatch.setattr(dispatch.app, "send_task", note)
    wakeups.unmark(KIND)
    return kinds


def test_a_swarm_sends_one_message(sent: list[str]) -> None:
    for number in range(5):
        dispatch.send_jobs(KIND, [str(number)])
    assert sent == [KIND]


def test_kinds_do_not_share_a_mark(sent: list[str]) -> None:
    wakeups.unmark(JobKind.FETCH_URL)
    dispatch.send_jobs(KIND, [])
    dispatch.send_jobs(JobKind.FETCH_URL, [])
    assert sent == [KIND, JobKind.FETCH_URL]


def test_after_the_last_look_a_job_sends_again(sent: list[str]) -> None:
    dispatch.send_jobs(KIND, [])
    wakeups.unmark(KIND)
    dispatch.send_jobs(KIND, [])
    assert sent == [KIND, KIND]


def test_a_mark_expires_before_the_sweep_sends_again(sent: list[str]) -> None:
    from apps.core.jobs import RESEND_AFTER_S

    dispatch.send_jobs(KIND, [])
    left_ms = core_redis.sync_redis().pttl(f"plumbline:wake:{KIND}")
    assert 0 < int(left_ms) <= wakeups.MARK_MS < RESEND_AFTER_S * 1000


def test_without_redis_every_job_is_sent(sent: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> redis.Redis:
        raise redis.ConnectionError

    monkeypatch.setattr(wakeups, "sync_redis", away)
    dispatch.send_jobs(KIND, [])
    dispatch.send_jobs(KIND, [])
    assert sent == [KIND, KIND]


def test_a_runner_looks_once_more_after_taking_the_mark_away(
    monkeypatch: pytest.MonkeyPatch, sent: list[str]
) -> None:
    looks: list[bool] = []

    def drain(_kind: JobKind) -> int:
        looks.append(bool(core_redis.sync_redis().exists(f"plumbline:wake:{KIND}")))
        return 0

    monkeypatch.setattr(runner, "drain", drain)
    monkeypatch.setattr(runner, "LINGER_S", 0.05)
    dispatch.send_jobs(KIND, [])
    runner.run_due(KIND)
    assert looks[0]
    assert looks[-1] is False
    assert sent == [KIND]
