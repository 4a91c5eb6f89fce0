"""Model endpoints in the settings and through REST. Who may see them is in test_settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.gateway.models import Endpoint
from apps.gateway.services import EndpointFields, save_endpoint
from apps.workspaces.models import AuditEvent, User, Workspace
from apps.workspaces.services import Actor
from inference.stub_server import serve_in_thread
from tests.factories import make_api

pytestmark = pytest.mark.django_db

FORM = {
    "name": "House",
    "base_url": "http://127.0.0.1:1/v1",  # nobody listens on port 1
    "model": "qwen",
    "api_key": "sk-very-secret",
    "context_tokens": "8192",
}
LIST = "/w/acme/settings/models/"


@pytest.fixture
def browser(client_for: Callable[[User], Client], owner: User, workspace: Workspace) -> Client:
    return client_for(owner)


def make_endpoint(workspace: Workspace, **fields: Any) -> Endpoint:
    values = {"name": "House", "base_url": "http://127.0.0.1:1/v1", "model": "qwen", **fields}
    return save_endpoint(workspace, fields=EndpointFields(**values), actor=Actor())


def test_an_endpoint_is_added_and_its_key_never_shown(browser: Client) -> None:
    saved = browser.post(LIST, FORM)

    endpoint = Endpoint.objects.get()
    assert saved.headers["Location"] == f"{LIST}{endpoint.pk}/"
    assert b"sk-very-secret" not in bytes(endpoint.api_key_encrypted)
    edit = f"{LIST}{endpoint.pk}/"
    for path in (LIST, edit):
        page = browser.get(path).content.decode()
        assert "House" in page
        assert "sk-very-secret" not in page
    assert "sk-very-secret" not in str(list(AuditEvent.objects.values_list("detail", flat=True)))


def test_a_form_with_mistakes_says_which_and_repeats_no_key(browser: Client) -> None:
    response = browser.post(LIST, {**FORM, "base_url": "ftp://x"})

    assert response.status_code == 422
    page = response.content.decode()
    assert "must begin with http" in page
    assert "sk-very-secret" not in page
    assert not Endpoint.objects.exists()


def test_an_edit_keeps_the_key_replaces_it_or_forgets_it(browser: Client) -> None:
    browser.post(LIST, FORM)
    endpoint = Endpoint.objects.get()
    edit, stored = f"{LIST}{endpoint.pk}/", bytes(endpoint.api_key_encrypted)

    def key_after(**changes: str) -> bytes:
        assert browser.post(edit, {**FORM, **changes}).status_code == 302
        endpoint.refresh_from_db()
        return bytes(endpoint.api_key_encrypted)

    assert key_after(api_key="", model="other") == stored
    assert endpoint.model == "other"
    replaced = key_after(api_key="sk-new")
    assert replaced not in (stored, b"")
    assert key_after(api_key="", remove_key="on") == b""


def test_two_endpoints_cannot_share_a_name(browser: Client, workspace: Workspace) -> None:
    make_endpoint(workspace)

    assert browser.post(LIST, FORM).status_code == 422
    assert Endpoint.objects.count() == 1


def test_a_test_says_how_it_went(browser: Client, workspace: Workspace) -> None:
    endpoint = make_endpoint(workspace)  # nothing listens on port 1

    fragment = browser.post(f"{LIST}{endpoint.pk}/test/", headers={"HX-Request": "true"})

    page = fragment.content.decode()
    assert f'id="check-{endpoint.pk}"' in page
    assert "Does not work" in page
    assert "<html" not in page
    assert browser.post(f"{LIST}{endpoint.pk}/test/").headers["Location"] == LIST


def test_a_deleted_endpoint_is_gone(browser: Client, workspace: Workspace) -> None:
    endpoint = make_endpoint(workspace)

    browser.post(f"{LIST}{endpoint.pk}/delete/")

    assert not Endpoint.objects.exists()
    assert browser.get(f"{LIST}{endpoint.pk}/").status_code == 404


def test_another_workspace_s_endpoint_is_not_there(
    browser: Client, other_workspace: Workspace, api: Any
) -> None:
    theirs = make_endpoint(other_workspace)

    assert browser.get(f"{LIST}{theirs.pk}/").status_code == 404
    for path in ("test/", "delete/", ""):
        assert browser.post(f"{LIST}{theirs.pk}/{path}", FORM).status_code == 404
    assert api.get(f"/api/v1/endpoints/{theirs.pk}/").status_code == 404
    assert api.delete(f"/api/v1/endpoints/{theirs.pk}/").status_code == 404
    assert api.patch_json(f"/api/v1/endpoints/{theirs.pk}/", {"name": "x"}).status_code == 404
    assert api.post_json(f"/api/v1/endpoints/{theirs.pk}/test/").status_code == 404
    assert api.get("/api/v1/endpoints/").json()["count"] == 0
    assert Endpoint.objects.get().name == "House"


def test_the_same_through_rest(api: Any) -> None:
    made = api.post_json("/api/v1/endpoints/", {**FORM, "context_tokens": 4096})

    assert made.status_code == 201
    body = made.json()
    assert (body["has_api_key"], body["context_tokens"]) == (True, 4096)
    assert "sk-very-secret" not in made.content.decode()
    path = f"/api/v1/endpoints/{body['id']}/"

    changed = api.patch_json(path, {"model": "other"}).json()
    assert (changed["model"], changed["name"], changed["has_api_key"]) == ("other", "House", True)
    assert api.patch_json(path, {"api_key": ""}).json()["has_api_key"] is False
    assert api.get("/api/v1/endpoints/").json()["results"][0]["id"] == body["id"]
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


def test_rest_errors_are_problems(api: Any) -> None:
    address = api.post_json("/api/v1/endpoints/", {**FORM, "base_url": "ftp://x"})
    assert (address.status_code, set(address.json()["errors"])) == (400, {"base_url"})
    missing = api.post_json("/api/v1/endpoints/", {"name": "x"})
    assert missing.status_code == 400
    assert set(missing.json()["errors"]) == {"base_url", "model"}

    api.post_json("/api/v1/endpoints/", FORM)
    twice = api.post_json("/api/v1/endpoints/", FORM)
    assert (twice.status_code, twice.json()["code"]) == (409, "name_taken")
    assert Endpoint.objects.count() == 1


def test_a_test_through_rest_is_an_answer_either_way(api: Any, workspace: Workspace) -> None:
    endpoint = make_endpoint(workspace)

    response = api.post_json(f"/api/v1/endpoints/{endpoint.pk}/test/")

    assert response.status_code == 200
    assert response.json()["check_ok"] is False
    assert response.json()["check_message"]


def test_only_keys_for_administration_change_endpoints(workspace: Workspace, owner: User) -> None:
    weak = make_api(workspace, owner, scopes=["read", "write", "chat"])
    endpoint = make_endpoint(workspace)
    path = f"/api/v1/endpoints/{endpoint.pk}/"

    assert weak.get(path).status_code == 200
    assert weak.post_json("/api/v1/endpoints/", FORM).status_code == 403
    assert weak.patch_json(path, {"name": "x"}).status_code == 403
    assert weak.delete(path).status_code == 403
    assert weak.post_json(f"{path}test/").status_code == 403


def test_an_endpoint_is_tested_as_it_is_saved(browser: Client, api: Any) -> None:
    shown = browser.post(LIST, FORM, follow=True).content.decode()
    endpoint = Endpoint.objects.get()

    assert endpoint.check_ok is False
    assert "was saved, but it does not work" in shown
    assert f'id="saved-{endpoint.pk}"' in shown  # beside the form
    body = api.post_json("/api/v1/endpoints/", {**FORM, "name": "Second"}).json()
    assert (body["check_ok"], bool(body["check_message"])) == (False, True)


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_that_answers_says_so_as_it_is_saved(browser: Client, api: Any) -> None:
    with serve_in_thread() as stub:
        values = {**FORM, "base_url": stub.base_url, "model": "stub"}
        shown = browser.post(LIST, values, follow=True)
        body = api.patch_json(f"/api/v1/endpoints/{Endpoint.objects.get().pk}/", {"model": "two"})

    assert shown.redirect_chain[-1][0] == LIST
    assert "was saved and works" in shown.content.decode()
    assert body.json()["check_ok"] is True


ELSEWHERE = ["http://127.0.0.2:1/v1", "http://127.0.0.1:2/v1", "https://127.0.0.1:1/v1"]


@pytest.mark.parametrize("address", ELSEWHERE)
def test_a_stored_key_is_not_sent_to_another_server(
    browser: Client, api: Any, address: str
) -> None:
    browser.post(LIST, FORM)
    endpoint = Endpoint.objects.get()
    edit, rest = f"{LIST}{endpoint.pk}/", f"/api/v1/endpoints/{endpoint.pk}/"

    page = browser.post(edit, {**FORM, "api_key": "", "base_url": address})
    refused = api.patch_json(rest, {"base_url": address})

    assert page.status_code == 422
    assert "the stored key is not sent there" in page.content.decode()
    assert (refused.status_code, set(refused.json()["errors"])) == (400, {"api_key"})
    endpoint.refresh_from_db()
    assert endpoint.base_url == FORM["base_url"]
    assert api.patch_json(rest, {"base_url": address, "api_key": "new"}).status_code == 200
    forgotten = {**FORM, "api_key": "", "remove_key": "on"}
    assert browser.post(edit, forgotten).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.base_url, bytes(endpoint.api_key_encrypted)) == (FORM["base_url"], b"")


@pytest.mark.parametrize("path", ["/v2", "/v1/", "/other/v1"])
def test_a_key_stays_with_its_server(api: Any, path: str) -> None:
    made = api.post_json("/api/v1/endpoints/", FORM).json()

    changed = api.patch_json(
        f"/api/v1/endpoints/{made['id']}/", {"base_url": f"http://127.0.0.1:1{path}"}
    )

    assert changed.status_code == 200
    assert changed.json()["has_api_key"] is True
