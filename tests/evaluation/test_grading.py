"""People's grades, judges beside them, and what an untrusted judge may not do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from apps.evaluation.experiments.metrics import find_metric
from apps.evaluation.gates.rules import judge_release
from apps.evaluation.gates.services import add_rule
from apps.evaluation.models import Experiment, Grade
from apps.evaluation.review.grading import get_bar, give_grade, measure_trust, set_bar
from apps.gateway.services import EndpointFields, save_endpoint
from apps.workspaces.services import Actor
from inference.stub_server import StubServer, serve_in_thread
from measures.agreement import TrustBar
from tests.evaluation.helpers import (
    AT_ONCE,
    current_release,
    make_assistant,
    make_experiment,
    make_version,
)
from tests.workers.helpers import run_all

pytestmark = pytest.mark.django_db(transaction=True)
ClientFor = Callable[[Any], Client]
VERDICT = '[[reply:{"reason": "It says it.", "score": %d}]]'


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with serve_in_thread(AT_ONCE) as server:
        yield server


def judged(workspace: Any, stub: StubServer, *, scores: list[int]) -> Experiment:
    """An experiment whose judge gives these scores, because the questions tell it to."""
    assistant = make_assistant(workspace)
    cases = [
        {"question": f"Case {n}: how many days of annual leave? {VERDICT % score}"}
        for n, score in enumerate(scores)
    ]
    fields = EndpointFields(name="Judge", base_url=stub.base_url, model="stub", api_key="k")
    judge = save_endpoint(workspace, fields=fields, actor=Actor())
    experiment = make_experiment(
        assistant, make_version(workspace, cases), [current_release(assistant)],
        evaluators=[{"evaluator": "judge_rubric"}], judge=judge,
    )  # fmt: skip
    run_all()
    experiment.refresh_from_db()
    assert experiment.state == "done", experiment.reason
    return experiment


def test_a_judge_is_measured_against_people(workspace: Any, owner: Any, stub: StubServer) -> None:
    experiment = judged(workspace, stub, scores=[5, 1] * 16)
    metric = find_metric(experiment.evaluators, "judge_rubric")
    assert metric is not None
    values: dict[Any, Any] = dict(
        experiment.scores.filter(metric="judge_rubric").values_list("item_id", "value")
    )
    assert sorted(values.values()) == [1.0] * 16 + [5.0] * 16
    trust = measure_trust(workspace.pk, metric, judge_name=experiment.judge_name)
    assert (trust.is_trusted, trust.words) == (False, "never compared with people")
    # People agree with all but two: accuracy 30 of 32; chance is one half, so kappa is
    # (.9375 - .5) / .5 = .875 with both labels still even.
    items = list(experiment.items.order_by("pk"))
    swapped = {
        next(item.pk for item in items if values[item.pk] == wanted) for wanted in (1.0, 5.0)
    }
    for item in items:
        agreed = int(values[item.pk])
        give_grade(item, value=6 - agreed if item.pk in swapped else agreed, user=owner)
    trust = measure_trust(workspace.pk, metric, judge_name=experiment.judge_name)
    assert trust.agreement is not None
    assert trust.agreement.accuracy.estimate == pytest.approx(30 / 32)
    assert trust.agreement.kappa == pytest.approx(0.875)
    assert trust.is_trusted
    assert trust.words == "agrees with people on 94 % of 32 answers, kappa 0.88"


def test_no_gate_listens_to_a_judge_that_is_not_trusted(workspace: Any, stub: StubServer) -> None:
    experiment = judged(workspace, stub, scores=[5, 5])
    metric = find_metric(experiment.evaluators, "judge_rubric")
    assert metric is not None
    add_rule(
        experiment.assistant, metric=metric, kind="at_least", statistic="mean", threshold=3,
        confidence=0.95, actor=Actor(),
    )  # fmt: skip
    [verdict] = judge_release(current_release(experiment.assistant))
    assert not verdict.ok
    assert verdict.reason.startswith("This judge may not decide (never compared with people).")


def test_each_workspace_sets_its_own_bar(
    workspace: Any, other_workspace: Any, owner: Any, stub: StubServer, client_for: ClientFor
) -> None:
    experiment = judged(workspace, stub, scores=[5, 1, 5, 1])
    metric = find_metric(experiment.evaluators, "judge_rubric")
    assert metric is not None
    add_rule(
        experiment.assistant, metric=metric, kind="at_least", statistic="mean", threshold=3,
        confidence=0.95, actor=Actor(),
    )  # fmt: skip
    for score in experiment.scores.filter(metric="judge_rubric").select_related("item"):
        assert score.value is not None
        give_grade(score.item, value=round(score.value), user=owner)
    release = current_release(experiment.assistant)
    [verdict] = judge_release(release)
    assert "Only 4 labelled answers; 30 are needed." in verdict.reason
    client, path = client_for(owner), f"/w/{workspace.slug}/evaluate/judges/"
    page = client.get(path).content.decode()
    assert 'state-warn">not trusted' in page
    assert 'value="75"' in page
    assert client.post(path, {"accuracy": 101, "kappa": 0, "count": 4}).status_code == 422
    assert client.post(path, {"accuracy": 80, "kappa": 0.5, "count": 4}).status_code == 302
    assert get_bar(workspace.pk) == TrustBar(0.8, 0.5, 4)
    assert get_bar(other_workspace.pk) == TrustBar()
    # All four agree: accuracy and kappa are 1, and the mean of 5, 1, 5, 1 is 3.
    [verdict] = judge_release(release)
    assert verdict.ok, verdict.reason
    assert 'state-good">trusted' in client.get(path).content.decode()
    set_bar(workspace, bar=TrustBar(0.8, 0.5, 5), actor=Actor())
    assert not judge_release(release)[0].ok


def test_answers_are_graded_one_after_the_other(
    finished: Experiment, owner: Any, client_for: ClientFor
) -> None:
    client = client_for(owner)
    path = f"/w/{finished.workspace.slug}/evaluate/experiments/{finished.pk}/grade/"
    for number in range(8):
        page = client.get(path).content.decode()
        assert f"graded {number} of 8" in page
        item = page.split('name="item" value="')[1].split('"')[0]
        assert client.post(path, {"item": item, "value": "9"}).status_code == 400
        assert client.post(path, {"item": item, "value": "4"}).status_code == 302
    assert "Nothing is left to grade" in client.get(path).content.decode()
    assert Grade.objects.filter(value=4, created_by=owner).count() == 8
