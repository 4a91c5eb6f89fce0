"""The settings pages: who may see and do what, and that it is done."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.documents.models import Document
from apps.documents.storage import locate_blob
from apps.workspaces.keys.services import create_api_key
from apps.workspaces.models import (
    ApiKey,
    AuditEvent,
    Invitation,
    Membership,
    Role,
    Scope,
    User,
    Workspace,
)
from apps.workspaces.services import Actor, invite
from tests.documents.make import make_collection, make_document

pytestmark = pytest.mark.django_db

MISSING = "0190aaaa-0000-7000-8000-000000000000"


@pytest.fixture
def cast(owner: User, editor: User, viewer: User, stranger: User) -> dict[str, User]:
    return {"owner": owner, "editor": editor, "viewer": viewer, "stranger": stranger}


ACCESS = [
    ("get", "settings/", "200 200 200 404"),
    ("get", "settings/profile/", "200 200 200 404"),
    ("get", "settings/members/", "200 200 200 404"),
    ("get", "settings/keys/", "200 200 403 404"),
    ("get", "settings/audit/", "200 403 403 404"),
    ("get", "settings/models/", "200 403 403 404"),
    ("post", "settings/rename/", "422 403 403 404"),
    ("post", "settings/delete/", "422 403 403 404"),
    ("post", "settings/members/invite/", "422 403 403 404"),
    ("post", f"settings/members/{MISSING}/role/", "404 403 403 404"),
    ("post", f"settings/members/{MISSING}/remove/", "404 403 403 404"),
    ("post", f"settings/invitations/{MISSING}/withdraw/", "404 403 403 404"),
    ("post", "settings/keys/", "422 422 403 404"),
    ("post", f"settings/keys/{MISSING}/revoke/", "404 404 403 404"),
    ("post", f"settings/keys/{MISSING}/hand-over/", "404 403 403 404"),
    ("post", "settings/models/", "422 403 403 404"),
    ("get", "settings/rename/", "405 405 405 405"),
    ("get", "settings/delete/", "405 405 405 405"),
]


@pytest.mark.parametrize(("method", "path", "expected"), ACCESS)
def test_who_may_do_what(
    client_for: Callable[[User], Client],
    workspace: Workspace,
    cast: dict[str, User],
    method: str,
    path: str,
    expected: str,
) -> None:
    codes = [
        getattr(client_for(user), method)(f"/w/acme/{path}").status_code for user in cast.values()
    ]

    assert codes == [int(code) for code in expected.split()]


def test_without_signing_in_every_page_leads_to_the_sign_in(
    client: Client, workspace: Workspace
) -> None:
    for method, path, _ in ACCESS:
        response = getattr(client, method)(f"/w/acme/{path}")
        assert response.headers["Location"].startswith("/login/?next=")


@pytest.fixture
def browser(client_for: Callable[[User], Client], owner: User, workspace: Workspace) -> Client:
    """The owner's."""
    return client_for(owner)


def test_an_invitation_is_made_and_its_link_shown_once(browser: Client) -> None:
    shown = browser.post(
        "/w/acme/settings/members/invite/", {"email": "New@Example.com", "role": "viewer"}
    )

    link = re.search(r"http://testserver(/invite/[\w-]+/)", shown.content.decode())
    assert link is not None
    assert "no-store" in shown.headers["Cache-Control"]
    assert Client().get(link.group(1)).status_code == 200
    page = browser.get("/w/acme/settings/members/").content.decode()
    assert "new@example.com" in page
    assert link.group(1) not in page


def test_a_member_is_not_invited_again(browser: Client, viewer: User) -> None:
    response = browser.post(
        "/w/acme/settings/members/invite/", {"email": "VIEWER@example.com", "role": "viewer"}
    )

    assert response.status_code == 422
    assert "already a member" in response.content.decode()
    assert not Invitation.objects.exists()


def test_a_withdrawn_invitation_opens_nothing(
    browser: Client, workspace: Workspace, owner: User
) -> None:
    row, token = invite(workspace, email="x@example.com", role=Role.VIEWER, actor=Actor(user=owner))

    browser.post(f"/w/acme/settings/invitations/{row.pk}/withdraw/")

    assert Client().get(f"/invite/{token}/").status_code == 404
    assert "x@example.com" not in browser.get("/w/acme/settings/members/").content.decode()


def test_roles_are_changed(browser: Client, viewer: User) -> None:
    membership = Membership.objects.get(user=viewer)

    browser.post(f"/w/acme/settings/members/{membership.pk}/role/", {"role": "editor"})

    membership.refresh_from_db()
    assert membership.role == Role.EDITOR
    bad = browser.post(f"/w/acme/settings/members/{membership.pk}/role/", {"role": "king"})
    assert bad.status_code == 422


def test_the_last_owner_stays(browser: Client, owner: User) -> None:
    membership = Membership.objects.get(user=owner)

    for path, data in (("role", {"role": "viewer"}), ("remove", {})):
        page = browser.post(f"/w/acme/settings/members/{membership.pk}/{path}/", data, follow=True)
        assert "needs an owner" in page.content.decode()

    membership.refresh_from_db()
    assert membership.role == Role.OWNER


def test_a_removed_member_is_out_at_once(
    browser: Client, client_for: Callable[[User], Client], viewer: User
) -> None:
    theirs = client_for(viewer)
    assert theirs.get("/w/acme/settings/").status_code == 200

    browser.post(f"/w/acme/settings/members/{Membership.objects.get(user=viewer).pk}/remove/")

    assert theirs.get("/w/acme/settings/").status_code == 404


