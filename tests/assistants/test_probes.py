"""Changed questions and hidden needles: the rules, the figures, the job, the pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from apps.assistants.models import Assistant, Probe, ProbeCase
from apps.assistants.probes.needle import (
    DEPTHS,
    Cell,
    build_haystack,
    is_found,
    make_needle,
    plan_cells,
)
from apps.assistants.probes.perturb import KINDS, perturb
from apps.assistants.probes.report import Move, is_changed, report_moves, report_needles
from apps.assistants.probes.selectors import report_needle, report_perturbation, view_probe
from apps.assistants.probes.services import (
    NeedlePlan,
    cancel_probe,
    forget_probe_answers,
    start_needle,
    start_perturbation,
)
from apps.core.models import Job, JobKind, JobState
from apps.gateway.models import Endpoint
from apps.workspaces.services import Actor
from inference.stub_server import StubConfig, StubServer, serve_in_thread
from tests.chat.helpers import HANDBOOK, QUESTION
from tests.factories import make_answering_assistant
from workers.runner import drain

ACTOR = Actor()

# Rules


def test_every_shape_keeps_the_words_that_matter() -> None:
    question = "How many days must I get, and which form is it?"
    shapes = {kind.name: perturb(question, kind.name, seed=3) for kind in KINDS}
    assert shapes["again"] == shapes["reversed"] == question
    assert shapes["lower"] == question.lower()
    assert shapes["upper"] == question.upper()
    assert shapes["bare"] == "How many days must I get and which form is it"
    assert shapes["synonyms"] == "What number of days must I receive, and what form is it?"
    assert question in shapes["polite"]
    assert shapes["typo"] != question
    assert abs(len(shapes["typo"]) - len(question)) <= 1
    assert shapes == {kind.name: perturb(question, kind.name, seed=3) for kind in KINDS}


@pytest.mark.parametrize("text", ["", "a", "??", "日本語の質問", "Ä" * 50])
def test_no_shape_fails_on_any_text(text: str) -> None:
    for kind in KINDS:
        for seed in range(20):
            assert isinstance(perturb(text, kind.name, seed=seed), str)


def test_a_needle_stands_where_it_should() -> None:
    for depth in DEPTHS:
        cell = Cell(1000, depth, 0)
        needle = make_needle(cell, seed=1)
        text = " ".join(build_haystack(cell, seed=1))
        place = text.index(needle.sentence) / (len(text) - len(needle.sentence))
        assert place == pytest.approx(depth, abs=0.02)
        assert len(text) == pytest.approx(4000, rel=0.03)
        assert text.count(needle.code) == 1
    assert len({make_needle(Cell(1000, d, 0), seed=1).code for d in DEPTHS}) == len(DEPTHS)
    assert len(plan_cells([500, 1000], DEPTHS, attempts=3)) == 30


@pytest.mark.parametrize(
    ("answer", "found"),
    [("It is 12345.", True), ("It is 12,345", True), ("It is 12 345.", True), ("12346", False)],
)
def test_a_code_is_recognised(answer: str, found: bool) -> None:
    assert is_found(answer, "12345") == found


# Figures


def test_moves_add_up() -> None:
    moves = [
        Move("again", 1.0, False), Move("again", 0.5, True),
        Move("typo", 0.9, False), Move("typo", 0.2, True), Move("typo", 1.0, False),
        Move("upper", 0.95, False),
    ]  # fmt: skip
    report = report_moves(moves)
    assert (report.count, report.changed, report.noise) == (4, 1, 0.5)
    typo = next(kind for kind in report.kinds if kind.label == "With a slip of the finger")
    assert (typo.count, typo.changed, typo.lowest, typo.median) == (3, 1, 0.2, 0.9)
    assert dict(report.histogram)["0.9 to 1.0"] == 3
    assert report.summary == (
        "1 of 4 changed questions got another answer (25%). Most moved: with a slip of the finger "
        "(33%). Asked again word for word, 50% changed: that much is chance."
    )
    assert report_moves([]).summary == "There is no answer to compare yet."


@pytest.mark.parametrize(
    ("similarity", "declined", "expected"),
    [(0.99, (False, False), False), (0.84, (False, False), True), (0.99, (False, True), True)],
)
def test_what_counts_as_another_answer(
    similarity: float, declined: tuple[bool, bool], expected: bool
) -> None:
    assert is_changed(similarity, declined=declined) == expected


def test_needles_add_up() -> None:
    report = report_needles({
        (500, 0.0): [True, True], (500, 0.5): [True, True],
        (1000, 0.0): [True, True], (1000, 0.5): [False, True],
    })  # fmt: skip
    assert (report.hits, report.count, report.lengths) == (7, 8, (500, 1000))
    [(start, first), (middle, second)] = report.rows
    assert (start, middle) == (0.0, 0.5)
    assert [cell.level for cell in first if cell] == [4, 4]
    assert second[1] is not None
    assert (second[1].hits, second[1].count, second[1].level) == (1, 2, 2)
    assert report.summary == (
        "Found in 7 of 8 tries. It is lost most at 50% of the text (75% found), and with "
        "1,000 tokens (75% found)."
    )


# The job


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with serve_in_thread(StubConfig(first_token_ms=1, token_ms=0.5, tokens=None)) as server:
        yield server


@pytest.mark.django_db(transaction=True)
def test_the_reader_is_asked_in_every_shape(workspace: Any, owner: Any, client_for: Any) -> None:
    desk: Assistant = make_answering_assistant(workspace, {"leave.md": HANDBOOK})
    assert desk.current is not None
    probe = start_perturbation(
        desk.current, endpoint=None, questions=[QUESTION], actor=Actor(user=owner)
    )
    # A worker that died in the middle: the first case is done, and stays as it is.
    first = probe.cases.get(number=0)
    first.answer, first.result = "Employees get 20 days.", {"declined": False}
    first.save()
    assert drain(JobKind.RUN_PROBE) == 1
    first.refresh_from_db()
    assert first.answer == "Employees get 20 days."
    view = view_probe(probe)
    assert (view.state, view.done, view.failed) == (JobState.SUCCEEDED, view.total, 0)
    report, moved = report_perturbation(probe)
    assert report.count == view.total - 2
    assert report.noise is not None
    assert all(-1 <= answer.similarity <= 1 for answer in moved)
    client: Client = client_for(owner)
    page = client.get(f"/w/acme/steadiness/{probe.pk}/").content.decode()
    assert report.summary.split(" Most")[0] in page
    assert client.get("/w/acme/steadiness/").status_code == 200
    assert desk.current.collections.first() is not None
    forget_probe_answers(desk.current.collections.get().pk)
    assert set(ProbeCase.objects.values_list("answer", flat=True)) == {""}


@pytest.mark.django_db(transaction=True)
def test_needles_are_asked_of_a_model_and_of_the_reader(workspace: Any, stub: StubServer) -> None:
    endpoint = Endpoint.objects.create(
        workspace=workspace, name="Stub", base_url=stub.base_url, model="stub", context_tokens=2048
    )
    # The stub never finds anything; 2,000 tokens do not fit beside the instructions.
    plan = NeedlePlan(endpoint, [500, 2000], attempts=1)
    asked = start_needle(workspace, plan=plan, actor=ACTOR)
    read = start_needle(workspace, plan=NeedlePlan(None, [500], attempts=1), actor=ACTOR)
    assert drain(JobKind.RUN_PROBE) == 2
    assert [case.given["length"] for case in asked.cases.order_by("number")] == [500] * 5
    assert (report_needle(asked).hits, report_needle(asked).count) == (0, 5)
    first = asked.cases.order_by("number").first()
    assert first is not None
    assert first.result is not None
    assert first.result["input_tokens"] > 300
    assert report_needle(read).count == 5


@pytest.mark.django_db(transaction=True)
def test_a_model_that_refuses_ends_the_test_with_its_reason(
    workspace: Any, stub: StubServer
) -> None:
    endpoint = Endpoint.objects.create(
        workspace=workspace, name="Stub", base_url=stub.base_url, model="stub-auth"
    )
    probe = start_needle(workspace, plan=NeedlePlan(endpoint, [500], attempts=1), actor=ACTOR)
    drain(JobKind.RUN_PROBE)
    view = view_probe(probe)
    assert (view.state, view.done, view.can_resume) == (JobState.FAILED, 0, True)
    assert "key" in view.reason
    endpoint.delete()
    Job.objects.update(state=JobState.QUEUED)
    drain(JobKind.RUN_PROBE)
    assert "“Stub” was deleted" in view_probe(Probe.objects.get()).reason


@pytest.mark.django_db
def test_pages_and_rest_start_watch_and_stop(
    workspace: Any, owner: Any, client_for: Any, api: Any
) -> None:
    desk: Assistant = make_answering_assistant(workspace, {"leave.md": HANDBOOK})
    client: Client = client_for(owner)
    many = "\n".join(f"Question {n}?" for n in range(21))
    refused = client.post(
        "/w/acme/steadiness/questions/", {"changed-assistant": "desk", "changed-questions": many}
    )
    assert refused.status_code == 422
    started = client.post(
        "/w/acme/steadiness/questions/",
        {"changed-assistant": "desk", "changed-questions": f"{QUESTION}\n\n{QUESTION}"},
    )
    probe = Probe.objects.get()
    assert started["Location"] == f"/w/acme/steadiness/{probe.pk}/"
    assert probe.settings["questions"] == [QUESTION]
    assert 'hx-trigger="every 2s"' in client.get(started["Location"]).content.decode()
    client.post(f"/w/acme/steadiness/{probe.pk}/cancel/")
    assert Job.objects.get(key=str(probe.pk)).state == JobState.CANCELLED
    client.post(f"/w/acme/steadiness/{probe.pk}/resume/")
    assert Job.objects.get(key=str(probe.pk)).state == JobState.QUEUED
    needle = {"needle-lengths": [500, 1000], "needle-attempts": 1}
    assert client.post("/w/acme/steadiness/needle/", needle).status_code == 302
    made = api.post_json("/api/v1/probes/needle/", {"lengths": [500], "attempts": 1})
    assert (made.status_code, made.json()["total"]) == (201, 5)
    sent = {"assistant": str(desk.pk), "questions": [QUESTION]}
    assert api.post_json("/api/v1/probes/perturbation/", sent).json()["done"] == 0
    path = f"/api/v1/probes/{made.json()['id']}/"
    assert api.get(path).json()["report"]["count"] == 0
    assert api.post_json(f"{path}cancel/").json()["state"] == "cancelled"
    assert len(api.get("/api/v1/probes/").json()) == 4
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    client.post(f"/w/acme/steadiness/{probe.pk}/delete/")
    assert not Probe.objects.filter(pk=probe.pk).exists()
    cancel_probe(Probe.objects.latest("created_at"))
