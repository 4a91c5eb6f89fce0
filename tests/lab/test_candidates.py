"""A profile that the lab compared becomes a candidate of an assistant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.assistants.models import Assistant
from apps.assistants.recipes.changes import RecipeChange
from apps.assistants.services import change_recipe, create_assistant
from apps.documents.models import Collection
from apps.gateway.services import EndpointFields, save_endpoint
from apps.lab.models import LabRun
from apps.workspaces.services import Actor
from tests.factories import add_documents
from tests.lab.test_lab import LAB, TEXTS, text_of
from tests.lab.test_runs import cases  # noqa: F401 (a fixture)
from tests.model_replies import replay_model

pytestmark = pytest.mark.django_db
ACTOR = Actor()


@pytest.fixture
def client(editor: Any, workspace: Any, client_for: Callable[[Any], Client]) -> Client:
    add_documents(workspace, TEXTS)
    return client_for(editor)


@pytest.fixture
def desk(workspace: Any, client: Client) -> Assistant:
    assistant = create_assistant(
        workspace, name="Desk", collections=[Collection.objects.get()], actor=ACTOR
    )
    # How a question is prepared is nothing that the lab tries.
    change_recipe(assistant, change=RecipeChange(retrieval={"rewrite": "off"}), actor=ACTOR)
    return assistant


def test_one_click_in_the_lab_makes_a_candidate(client: Client, desk: Assistant) -> None:
    query = "q=leave&b-mode=lexical&b-rerank=late&b-recency=0.2&b-half_life_days=30"
    page = text_of(client.get(f"{LAB}?{query}"))
    assert "Use B in a candidate" in page
    action = f"{LAB}candidate/?{query}"
    assert f'action="{action.replace("&", "&amp;")}"' in page
    made = client.post(action, {"side": "b", "assistant": "desk"})
    assert made["Location"] == "/w/acme/assistants/desk/releases/3/"
    release = desk.releases.get(number=3)
    kept = {name: release.retrieval[name] for name in ("mode", "rerank", "recency", "rewrite")}
    assert kept == {"mode": "lexical", "rerank": "late", "recency": 0.2, "rewrite": "off"}
    assert release.retrieval["half_life_days"] == 30
    assert release.note == "From the retrieval lab"
    desk.refresh_from_db()
    assert desk.current is not None
    assert desk.current.number == 2
    shown = text_of(client.get(made["Location"]))
    assert "Put the best passages in order (reranking)" in shown
    same = client.post(f"{LAB}candidate/?q=leave", {"side": "a", "assistant": "desk"}, follow=True)
    assert "Desk searches like this already." in text_of(same)
    unknown = client.post(action, {"side": "c", "assistant": "desk"}, follow=True)
    assert "choose a profile and an assistant" in text_of(unknown)
    assert client.post(action, {"side": "b", "assistant": "nobody"}).status_code == 404


def test_viewers_make_no_candidates(
    desk: Assistant, viewer: Any, client_for: Callable[[Any], Client]
) -> None:
    refused = client_for(viewer).post(f"{LAB}candidate/?q=x", {"side": "b", "assistant": "desk"})
    assert refused.status_code == 403
    assert desk.releases.count() == 2


def test_a_measured_side_becomes_a_candidate_by_page_and_rest(
    cases: Any, editor: Any, workspace: Any, api: Any, other_api: Any,  # noqa: F811
    client_for: Callable[[Any], Client],
) -> None:  # fmt: skip
    desk = create_assistant(workspace, name="Desk", collections=[], actor=ACTOR)
    made = api.post_json(
        "/api/v1/lab/runs/",
        {
            "dataset": str(cases.pk), "version": 0,
            "collections": [str(Collection.objects.get().pk)],
            "profile_a": {"mode": "lexical"}, "profile_b": {"diversity": 0.3},
        },
    )  # fmt: skip
    run = LabRun.objects.get()
    path = f"/api/v1/lab/runs/{run.pk}/candidate/"
    sent = {"side": "b", "assistant": str(desk.pk)}
    release = api.post_json(path, sent)
    assert release.status_code == 201, release.content
    assert (release.json()["number"], release.json()["retrieval"]["diversity"]) == (2, 0.3)
    assert release.json()["note"].startswith("From the retrieval lab: profile B on Prices")
    assert not release.json()["is_current"]
    assert api.post_json(path, sent | {"side": "c"}).status_code == 400
    assert set(api.post_json(path, sent | {"k": 1}).json()["errors"]) == {"k"}
    assert other_api.post_json(path, sent).status_code == 404
    client = client_for(editor)
    page = f"{LAB}runs/{run.pk}/"
    client.post(f"{page}cancel/")
    assert "Use A in a candidate" in text_of(client.get(page))
    used = client.post(f"{page}candidate/", {"side": "a", "assistant": "desk"})
    assert used["Location"] == "/w/acme/assistants/desk/releases/3/"
    assert desk.releases.get(number=3).retrieval["mode"] == "lexical"
    assert made.status_code == 201


@pytest.mark.django_db(transaction=True)
def test_the_lab_compares_a_reranking_model(
    client: Client, desk: Assistant, workspace: Any, api: Any
) -> None:
    with replay_model() as model:
        fields = EndpointFields(name="Reranker", base_url=model.base_url, model="ce")
        endpoint = save_endpoint(workspace, fields=fields, actor=ACTOR)
        query = f"q=leave&b-rerank=endpoint&b-rerank_endpoint={endpoint.pk}"
        page = text_of(client.get(f"{LAB}?{query}"))
        assert "Read again: 2 candidates" in page
        assert len(model.reranked) == 1
    made = client.post(f"{LAB}candidate/?{query}", {"side": "b", "assistant": "desk"})
    assert made.status_code == 302
    release = desk.releases.get(number=3)
    assert release.step_snapshots["rerank_endpoint"]["name"] == "Reranker"
    # And a release with one fills its side.
    shown = text_of(client.get(f"{LAB}?b-release={release.pk}"))
    assert f'value="{endpoint.pk}" selected' in shown
