"""Experiments through the REST API."""

from __future__ import annotations

from typing import Any

import pytest

from apps.evaluation.models import Experiment
from tests.evaluation.helpers import (
    current_release,
    make_assistant,
    make_version,
    make_worse_release,
)
from tests.workers.helpers import run_all

pytestmark = pytest.mark.django_db(transaction=True)
V1 = "/api/v1"


def test_an_experiment_is_made_run_and_read(workspace: Any, api: Any) -> None:
    assistant = make_assistant(workspace)
    make_worse_release(assistant)
    version = make_version(workspace)
    body = {
        "name": "CI", "assistant": str(assistant.pk), "dataset": str(version.dataset_id),
        "version": 1, "releases": [1, 2],
        "evaluators": [{"evaluator": "token_f1"},
                       {"evaluator": "context_recall", "settings": {"k": 3}}],
    }  # fmt: skip
    made = api.post_json(f"{V1}/experiments/", body)
    assert made.status_code == 201, made.content
    one = f"{V1}/experiments/{made.json()['id']}"
    assert made.json()["total"] == 8
    assert api.get(f"{one}/plan/").json()["evaluators"][1]["key"] == "context_recall@k=3"
    run_all()
    told = api.get(f"{one}/").json()
    assert (told["state"], told["done"], told["baseline"]) == ("done", 8, 1)
    sums = {(s["release"], s["metric"]): s for s in api.get(f"{one}/summary/").json()}
    assert sums[1, "token_f1"]["mean"] == 1.0
    assert sums[1, "context_recall@k=3"]["count"] == 1
    assert sums[2, "token_f1"]["worse"] == 3
    items = api.get(f"{one}/items/").json()
    assert items["count"] == 8
    assert {score["metric"] for score in items["results"][0]["scores"]} >= {"token_f1"}
    rows = {row["metric"]: row for row in api.get(f"{one}/compare/").json()}
    assert rows["token_f1"]["verdict"] == "worse"
    assert rows["token_f1"]["difference"] == pytest.approx(-0.75)
    listed = api.get(f"{V1}/experiments/?assistant={assistant.slug}").json()
    assert [row["name"] for row in listed["results"]] == ["CI"]
    assert current_release(assistant).number == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"evaluators": [{"evaluator": "nonsense"}]},
        {"evaluators": [{"evaluator": "token_f1", "settings": {"k": 1}}]},
        {"repeats": 99},
        {"releases": []},
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(
    workspace: Any, api: Any, changes: dict[str, Any]
) -> None:
    assistant = make_assistant(workspace)
    version = make_version(workspace)
    body = {
        "name": "CI", "assistant": str(assistant.pk), "dataset": str(version.dataset_id),
        "version": 1, "releases": [1], "evaluators": [{"evaluator": "token_f1"}],
    }  # fmt: skip
    assert api.post_json(f"{V1}/experiments/", body | changes).status_code == 400
    assert api.post_json(f"{V1}/experiments/", body | {"version": 9}).status_code == 404


def test_it_is_stopped_resumed_and_deleted(finished: Experiment, api: Any, other_api: Any) -> None:
    one = f"{V1}/experiments/{finished.pk}"
    for path in ("", "plan/", "summary/", "items/", "compare/"):
        assert other_api.get(f"{one}/{path}").status_code == 404
    assert api.post_json(f"{one}/cancel/").json()["state"] == "done"
    assert api.post_json(f"{one}/resume/").json()["state"] == "done"
    assert api.delete(f"{one}/").status_code == 204
    assert api.get(f"{one}/").status_code == 404


def test_evaluators_describe_themselves(api: Any) -> None:
    found = {row["name"]: row for row in api.get(f"{V1}/evaluators/").json()}
    assert found["token_f1"]["needs"] == ["answer", "expected answer"]
    assert found["context_recall"]["settings"]["k"] == 10
