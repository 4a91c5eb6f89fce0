"""Authenticator apps, recovery codes, and workspaces that want a second factor."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from apps.core.redis import sync_redis
from apps.workspaces.models import Role, User, Workspace
from apps.workspaces.services import Actor, invite
from tests.factories import PASSWORD, make_api, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_code_was_used() -> Iterator[None]:
    forget_codes()
    yield
    forget_codes()


def forget_codes() -> None:
    """Forget which codes were used and how many were wrong."""
    for name in sync_redis().scan_iter("cache:*"):
        sync_redis().delete(name)


def code_of(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def sign_in(email: str = "owner@example.com", **more: str) -> tuple[Client, Any]:
    client = Client()
    return client, client.post("/login/", {"email": email, "password": PASSWORD, **more})


def add_app(client: Client) -> tuple[str, list[str]]:
    """Set an authenticator app up, as a person does: its secret, and the recovery codes."""
    asked = client.get("/account/security/app/")
    assert asked.headers["Location"].startswith("/account/confirm/?next=")
    confirmed = client.post(asked.headers["Location"], {"password": PASSWORD})
    assert confirmed.headers["Location"] == "/account/security/app/"
    page = client.get("/account/security/app/").content.decode()
    assert 'src="data:image/svg+xml;base64,' in page
    found = re.search(r'id="totp-secret">(\w+)<', page)
    assert found is not None
    wrong = client.post("/account/security/app/", {"code": "000000"})
    assert "Incorrect code" in wrong.content.decode()
    added = client.post("/account/security/app/", {"code": code_of(found[1])}, follow=True)
    codes = re.search(r'id="recovery-codes">([^<]+)<', added.content.decode())
    assert codes is not None
    return found[1], codes[1].split()


def test_the_code_of_an_app_is_the_second_step(owner: User, workspace: Workspace) -> None:
    client, _ = sign_in()
    secret, _ = add_app(client)
    assert secret not in str(Authenticator.objects.get(type="totp").data)

    client, away = sign_in(next="/w/acme/settings/")
    assert away.headers["Location"] == "/login/code/"
    assert "_auth_user_id" not in client.session
    assert client.get("/w/acme/settings/").headers["Location"].startswith("/login/")
    client, _ = sign_in(next="/w/acme/settings/")
    assert "Incorrect code" in client.post("/login/code/", {"code": "000000"}).content.decode()
    code = code_of(secret)
    done = client.post("/login/code/", {"code": code})

    assert done.headers["Location"] == "/w/acme/settings/"
    assert client.get("/w/acme/settings/").status_code == 200
    again, _ = sign_in()
    assert again.post("/login/code/", {"code": code}).status_code == 200  # a code works once
    assert "_auth_user_id" not in again.session


def test_a_recovery_code_works_once(owner: User, workspace: Workspace) -> None:
    client, _ = sign_in()
    _, codes = add_app(client)
    assert len(codes) == 10
    assert codes[0] not in str(Authenticator.objects.get(type="recovery_codes").data)

    client, _ = sign_in()
    assert client.post("/login/code/", {"code": codes[0]}).status_code == 302
    client, _ = sign_in()
    assert client.post("/login/code/", {"code": codes[0]}).status_code == 200
    assert "_auth_user_id" not in client.session


def test_guessing_codes_is_stopped(owner: User, workspace: Workspace) -> None:
    client, _ = sign_in()
    secret, _ = add_app(client)
    forget_codes()
    client, _ = sign_in()
    for number in range(6):
        client.post("/login/code/", {"code": f"00000{number}"})

    refused = client.post("/login/code/", {"code": code_of(secret)})

    assert refused.status_code == 200
    assert "_auth_user_id" not in client.session


def test_no_way_in_goes_around_the_second_step(owner: User, workspace: Workspace) -> None:
    guest = make_user("guest@example.com")
    client, _ = sign_in(guest.email)
    secret, _ = add_app(client)
    _, token = invite(workspace, email=guest.email, role=Role.VIEWER, actor=Actor(user=owner))

    client = Client()
    joined = client.post(f"/invite/{token}/", {"password": PASSWORD})

    assert joined.headers["Location"] == "/login/code/"
    assert not guest.memberships.exists()
    back = client.post("/login/code/", {"code": code_of(secret)})
    assert back.headers["Location"] == f"/invite/{token}/"
    client.post(f"/invite/{token}/")
    assert guest.memberships.get().role == Role.VIEWER

    from django.contrib.auth.tokens import default_token_generator
    from django.utils.encoding import force_bytes
    from django.utils.http import urlsafe_base64_encode

    guest.refresh_from_db()
    uid = urlsafe_base64_encode(force_bytes(guest.pk))
    link = f"/set-password/{uid}/{default_token_generator.make_token(guest)}/"
    client = Client()
    form = client.get(link).headers["Location"]
    client.post(form, {"new_password1": "my other long one", "new_password2": "my other long one"})
    assert "_auth_user_id" not in client.session


def test_a_workspace_may_want_a_second_factor(
    owner: User, workspace: Workspace, editor: User
) -> None:
    client, _ = sign_in()
    path, wanted = "/w/acme/settings/sign-in/", {"requires_second_factor": "on"}
    refused = client.post(path, wanted)
    assert refused.status_code == 422
    assert "with a second factor yourself first" in refused.content.decode()
    secret, codes = add_app(client)
    client, _ = sign_in()
    client.post("/login/code/", {"code": codes[0]})
    assert client.post(path, wanted).status_code == 302
    assert client.get("/w/acme/settings/").status_code == 200
    key = make_api(workspace, editor, ["read"])

    theirs, _ = sign_in(editor.email)
    assert theirs.get("/w/acme/settings/").headers["Location"] == "/login/required/acme/"
    told = theirs.get("/login/required/acme/").content.decode()
    assert "Add a second factor" in told
    assert theirs.get("/account/security/").status_code == 200
    secret, _ = add_app(theirs)
    told = theirs.get("/login/required/acme/").content.decode()
    assert "Confirm now" in told
    confirm = "/account/confirm/code/?next=/w/acme/settings/"
    assert theirs.post(confirm, {"code": code_of(secret)}).status_code == 302
    assert theirs.get("/w/acme/settings/").status_code == 200
    assert key.get("/api/v1/collections/").status_code == 200

    # Without the factor, what it once showed counts no more.
    assert theirs.post("/account/security/app/remove/").status_code == 302
    assert theirs.get("/w/acme/settings/").headers["Location"] == "/login/required/acme/"


def test_the_demand_through_rest(api: Any, owner: User, workspace: Workspace) -> None:
    path, wanted = "/api/v1/workspace/sign-in/", {"requires_second_factor": True}
    refused = api.patch_json(path, wanted)
    assert (refused.status_code, refused.json()["code"]) == (409, "locked_out")
    client, _ = sign_in()
    add_app(client)

    assert api.patch_json(path, wanted).json()["requires_second_factor"] is True

    assert client.get("/w/acme/settings/").headers["Location"] == "/login/required/acme/"


def test_one_s_own_security_is_for_who_is_signed_in(client: Client, owner: User) -> None:
    for path in ("", "app/", "codes/", "passkeys/new/"):
        assert client.get(f"/account/security/{path}").headers["Location"].startswith("/login/")
    assert client.get("/login/code/").headers["Location"] == "/account/login/"
