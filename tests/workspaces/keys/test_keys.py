"""API keys: they stop with their owner's membership, expire, and ask for the least."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.workspaces.keys.access import find_key
from apps.workspaces.keys.services import create_api_key, end_membership
from apps.workspaces.models import ALL_SCOPES, ApiKey, AuditEvent, Membership, Role, User, Workspace
from apps.workspaces.services import Actor, change_role, remove_member
from tests.factories import ApiClient, make_api, make_member

pytestmark = pytest.mark.django_db

KEYS = "/w/acme/settings/keys/"
REST = "/api/v1/api-keys/"

Browse = Callable[[User], Client]


def opens(client: Client) -> bool:
    return client.get("/api/v1/collections/").status_code == 200


def membership_of(user: User) -> Membership:
    return Membership.objects.get(user=user, workspace__slug="acme")


def test_the_keys_of_a_removed_member_open_nothing(
    workspace: Workspace, owner: User, editor: User, client_for: Browse
) -> None:
    theirs = make_api(workspace, editor, ["read"])
    assert opens(theirs)

    client_for(owner).post(f"/w/acme/settings/members/{membership_of(editor).pk}/remove/")

    assert theirs.get("/api/v1/collections/").status_code == 401
    event = AuditEvent.objects.get(action="api_key.revoked")
    assert event.actor == owner
    assert event.detail["reason"] == "editor@example.com is no longer a member"


def test_a_key_without_a_membership_opens_nothing_however_that_ended(
    workspace: Workspace, editor: User
) -> None:
    theirs = make_api(workspace, editor, ["read"])

    remove_member(membership_of(editor), actor=Actor())  # which does not know of keys

    assert find_key(theirs.key) is None
    ApiKey.objects.update(owner=None)
    assert find_key(theirs.key) is None


def test_a_key_may_no_more_than_its_owner_s_role(workspace: Workspace, editor: User) -> None:
    theirs = make_api(workspace, editor, ["read", "write"])
    assert theirs.post_json("/api/v1/collections/", {"name": "A"}).status_code == 201

    change_role(membership_of(editor), role=Role.VIEWER, actor=Actor())

    assert theirs.post_json("/api/v1/collections/", {"name": "B"}).status_code == 403
    assert opens(theirs)


def test_keys_are_handed_over_as_somebody_leaves(
    workspace: Workspace, owner: User, editor: User, client_for: Browse
) -> None:
    theirs = make_api(workspace, editor, ["read"])
    browser = client_for(owner)
    page = browser.get("/w/acme/settings/members/").content.decode()
    assert "Their 1 API key" in page

    remove = f"/w/acme/settings/members/{membership_of(editor).pk}/remove/"
    browser.post(remove, {"to": str(membership_of(owner).pk)})

    assert opens(theirs)
    assert ApiKey.objects.get().owner == owner
    assert not Membership.objects.filter(user=editor).exists()
    event = AuditEvent.objects.get(action="api_key.handed_over")
    assert (event.detail["from"], event.detail["to"]) == (editor.email, owner.email)


def test_a_key_goes_to_owners_alone(
    workspace: Workspace, owner: User, editor: User, client_for: Browse, other_workspace: Workspace
) -> None:
    make_api(workspace, owner)
    key = ApiKey.objects.get()
    browser, path = client_for(owner), f"{KEYS}{ApiKey.objects.get().pk}/hand-over/"
    elsewhere = Membership.objects.get(workspace=other_workspace)

    for to in (membership_of(editor), elsewhere):
        browser.post(path, {"to": str(to.pk)})
        key.refresh_from_db()
        assert key.owner == owner

    second = make_member(workspace, "second@example.com", "owner")
    browser.post(path, {"to": str(membership_of(second).pk)})
    key.refresh_from_db()
    assert key.owner == second


def test_nobody_hands_keys_to_who_leaves(workspace: Workspace, owner: User) -> None:
    second = make_member(workspace, "second@example.com", "owner")
    leaving = membership_of(second)

    from apps.workspaces.keys.services import KeyRefusedError

    with pytest.raises(KeyRefusedError):
        end_membership(leaving, actor=Actor(user=owner), keys_to=leaving)


def test_editors_revoke_their_own_keys_alone(
    workspace: Workspace, owner: User, editor: User, client_for: Browse
) -> None:
    actor = Actor(user=owner)
    owners, _ = create_api_key(workspace, name="theirs", actor=actor)
    own, _ = create_api_key(workspace, name="mine", actor=Actor(user=editor))
    browser = client_for(editor)

    assert browser.post(f"{KEYS}{owners.pk}/revoke/").status_code == 403
    assert browser.post(f"{KEYS}{own.pk}/revoke/").status_code == 302

    assert {key.name: key.state for key in ApiKey.objects.all()} == {
        "theirs": "active", "mine": "revoked",
    }  # fmt: skip
    page = browser.get(KEYS).content.decode()
    assert f"revoke-{owners.pk}" not in page


def test_a_key_expires(workspace: Workspace, owner: User) -> None:
    _, secret = create_api_key(workspace, name="bot", actor=Actor(user=owner))
    client = ApiClient(secret)
    assert opens(client)
    key = ApiKey.objects.get()
    assert key.expires_at is not None
    assert (key.expires_at - timezone.now()).days == 89
    assert key.scopes == ["read"]

    ApiKey.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))

    assert client.get("/api/v1/collections/").status_code == 401
    key.refresh_from_db()
    assert key.state == "expired"


def test_the_page_offers_the_least_and_a_period(
    workspace: Workspace, owner: User, editor: User, client_for: Browse
) -> None:
    page = client_for(owner).get(KEYS).content.decode()
    assert re.findall(r'name="scopes" value="(\w+)"[^>]* checked', page) == ["read"]
    assert re.findall(r'<option value="(\w+)" selected', page) == ["90"]

    for user, status in ((editor, 422), (owner, 200)):
        made = client_for(user).post(
            KEYS, {"name": user.email, "scopes": ["chat"], "expires": "never"}
        )
        assert made.status_code == status
    assert ApiKey.objects.get().expires_at is None
    client_for(editor).post(KEYS, {"name": "short", "scopes": ["chat"], "expires": "30"})
    short = ApiKey.objects.get(name="short")
    assert short.expires_at is not None
    assert (short.expires_at - timezone.now()).days == 29


def test_keys_through_rest(api: Any, workspace: Workspace, owner: User) -> None:
    made = api.post_json(REST, {"name": "Bot"})
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    body = made.json()
    assert (body["scopes"], body["state"], body["owner"]) == (["read"], "active", owner.email)
    child = ApiClient(body["key"])
    assert opens(child)
    assert child.get(REST).status_code == 403
    listed = api.get(REST).json()
    assert listed["count"] == 2
    assert "key" not in listed["results"][0]

    path = f"{REST}{body['id']}/"
    assert api.get(path).json()["name"] == "Bot"
    assert api.delete(path).status_code == 204
    assert child.get("/api/v1/collections/").status_code == 401
    assert api.get(path).json()["state"] == "revoked"
    for wrong in ({"name": "x", "scopes": []}, {"name": "x", "expires_in_days": 0}, {}):
        assert api.post_json(REST, wrong).status_code == 400


def test_a_key_makes_none_that_may_more_or_lasts_longer(workspace: Workspace, owner: User) -> None:
    scopes = ["read", "admin"]
    row, secret = create_api_key(
        workspace, name="ci", actor=Actor(user=owner), scopes=scopes, days=10
    )
    ci = ApiClient(secret)

    assert ci.post_json(REST, {"name": "x", "scopes": ["write"]}).status_code == 400
    for days in (300, None):
        made = ci.post_json(REST, {"name": f"{days}", "expires_in_days": days}).json()
        assert ApiKey.objects.get(pk=made["id"]).expires_at == row.expires_at
    child = ApiClient(made["key"])
    assert opens(child)

    make_api(workspace, owner).delete(f"{REST}{row.pk}/")

    assert child.get("/api/v1/collections/").status_code == 401


def test_a_key_is_handed_over_through_rest(
    api: Any, workspace: Workspace, owner: User, editor: User
) -> None:
    second = make_member(workspace, "second@example.com", "owner")
    key, _ = create_api_key(workspace, name="bot", actor=Actor(user=editor), scopes=ALL_SCOPES)
    path = f"{REST}{key.pk}/hand-over/"

    refused = api.post_json(path, {"member": str(membership_of(editor).pk)})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_an_owner")
    given = api.post_json(path, {"member": str(membership_of(second).pk)})

    assert given.json()["owner"] == second.email
