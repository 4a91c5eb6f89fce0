"""Judges made from a guideline, and checklists: what is sent to the model, and what is shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.evaluation.models import Experiment
from apps.evaluation.review.guidelines import save_criterion
from apps.gateway.models import Endpoint
from apps.gateway.services import EndpointFields, save_endpoint
from apps.workspaces.services import Actor
from tests.evaluation.helpers import CASES, current_release, make_assistant, make_version
from tests.model_replies import ReplayedModel, replay_model
from tests.workers.helpers import run_all

pytestmark = pytest.mark.django_db(transaction=True)
ClientFor = Callable[[Any], Client]
FIELDS = {
    "name": "Grounded",
    "rubric": "Every statement stands in a cited passage.",
    "good_example": "25 days, says the leave handbook.",
    "bad_example": "Probably about a month.",
}


@pytest.fixture
def model() -> Iterator[ReplayedModel]:
    with replay_model() as server:
        yield server


def make_judge(workspace: Any, model: ReplayedModel) -> Endpoint:
    fields = EndpointFields(name="Judge", base_url=model.base_url, model="judge", api_key="k")
    return save_endpoint(workspace, fields=fields, actor=Actor())


def test_rubric_and_examples_reach_the_judge(
    workspace: Any, owner: Any, api: Any, model: ReplayedModel, client_for: ClientFor
) -> None:
    model.say('{"reason": "It does.", "score": 4}')
    assistant = make_assistant(workspace)
    criterion = save_criterion(assistant, fields=dict(FIELDS), actor=Actor())
    version, judge = make_version(workspace, CASES[:1]), make_judge(workspace, model)
    [line] = api.get(f"/api/v1/assistants/{assistant.pk}/guideline/").json()
    assert line == line | FIELDS | {"id": str(criterion.pk)}
    body = {
        "name": "By the guideline", "assistant": str(assistant.pk), "version": 1,
        "dataset": str(version.dataset_id), "releases": [1], "judge": str(judge.pk),
        "evaluators": [{"evaluator": "token_f1"}], "criteria": [line["id"]],
    }  # fmt: skip
    unknown = body | {"criteria": [str(uuid4())]}
    assert api.post_json("/api/v1/experiments/", unknown).status_code == 404
    made = api.post_json("/api/v1/experiments/", body)
    assert made.status_code == 201, made.content
    run_all()
    [request] = model.seen
    sent = request["messages"][-1]["content"]
    for text in FIELDS.values():
        assert text in sent
    schema = request["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["reason"]["maxLength"] == 600
    page = client_for(owner).get(f"/w/acme/evaluate/experiments/{made.json()['id']}/")
    assert "Grounded" in page.content.decode()


def test_the_page_offers_a_judge_for_each_line(
    workspace: Any, owner: Any, model: ReplayedModel, client_for: ClientFor
) -> None:
    assistant = make_assistant(workspace)
    criterion = save_criterion(assistant, fields=dict(FIELDS), actor=Actor())
    version, judge = make_version(workspace, CASES[:1]), make_judge(workspace, model)
    client, path = client_for(owner), f"/w/acme/assistants/{assistant.slug}/evaluate/new/"
    link = f"{path}?criterion={criterion.pk}"
    guideline = client.get(f"/w/acme/assistants/{assistant.slug}/guideline/").content.decode()
    assert f'href="{link}"' in guideline
    box = client.get(link).content.decode().split('name="criteria"')[1].split(">")[0]
    assert str(criterion.pk) in box
    assert "checked" in box
    form = {
        "name": "Mine", "dataset_version": version.pk, "releases": [current_release(assistant).pk],
        "evaluators": ["token_f1"], "criteria": [criterion.pk], "repeats": 1, "parallel": 1,
    }  # fmt: skip
    refused = client.post(path, form)
    assert refused.status_code == 422
    assert "A judge needs a model" in refused.content.decode()
    assert client.post(path, form | {"judge": judge.pk}).status_code == 302
    frozen = Experiment.objects.get().evaluators[1]
    assert (frozen["label"], frozen["settings"]["bad_example"]) == (
        "Grounded", FIELDS["bad_example"],
    )  # fmt: skip


def test_a_checklist_shows_each_answer(
    workspace: Any, owner: Any, api: Any, model: ReplayedModel, client_for: ClientFor
) -> None:
    rows = [
        {"number": 1, "reason": "Two words.", "answer": "yes"},
        {"number": 2, "reason": "No source is named.", "answer": "no"},
    ]
    model.say(json.dumps({"answers": rows}))
    assistant = make_assistant(workspace)
    version, judge = make_version(workspace, CASES[:1]), make_judge(workspace, model)
    body = {
        "name": "Checks", "assistant": str(assistant.pk), "version": 1,
        "dataset": str(version.dataset_id), "releases": [1], "judge": str(judge.pk),
        "evaluators": [{"evaluator": "judge_checklist",
                        "settings": {"questions": "Is it short?\nDoes it name its source?"}}],
    }  # fmt: skip
    many = {"evaluator": "judge_checklist", "settings": {"questions": "Is it?\n" * 21}}
    refused = api.post_json("/api/v1/experiments/", body | {"evaluators": [many]})
    assert refused.status_code == 400
    assert "1 to 20 questions" in refused.content.decode()
    made = api.post_json("/api/v1/experiments/", body).json()
    run_all()
    [item] = api.get(f"/api/v1/experiments/{made['id']}/items/").json()["results"]
    [score] = item["scores"]
    assert score["value"] == 0.5
    assert [row["answer"] for row in score["details"]["answers"]] == ["yes", "no"]
    path = f"/w/acme/evaluate/experiments/{made['id']}/answers/{item['id']}/"
    page = client_for(owner).get(path).content.decode()
    assert "Does it name its source?" in page
    assert "No source is named." in page


def test_a_cut_off_verdict_is_undecided_in_words(
    workspace: Any, owner: Any, api: Any, model: ReplayedModel, client_for: ClientFor
) -> None:
    model.say('{"reason": "It goes on and', finish="length")
    assistant = make_assistant(workspace)
    version, judge = make_version(workspace, CASES[:1]), make_judge(workspace, model)
    body = {
        "name": "Cut", "assistant": str(assistant.pk), "version": 1, "releases": [1],
        "dataset": str(version.dataset_id), "judge": str(judge.pk),
        "evaluators": [{"evaluator": "judge_reference"}],
    }  # fmt: skip
    made = api.post_json("/api/v1/experiments/", body).json()
    run_all()
    assert len(model.seen) == 2, "it is asked once more"
    [item] = api.get(f"/api/v1/experiments/{made['id']}/items/").json()["results"]
    assert (item["scores"][0]["value"], item["scores"][0]["label"]) == (None, "undecided")
    page = client_for(owner).get(f"/w/acme/evaluate/experiments/{made['id']}/").content.decode()
    assert "1 of 1 verdicts undecided." in page
