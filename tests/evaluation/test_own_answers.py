"""Expected answers that a compared release wrote itself: verdicts, gates and REST say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.assistants.models import Assistant, Release
from apps.datasets.models import DatasetVersion
from apps.evaluation.experiments.metrics import freeze_evaluators, read_metrics
from apps.evaluation.gates.rules import judge_release
from apps.evaluation.gates.services import add_rule
from apps.evaluation.models import Experiment
from apps.workspaces.services import Actor
from tests.evaluation.helpers import (
    DOGS,
    LEAVE,
    NOWHERE,
    TRAINS,
    current_release,
    make_assistant,
    make_experiment,
    make_version,
    make_worse_release,
)
from tests.workers.helpers import run_all

pytestmark = pytest.mark.django_db(transaction=True)
V1 = "/api/v1"


def mark(release: Release) -> dict[str, Any]:
    return {"release_id": str(release.pk), "release": release.number, "assistant": "Desk"}


def make_cases(author: Release, *, own: int, right: int) -> list[dict[str, Any]]:
    """`own` cases that expect what the release says; `right` ones where declining is right."""
    questions = [LEAVE, TRAINS, DOGS]
    answers = [
        "Employees get 25 days of annual leave a year.",
        "Trains are preferred for journeys of up to six hours.",
        "Dogs are welcome in the office on Fridays.",
    ]
    cases: list[dict[str, Any]] = [
        {"question": questions[n],
         "expected_answer": answers[n], "answered_by": mark(author)}
        for n in range(own)
    ]  # fmt: skip
    return cases + [{"question": f"{NOWHERE} {n}", "is_answerable": False} for n in range(right)]


def run(assistant: Assistant, version: DatasetVersion, releases: list[Release]) -> Experiment:
    experiment = make_experiment(assistant, version, releases)
    run_all()
    experiment.refresh_from_db()
    assert experiment.state == "done"
    return experiment


def add_f1_rule(assistant: Assistant, *, kind: str, threshold: float) -> None:
    [metric] = read_metrics(freeze_evaluators([{"evaluator": "token_f1"}]))[:1]
    add_rule(
        assistant, metric=metric, kind=kind, statistic="mean", threshold=threshold,
        confidence=0.95, actor=Actor(),
    )  # fmt: skip


@pytest.fixture
def judged(transactional_db: None, workspace: Any) -> Experiment:
    """Release 1 wrote 3 of 9 expected answers; release 2, which always declines, is right on 6."""
    assistant = make_assistant(workspace)
    releases = [current_release(assistant), make_worse_release(assistant)]
    version = make_version(workspace, make_cases(releases[0], own=3, right=6))
    return run(assistant, version, releases)


def test_the_page_says_how_many_and_what_holds_without(
    judged: Experiment, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    client = client_for(owner)
    base = f"/w/{judged.workspace.slug}/evaluate/experiments/{judged.pk}/"
    page = " ".join(client.get(base).content.decode().split())
    assert "3 of 9 expected answers are what release 1 itself said" in page
    assert "Without them: no clear difference between release 2 and release 1" in page
    assert "3 written by release 1 of Desk, the others by people" in page
    compared = " ".join(client.get(f"{base}compare/").content.decode().split())
    assert "3 of 9 expected answers are what release 1 itself said" in compared
    assert "measured in part on its own answers" in compared
    assert "no difference on any of 6" in compared
    analysis = " ".join(client.get(f"{base}analysis/").content.decode().split())
    assert "3 expected answers are what release 1 itself said, which favours it" in analysis
    table = client.get(f"/w/{judged.workspace.slug}/evaluate/").content.decode()
    assert "partly on a release’s own answers" in table


def test_rest_counts_them_and_compares_without(judged: Experiment, api: Any) -> None:
    one = f"{V1}/experiments/{judged.pk}"
    [verdict] = api.get(f"{one}/verdicts/").json()
    assert (verdict["candidate"], verdict["against"]) == (2, 1)
    assert (verdict["own_answers"], verdict["own_answers_of"]) == (3, [1])
    assert verdict["comparison"]["worse"] == 3
    assert verdict["without_own"]["difference"] == 0
    assert verdict["without_own"]["same"] == 6
    assert "3 of 9 expected answers are what release 1 itself said" in verdict["caveat"]
    rows = {row["metric"]: row for row in api.get(f"{one}/compare/").json()}
    assert rows["token_f1"]["own_answers"] == 3
    assert rows["token_f1"]["without_own"]["same"] == 6
    assert rows["latency"]["own_answers"] == 0
    assert rows["latency"]["without_own"] is None


def test_a_gate_decides_without_them_and_says_so(judged: Experiment, api: Any) -> None:
    assistant = judged.assistant
    add_f1_rule(assistant, kind="not_worse", threshold=0.01)
    [verdict] = judge_release(assistant.releases.get(number=2))
    assert (verdict.ok, verdict.left_out) == (True, 3)
    assert "Decided without the 3 that prove nothing" in verdict.reason
    assert "3 of 9 expected answers are what release 1 itself said" in verdict.reason
    assert "\u221233.3 points on all" in verdict.reason
    said = api.get(f"{V1}/assistants/{assistant.pk}/releases/2/gate/").json()
    assert said["rules"][0]["left_out"] == 3


def test_a_level_is_taken_without_them_too(judged: Experiment) -> None:
    assistant = judged.assistant
    add_f1_rule(assistant, kind="at_least", threshold=0.9)
    [verdict] = judge_release(assistant.releases.get(number=2))
    assert verdict.ok
    assert "It is 100.0 % over 6 answers" in verdict.reason
    assert "66.7 % on all" in verdict.reason


def test_a_gate_that_has_nothing_else_cannot_decide(workspace: Any) -> None:
    assistant = make_assistant(workspace)
    releases = [current_release(assistant), make_worse_release(assistant)]
    version = make_version(workspace, make_cases(releases[0], own=3, right=2))
    run(assistant, version, releases)
    add_f1_rule(assistant, kind="not_worse", threshold=1)
    [verdict] = judge_release(releases[1])
    assert not verdict.ok
    assert verdict.reason.startswith("It cannot decide: 3 of 5 expected answers are what release 1")
    assert "Only 2 examples" in verdict.reason


def test_one_release_alone_is_told_too(workspace: Any, api: Any) -> None:
    assistant = make_assistant(workspace)
    release = current_release(assistant)
    version = make_version(workspace, make_cases(release, own=2, right=1))
    experiment = run(assistant, version, [release])
    [verdict] = api.get(f"{V1}/experiments/{experiment.pk}/verdicts/").json()
    assert verdict["against"] is None
    assert "2 of 3 expected answers are what release 1 itself said" in verdict["caveat"]


def test_what_people_wrote_needs_no_caveat(
    finished: Experiment, api: Any, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    table = client_for(owner).get(f"/w/{finished.workspace.slug}/evaluate/").content.decode()
    assert "own answers" not in table
    [verdict] = api.get(f"{V1}/experiments/{finished.pk}/verdicts/").json()
    assert (verdict["caveat"], verdict["without_own"], verdict["own_answers"]) == ("", None, 0)
    assert "release 1, which was promoted" in verdict["sentence"]
