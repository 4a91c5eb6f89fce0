"""Experiments against a model server that fails, is busy, or is told a wrong key."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from apps.assistants.answering import unattended
from apps.assistants.answering.unattended import Pace, with_patience
from apps.evaluation.experiments.plans import resume_experiment
from apps.evaluation.models import ExperimentState, ItemState
from apps.gateway.models import Endpoint
from apps.workspaces.services import Actor
from inference.errors import ModelError
from inference.stub_server import StubServer, serve_in_thread
from tests.evaluation.helpers import (
    AT_ONCE,
    LEAVE,
    current_release,
    make_assistant,
    make_experiment,
    make_version,
)
from tests.workers.helpers import run_all


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unattended, "FIRST_PAUSE_S", 0.001)


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with serve_in_thread(AT_ONCE) as server:
        yield server


async def test_a_busy_server_makes_everybody_wait() -> None:
    """The first is told to wait 50 ms; whoever comes after it does not even ask before."""
    pace, asked, loop = Pace(), [], asyncio.get_running_loop()
    begun = loop.time()

    async def work() -> str:
        asked.append(loop.time() - begun)
        if len(asked) == 1:
            raise ModelError("rate_limited", "Too many requests.", retry_after=0.05)
        return "done"

    first = asyncio.create_task(with_patience(work, pace=pace))
    await asyncio.sleep(0)
    second = asyncio.create_task(with_patience(work, pace=pace))
    assert [await first, await second] == ["done", "done"]
    assert len(asked) == 3
    assert min(asked[1:]) >= 0.05


async def test_requests_are_let_go_evenly() -> None:
    """1,200 a minute is one in 50 ms: the fifth begins 200 ms after the first."""
    pace, loop = Pace(per_minute=1200), asyncio.get_running_loop()
    begun = loop.time()
    await asyncio.gather(*(pace.wait() for _ in range(5)))
    assert loop.time() - begun >= 0.2


async def test_patience_ends() -> None:
    asked: list[str] = []

    async def work() -> None:
        asked.append("once more")
        raise ModelError("server_error", "Broken.")

    with pytest.raises(ModelError):
        await with_patience(work, pace=Pace())
    assert len(asked) == unattended.TRIES

    async def refuse() -> None:
        asked.append("refused")
        raise ModelError("bad_request", "No.")

    with pytest.raises(ModelError):
        await with_patience(refuse, pace=Pace())
    assert asked.count("refused") == 1


@pytest.mark.django_db(transaction=True)
def test_one_failure_leaves_the_others_alone(workspace: Any, stub: StubServer) -> None:
    assistant = make_assistant(workspace, stub=stub)
    cases = [
        {"question": LEAVE, "expected_answer": "25 days"},
        {"question": f"{LEAVE} [[stub:too_long]]", "expected_answer": "25 days"},
    ]
    version = make_version(workspace, cases)
    experiment = make_experiment(assistant, version, [current_release(assistant)])
    run_all()
    experiment.refresh_from_db()
    assert (experiment.state, experiment.done, experiment.failed) == ("done", 1, 1)
    failed = experiment.items.get(state=ItemState.FAILED)
    assert "too long" in failed.error.lower() or "context" in failed.error.lower()
    answered = experiment.items.get(state=ItemState.DONE)
    assert answered.output_tokens > 0
    assert resume_experiment(experiment, actor=Actor())
    experiment.refresh_from_db()
    assert experiment.failed == 0
    run_all()
    experiment.refresh_from_db()
    assert (experiment.done, experiment.failed) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_wrong_key_stops_the_whole_experiment(workspace: Any, stub: StubServer) -> None:
    assistant = make_assistant(workspace, stub=stub)
    Endpoint.objects.update(model="stub-auth")
    version = make_version(workspace)
    experiment = make_experiment(assistant, version, [current_release(assistant)])
    run_all()
    experiment.refresh_from_db()
    assert experiment.state == ExperimentState.FAILED
    assert experiment.reason
    assert experiment.items.filter(state=ItemState.PENDING).count() == 4
    # With the key put right it goes on from there.
    Endpoint.objects.update(model="stub")
    assert resume_experiment(experiment, actor=Actor())
    run_all()
    experiment.refresh_from_db()
    assert (experiment.state, experiment.done) == (ExperimentState.DONE, 4)
    assert experiment.reason == ""


@pytest.mark.django_db(transaction=True)
def test_a_model_that_is_gone_is_named(workspace: Any, stub: StubServer) -> None:
    assistant = make_assistant(workspace, stub=stub)
    version = make_version(workspace)
    experiment = make_experiment(assistant, version, [current_release(assistant)])
    Endpoint.objects.all().delete()
    run_all()
    experiment.refresh_from_db()
    assert experiment.state == ExperimentState.FAILED
    assert "“Stub”" in experiment.reason
