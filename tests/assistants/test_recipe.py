"""Releases: what changes a recipe, what does not, and going back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.assistants.models import Assistant, Release
from apps.assistants.recipe import load_recipe
from apps.assistants.releases.promotion import promote
from apps.assistants.services import change_recipe, create_assistant
from apps.documents.collections import create_collection
from apps.gateway.services import EndpointFields, save_endpoint
from apps.prompts.defaults import SYSTEM, USER
from apps.prompts.rendering import UnknownVariableError, list_variables, render
from apps.prompts.spec import PromptError
from apps.workspaces.services import Actor
from tests.assistants.helpers import recipe_form, settings_change

pytestmark = pytest.mark.django_db
ACTOR = Actor()


@pytest.fixture
def handbook(workspace: Any) -> Any:
    return create_collection(workspace, name="Handbook", actor=ACTOR)


@pytest.fixture
def desk(workspace: Any, handbook: Any) -> Assistant:
    return create_assistant(workspace, name="Desk", collections=[handbook], actor=ACTOR)


@pytest.fixture
def endpoint(workspace: Any) -> Any:
    fields = EndpointFields(name="Local", base_url="http://127.0.0.1:9/v1", model="m")
    return save_endpoint(workspace, fields=fields, actor=ACTOR)


def change(assistant: Assistant, **values: Any) -> Release:
    return change_recipe(assistant, change=settings_change(**values), actor=ACTOR)


# Releases


def test_the_first_release_is_the_default(desk: Assistant, handbook: Any) -> None:
    release = desk.current
    assert release is not None
    assert (release.number, release.endpoint, release.note) == (1, None, "First release")
    assert (release.prompt_version.system, release.prompt_version.user) == (SYSTEM, USER)
    assert list(release.collections.all()) == [handbook]


def test_slugs_are_free_ones(workspace: Any, desk: Assistant) -> None:
    slugs = [
        create_assistant(workspace, name=name, collections=[], actor=ACTOR).slug
        for name in ("Desk", "Desk", "Désk!")
    ]
    assert slugs == ["desk-2", "desk-3", "desk-4"]


def test_changing_nothing_makes_no_release(desk: Assistant, handbook: Any) -> None:
    first = desk.current
    assert first is not None
    assert change(desk) == first
    same = {"system": SYSTEM, "collections": [handbook], "use_reader": True, "note": "Same"}
    assert change(desk, **same, **first.retrieval, **first.sampling) == first
    assert desk.releases.count() == 1


@pytest.mark.parametrize(
    "values",
    [{"system": "Be brief."}, {"collections": []}, {"mode": "lexical"}, {"limit": 3},
     {"temperature": 0.7}, {"max_tokens": 64}],
)  # fmt: skip
def test_each_part_makes_a_release(desk: Assistant, values: dict[str, Any]) -> None:
    release = change(desk, **values, note="Why")
    assert (release.number, release.note, desk.current) == (2, "Why", release)
    assert change(desk, **values) == release


def test_the_endpoint_is_frozen_by_name_and_can_be_taken_away(
    desk: Assistant, endpoint: Any
) -> None:
    release = change(desk, endpoint=endpoint)
    assert release.endpoint_snapshot == {
        "name": "Local", "base_url": "http://127.0.0.1:9/v1", "model": "m",
    }  # fmt: skip
    # Another change leaves it.
    assert change(desk, limit=3).endpoint == endpoint
    assert change(desk, use_reader=True).endpoint is None


def test_going_back_answers_with_the_very_same_release(desk: Assistant) -> None:
    first = desk.current
    assert first is not None
    change(desk, system="Be brief.", limit=3)
    promotion = promote(first, actor=ACTOR)
    assert promotion.is_rollback
    desk.refresh_from_db()
    assert desk.current == first
    assert desk.releases.count() == 2
    recipe = load_recipe(desk.workspace_id, slug="desk")
    assert (recipe.frozen.number, recipe.frozen.system) == (1, SYSTEM)


# Prompts


def test_prompts_are_filled_once_and_strictly() -> None:
    assert list_variables(USER) == {"passages", "question"}
    values = {"passages": "{{ question }}", "question": "Why?"}
    assert render("{{passages}} / {{ question }}", values) == "{{ question }} / Why?"
    with pytest.raises(UnknownVariableError, match="secret"):
        render("{{ secret }}", values)


def test_a_prompt_with_an_unknown_variable_is_refused(desk: Assistant) -> None:
    with pytest.raises(PromptError, match="weather"):
        change(desk, system="{{ weather }}")
    assert desk.releases.count() == 1


# REST


def test_rest_makes_changes_and_deletes(api: Any, handbook: Any, endpoint: Any) -> None:
    sent = {"name": "Help", "collections": [str(handbook.pk)], "description": "Asks back"}
    made = api.post_json("/api/v1/assistants/", sent)
    assert made.status_code == 201
    body = made.json()
    assert (body["slug"], body["release"], body["endpoint"]) == ("help", 1, None)
    path = f"/api/v1/assistants/{body['id']}/"
    changed = api.patch_json(path, {"endpoint": str(endpoint.pk), "name": "Help desk"}).json()
    assert (changed["endpoint"], changed["release"]) == (str(endpoint.pk), 2)
    assert (changed["name"], changed["slug"]) == ("Help desk", "help")
    assert api.patch_json(path, {"endpoint": None}).json()["endpoint"] is None
    assert api.get(path).json()["release"] == 3
    assert [a["slug"] for a in api.get("/api/v1/assistants/").json()["results"]] == ["help"]
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


def test_rest_refuses_what_makes_no_sense(api: Any, desk: Assistant) -> None:
    path = f"/api/v1/assistants/{desk.pk}/"
    for values in ({"mode": "magic"}, {"limit": 0}, {"temperature": 3}, {"collections": ["x"]}):
        response = api.patch_json(path, values)
        assert response.status_code == 400
        assert set(response.json()["errors"]) == set(values)
    assert api.patch_json(path, {"system": "{{ weather }}"}).status_code == 400
    nowhere = {"name": "Other", "collections": [str(uuid4())]}
    assert api.patch_json(path, nowhere).status_code == 404
    desk.refresh_from_db()
    assert desk.name == "Desk"
    assert api.post_json("/api/v1/assistants/", {"name": "X"}).status_code == 400
    assert desk.releases.count() == 1


# Pages


def test_the_recipe_page(desk: Assistant, owner: Any, client_for: Callable[[Any], Client]) -> None:
    client, path = client_for(owner), "/w/acme/assistants/desk/recipe/"
    assert client.get(path).status_code == 200
    unchanged = client.post(path, recipe_form(desk), follow=True)
    assert "The recipe is as it was." in unchanged.content.decode()
    saved = client.post(path, recipe_form(desk, limit=3, note="Fewer"), follow=True)
    assert "Release 2 answers from now on." in saved.content.decode()
    refused = client.post(path, recipe_form(desk, system="{{ weather }}"))
    assert refused.status_code == 422
    assert "weather" in refused.content.decode()


def test_every_fault_of_a_recipe_is_named(
    desk: Assistant, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    form = recipe_form(
        desk, temperature=9, filters="after:soon", expand="model", hyde=True, limit=8, candidates=5
    )
    page = client_for(owner).post("/w/acme/assistants/desk/recipe/", form).content.decode()
    for name in ("temperature", "filters", "expand", "hyde", "candidates"):
        assert f'id="id_{name}_error"' in page, name
    assert "at least 8." in page
    assert desk.releases.count() == 1


def test_making_sharing_and_deleting(
    desk: Assistant, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    client = client_for(owner)
    made = client.post(
        "/w/acme/assistants/new/create/", {"name": "Sales", "without_documents": "on"}
    )
    assert made["Location"] == "/w/acme/assistants/sales/"
    assert "Sales" in client.get("/w/acme/assistants/").content.decode()
    shared = client.get("/w/acme/assistants/sales/share/").content.decode()
    assert "http://testserver/v1" in shared
    client.post("/w/acme/assistants/sales/delete/")
    assert [a.slug for a in Assistant.objects.all()] == ["desk"]


def test_viewers_change_nothing(
    desk: Assistant, viewer: Any, client_for: Callable[[Any], Client]
) -> None:
    client = client_for(viewer)
    assert client.get("/w/acme/assistants/").status_code == 200
    assert client.get("/w/acme/assistants/desk/recipe/").status_code == 403
    for path in ("new/create/", "desk/recipe/", "desk/releases/1/promote/", "desk/delete/"):
        assert client.post(f"/w/acme/assistants/{path}").status_code == 403
    assert Assistant.objects.count() == 1
