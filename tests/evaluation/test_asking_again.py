"""An experiment asks its releases again, with chance in the answer, and counts what that costs."""

from __future__ import annotations

from typing import Any

import pytest

from apps.assistants.recipes.changes import RecipeChange
from apps.assistants.services import draft_release
from apps.evaluation.experiments.plans import PlanError
from apps.gateway.services import EndpointFields, save_endpoint
from apps.workspaces.services import Actor
from tests.evaluation.helpers import (
    CASES,
    current_release,
    make_assistant,
    make_experiment,
    make_version,
)
from tests.model_replies import replay_model
from tests.workers.helpers import run_all

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_release_is_asked_again(workspace: Any, api: Any) -> None:
    assistant = make_assistant(workspace)
    with replay_model() as model:
        model.say("Employees get 25 days of annual leave a year [1].")
        fields = EndpointFields(name="M", base_url=model.base_url, model="m", api_key="k")
        endpoint = save_endpoint(workspace, fields=fields, actor=Actor())
        release = draft_release(assistant, change=RecipeChange(endpoint=endpoint), actor=Actor())
        experiment = make_experiment(
            assistant, make_version(workspace, CASES[:1]), [current_release(assistant), release],
            evaluators=[{"evaluator": "self_agreement", "settings": {"k": 3}}], parallel=1,
        )  # fmt: skip
        run_all()
    answers = [body for body in model.seen if body.get("temperature") == 0.7]
    assert sorted(body["seed"] for body in answers) == [1, 2, 3]
    assert len(model.seen) == 4
    # The built-in reader cannot say anything else, so it has no score.
    items = api.get(f"/api/v1/experiments/{experiment.pk}/items/").json()["results"]
    scores = {item["release"]: item["scores"] for item in items}
    assert scores[1] == []
    [score] = scores[release.number]
    assert (score["value"], score["label"]) == (1.0, "3 of 3 say the same")
    assert score["details"] == {"likeness": [1.0, 1.0, 1.0], "declined": 0}


def test_it_is_asked_again_with_one_temperature(workspace: Any) -> None:
    assistant = make_assistant(workspace)
    evaluators = [
        {"evaluator": "self_agreement", "settings": {"temperature": degrees}}
        for degrees in (0.5, 1.0)
    ]
    with pytest.raises(PlanError, match="one temperature"):
        make_experiment(
            assistant, make_version(workspace, CASES[:1]), [current_release(assistant)],
            evaluators=evaluators,
        )  # fmt: skip
