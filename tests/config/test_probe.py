from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import redis

from apps.core import health
from config import probe
from config.env import env_str


@pytest.fixture
def client() -> Iterator[redis.Redis]:
    made = redis.Redis.from_url(env_str("REDIS_URL"))
    made.delete(probe.SWEEP_KEY)
    yield made
    made.delete(probe.SWEEP_KEY)


def test_the_probe_looks_where_the_sweep_leaves_word(client: redis.Redis) -> None:
    assert probe.main(["worker"]) == 1
    health.note_sweep()
    assert probe.main(["worker"]) == 0


def test_a_sweep_that_is_late_is_unhealthy(client: redis.Redis) -> None:
    client.set(probe.SWEEP_KEY, str(time.time() - probe.SWEEP_LATE_S - 1))
    assert probe.main(["beat"]) == 1


def test_a_redis_that_is_away_is_unhealthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert probe.main(["worker"]) == 1


def test_a_web_server_that_is_away_is_unhealthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "1")
    assert probe.main(["web"]) == 1


def test_an_unknown_probe_is_a_mistake_of_the_caller() -> None:
    assert probe.main(["database"]) == 2
