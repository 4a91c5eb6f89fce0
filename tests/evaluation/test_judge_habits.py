"""Judges on pages and over REST: self-preference, spread, order and length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from apps.evaluation.experiments.metrics import find_metric
from apps.evaluation.gates.rules import judge_release
from apps.evaluation.gates.services import add_rule
from apps.evaluation.models import Experiment, Match
from apps.evaluation.review.grading import give_grade, set_bar
from apps.gateway.models import Endpoint
from apps.gateway.services import EndpointFields, save_endpoint
from apps.workspaces.services import Actor
from inference.stub_server import StubServer, serve_in_thread
from measures.agreement import TrustBar
from tests.evaluation.helpers import (
    AT_ONCE,
    DOGS,
    LEAVE,
    current_release,
    make_assistant,
    make_experiment,
    make_version,
    make_worse_release,
)
from tests.model_replies import replay_model
from tests.workers.helpers import run_all

pytestmark = pytest.mark.django_db(transaction=True)
ClientFor = Callable[[Any], Client]
VERDICT = '[[reply:{"reason": "It says it.", "score": %d}]]'
OWN = "is the model that answers in release 1"


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with serve_in_thread(AT_ONCE) as server:
        yield server


def make_judge(workspace: Any, stub: StubServer, model: str) -> Endpoint:
    fields = EndpointFields(name=f"Judge {model}", base_url=stub.base_url, model=model, api_key="k")
    return save_endpoint(workspace, fields=fields, actor=Actor())


def judged(workspace: Any, stub: StubServer, *, model: str, answers_too: bool) -> Experiment:
    """Two questions whose answers get 5 and 1, each asked twice."""
    assistant = make_assistant(workspace, stub=stub if answers_too else None)
    cases = [{"question": f"Case {n}: how many days? {VERDICT % n}"} for n in (5, 1)]
    own = current_release(assistant).endpoint_snapshot.get("model", "")
    experiment = make_experiment(
        assistant, make_version(workspace, cases), [current_release(assistant)],
        evaluators=[{"evaluator": "judge_rubric", "settings": {"repeat": 2}}],
        judge=make_judge(workspace, stub, own.upper() if answers_too else model),
    )  # fmt: skip
    run_all()
    experiment.refresh_from_db()
    assert experiment.state == "done", experiment.reason
    return experiment


def test_a_judge_of_its_own_answers_is_marked_everywhere(
    workspace: Any, owner: Any, stub: StubServer, api: Any, client_for: ClientFor
) -> None:
    experiment = judged(workspace, stub, model="", answers_too=True)
    one = f"/api/v1/experiments/{experiment.pk}/"
    assert api.get(one).json()["self_judged"] == [1]
    [listed] = api.get("/api/v1/experiments/").json()["results"]
    assert listed["self_judged"] == [1]
    page = client_for(owner).get(f"/w/acme/evaluate/experiments/{experiment.pk}/").content.decode()
    assert OWN in page
    # It is trusted, and the gate passes; the verdict says whose judge it was.
    metric = find_metric(experiment.evaluators, experiment.evaluators[0]["key"])
    assert metric is not None
    add_rule(
        experiment.assistant, metric=metric, kind="at_least", statistic="mean", threshold=3,
        confidence=0.95, actor=Actor(),
    )  # fmt: skip
    for score in experiment.scores.filter(metric=metric.key).select_related("item"):
        assert score.value is not None
        give_grade(score.item, value=round(score.value), user=owner)
    set_bar(workspace, bar=TrustBar(0.8, 0.5, 2), actor=Actor())
    [verdict] = judge_release(current_release(experiment.assistant))
    assert verdict.ok, verdict.reason
    assert OWN in verdict.reason
    gate = f"/api/v1/assistants/{experiment.assistant_id}/releases/1/gate/"
    assert OWN in api.get(gate).content.decode()


def test_a_verdict_by_one_of_the_two_models_says_so(
    workspace: Any, owner: Any, stub: StubServer, client_for: ClientFor
) -> None:
    assistant = make_assistant(workspace, stub=stub)
    version = make_version(workspace, [{"question": f"How many days? {VERDICT % 5}"}])
    releases = [current_release(assistant), make_worse_release(assistant)]
    own = releases[0].endpoint_snapshot["model"]
    experiment = make_experiment(
        assistant, version, releases, judge=make_judge(workspace, stub, own),
        evaluators=[{"evaluator": "judge_rubric"}, {"evaluator": "token_f1"}],
    )  # fmt: skip
    run_all()
    client, path = client_for(owner), f"/w/acme/evaluate/experiments/{experiment.pk}/compare/"
    page = client.get(f"{path}?metric=judge_rubric").content.decode()
    assert "is the model that answers in releases 1, 2" in page
    # Another metric is no judge's, and needs no warning.
    assert "self-preference" not in client.get(f"{path}?metric=latency").content.decode()


def test_another_model_is_not_marked(
    workspace: Any, owner: Any, stub: StubServer, api: Any, client_for: ClientFor
) -> None:
    experiment = judged(workspace, stub, model="other", answers_too=False)
    assert api.get(f"/api/v1/experiments/{experiment.pk}/").json()["self_judged"] == []
    page = client_for(owner).get(f"/w/acme/evaluate/experiments/{experiment.pk}/").content.decode()
    assert "self-preference" not in page


def test_spread_and_length_stand_beside_the_judge(
    workspace: Any, owner: Any, stub: StubServer, api: Any, client_for: ClientFor
) -> None:
    experiment = judged(workspace, stub, model="other", answers_too=False)
    [row] = api.get(f"/api/v1/experiments/{experiment.pk}/judges/").json()
    assert (row["habits"]["repeated"], row["habits"]["spread"]) == (2, 0.0)
    score = experiment.scores.select_related("item").order_by("pk")[0]
    assert score.details["grades"] == [score.value, score.value]
    score.details = score.details | {"grades": [1, 5], "spread": 2.0}
    score.save()
    [row] = api.get("/api/v1/judges/").json()
    assert row["habits"]["spread"] == 1.0
    client = client_for(owner)
    for path in ("evaluate/judges/", f"evaluate/experiments/{experiment.pk}/"):
        page = client.get(f"/w/acme/{path}").content.decode()
        assert "its grades lie 1.00 apart (standard deviation, over 2 answers)" in page
    # Ten more answers, the longer the better: the correlation is 1 and drawn.
    items = list(experiment.items.order_by("pk"))
    for number in range(10):
        item = items[0]
        item.pk, item.repetition, item.answer = None, number + 2, "x" * (number * 10 + 1_000)
        item._state.adding = True
        item.save()
        item.scores.create(
            workspace=workspace, experiment=experiment, metric=score.metric, value=number / 4 + 1
        )
    experiment.scores.filter(item__repetition=1).delete()
    page = client.get("/w/acme/evaluate/judges/").content.decode()
    assert "Length against score: +1.00" in page
    assert "verbosity bias" in page
    assert 'aria-label="Score by length of the answer"' in page
    assert "1,000 to 1,040" in page
    [row] = api.get("/api/v1/judges/").json()
    assert row["habits"]["length"]["estimate"] == 1
    assert [one["score"]["count"] for one in row["habits"]["bins"]] == [5, 5]


def test_the_arena_tells_a_position_from_a_tie(
    workspace: Any, owner: Any, stub: StubServer, api: Any, client_for: ClientFor
) -> None:
    """The stub names the same winner in both orders: A for one pair, a tie for the other."""
    assistant = make_assistant(workspace)
    reply = '[[reply:{"reason": "So.", "winner": "%s"}]]'
    cases = [
        {"question": f"{question} {reply % said}"}
        for question, said in ((LEAVE, "A"), (DOGS, "tie"))
    ]
    releases = [current_release(assistant), make_worse_release(assistant)]
    experiment = make_experiment(assistant, make_version(workspace, cases), releases)
    run_all()
    judge = make_judge(workspace, stub, "biased")
    client, path = client_for(owner), f"/w/acme/evaluate/experiments/{experiment.pk}/arena/"
    client.post(f"{path}judge/", {"endpoint": judge.pk})
    run_all()
    stored = Match.objects.order_by("consistent").values_list("winner", "consistent", "took_first")
    assert list(stored) == [("tie", False, 1.0), ("tie", True, None)]
    arena = f"/api/v1/experiments/{experiment.pk}/arena/"
    listed = api.get(f"{arena}matches/").json()["results"]
    assert sorted(row["position_bias"] for row in listed) == [False, True]
    [told] = api.get(arena).json()["judges"]
    assert told["habits"]["position_bias"]["estimate"] == 0.5
    assert (told["habits"]["ties"], told["habits"]["took_first"]) == (1, 1.0)
    page = client.get(path).content.decode()
    assert "went by the order alone on 50 %" in page
    assert "It called 1 a tie." in page
    # One release is now answered by the judge itself.
    release = releases[1]
    type(release).objects.filter(pk=release.pk).update(endpoint_snapshot={"model": "biased"})
    assert api.get(arena).json()["judges"][0]["self_judged"] == [2]
    assert "is the model that answers in release 2" in client.get(path).content.decode()


def test_pairs_that_stay_undecided_are_counted_in_words(
    workspace: Any, owner: Any, client_for: ClientFor
) -> None:
    """The token limit cuts off every verdict; nothing is counted as a tie."""
    assistant = make_assistant(workspace)
    releases = [current_release(assistant), make_worse_release(assistant)]
    version = make_version(workspace, [{"question": LEAVE}])
    experiment = make_experiment(assistant, version, releases)
    run_all()
    client, path = client_for(owner), f"/w/acme/evaluate/experiments/{experiment.pk}/arena/"
    with replay_model() as model:
        model.say('{"reason": "It goes on", "winner": "A"}', finish="length")
        fields = EndpointFields(name="J", base_url=model.base_url, model="wordy", api_key="k")
        judge = save_endpoint(workspace, fields=fields, actor=Actor())
        client.post(f"{path}judge/", {"endpoint": judge.pk})
        run_all()
    assert len(model.seen) == 4, "two orders, each asked once more"
    assert not Match.objects.exists()
    assert "1 of the pairs stayed undecided" in client.get(path).content.decode()