def test_a_key_is_shown_once_and_works_until_it_is_revoked(browser: Client) -> None:
    made = browser.post("/w/acme/settings/keys/", {"name": "Bot", "scopes": ["read", "chat"]})

    secret = re.search(r"plb_[\w-]{43}", made.content.decode())
    assert secret is not None
    assert "no-store" in made.headers["Cache-Control"]
    assert secret.group() not in browser.get("/w/acme/settings/keys/").content.decode()
    key = ApiKey.objects.get()
    assert key.scopes == ["read", "chat"]
    program = Client(headers={"authorization": f"Bearer {secret.group()}"})
    assert program.get("/api/v1/endpoints/").status_code == 200

    browser.post(f"/w/acme/settings/keys/{key.pk}/revoke/")

    assert program.get("/api/v1/endpoints/").status_code == 401


def test_an_editor_cannot_make_a_key_that_may_more_than_they_may(
    client_for: Callable[[User], Client], editor: User
) -> None:
    browser = client_for(editor)

    refused = browser.post("/w/acme/settings/keys/", {"name": "Bot", "scopes": ["read", "admin"]})

    assert refused.status_code == 422
    assert not ApiKey.objects.exists()
    assert f'value="{Scope.ADMIN}"' not in refused.content.decode()


def test_another_workspace_s_rows_are_not_there(
    browser: Client, other_workspace: Workspace, stranger: User
) -> None:
    actor = Actor(user=stranger)
    key, _ = create_api_key(other_workspace, name="theirs", actor=actor)
    invitation, _ = invite(other_workspace, email="x@example.com", role=Role.VIEWER, actor=actor)
    member = Membership.objects.get(workspace=other_workspace)

    for path in (
        f"keys/{key.pk}/revoke/",
        f"invitations/{invitation.pk}/withdraw/",
        f"members/{member.pk}/remove/",
        f"members/{member.pk}/role/",
    ):
        response = browser.post(f"/w/acme/settings/{path}", {"role": "viewer"})
        assert response.status_code == 404

    key.refresh_from_db()
    assert key.revoked_at is None


def test_the_audit_log_shows_who_did_what_and_filters(
    browser: Client, workspace: Workspace, owner: User, editor: User
) -> None:
    create_api_key(workspace, name="bot", actor=Actor(user=editor))
    browser.post("/w/acme/settings/rename/", {"name": "Acme 2"})

    def listed(query: str) -> list[str]:
        page = browser.get(f"/w/acme/settings/audit/{query}").content.decode()
        return re.findall(r"<code>([\w.]+)</code>", page)

    assert listed("") == ["workspace.renamed", "api_key.created", "workspace.created"]
    assert listed("?action=api_key.created") == ["api_key.created"]
    assert listed(f"?member={editor.pk}") == ["api_key.created"]
    assert listed("?since=2999-01-01") == []
    assert len(listed("?until=2999-01-01")) == 3
    # What is not understood filters nothing.
    assert len(listed("?action=nonsense&member=nobody&since=soon&page=many")) == 3


def test_the_audit_log_has_pages(browser: Client, workspace: Workspace) -> None:
    AuditEvent.objects.bulk_create(
        AuditEvent(workspace=workspace, action=f"test.n{n}", subject_type="x", subject_id=str(n))
        for n in range(60)
    )

    first = browser.get("/w/acme/settings/audit/").content.decode()
    second = browser.get("/w/acme/settings/audit/?page=2").content.decode()

    assert first.count("<code>") == 50
    assert second.count("<code>") == 11


def test_lists_cost_the_same_however_long_they_are(
    browser: Client,
    workspace: Workspace,
    owner: User,
    django_assert_max_num_queries: Any,
) -> None:
    actor = Actor(user=owner)
    for number in range(12):
        create_api_key(workspace, name=f"key {number}", actor=actor)
        invite(workspace, email=f"{number}@example.com", role=Role.VIEWER, actor=actor)
    browser.get("/w/acme/settings/")

    for path in ("members/", "keys/", "audit/"):
        with django_assert_max_num_queries(9):
            assert browser.get(f"/w/acme/settings/{path}").status_code == 200


def test_a_workspace_is_renamed_and_keeps_its_address(browser: Client) -> None:
    browser.post("/w/acme/settings/rename/", {"name": "Umbra"})

    assert "Umbra" in browser.get("/w/acme/settings/").content.decode()


def test_a_workspace_goes_when_its_name_is_typed(
    browser: Client,
    workspace: Workspace,
    other_workspace: Workspace,
    django_capture_on_commit_callbacks: Any,
) -> None:
    blob = locate_blob(f"{workspace.pk}/ab/abcd")
    blob.parent.mkdir(parents=True)
    blob.touch()
    make_document(make_collection(workspace))
    make_document(make_collection(other_workspace))
    refused = browser.post("/w/acme/settings/delete/", {"confirmation": "acme?"})
    assert refused.status_code == 422
    assert "Nothing was deleted" in refused.content.decode()

    with django_capture_on_commit_callbacks(execute=True):
        gone = browser.post("/w/acme/settings/delete/", {"confirmation": "Acme"})

    assert gone.status_code == 302
    assert not blob.exists()
    assert list(Document.objects.values_list("workspace", flat=True)) == [other_workspace.pk]
    assert list(Workspace.objects.all()) == [other_workspace]
    assert browser.get("/w/acme/settings/").status_code == 404


def test_the_profile_changes_one_s_own_name(
    client_for: Callable[[User], Client], viewer: User
) -> None:
    client_for(viewer).post("/w/acme/settings/profile/", {"name": "Vera <b>"})

    viewer.refresh_from_db()
    assert viewer.name == "Vera <b>"
    page = client_for(viewer).get("/w/acme/settings/members/").content.decode()
    assert "Vera &lt;b&gt;" in page
    assert "<b>" not in page
