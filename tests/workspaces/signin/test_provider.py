"""Sign-in through a real OpenID Connect provider, which the test runs on the loopback."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import oidc_provider_mock
import pytest
from django.test import Client

from apps.workspaces.models import AuditEvent, Membership, Role, User, Workspace
from apps.workspaces.services import Actor, invite
from apps.workspaces.signin.oidc import Provider
from apps.workspaces.signin.policy import Policy, save_policy
from tests.factories import PASSWORD, make_api, make_member

pytestmark = pytest.mark.django_db

START = "/login/with/company/"
CLAIMS: dict[str, dict[str, Any]] = {
    "ada": {"email": "Ada@Example.com", "email_verified": True, "name": "Ada", "groups": ["staff"]},
    "owner": {"email": "owner@example.com", "email_verified": True, "groups": []},
    "unsure": {"email": "owner@example.com", "email_verified": False, "groups": ["staff"]},
    "unknown": {"email": "eve@example.com", "email_verified": True, "groups": ["other"]},
}


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    users = [oidc_provider_mock.User(sub=sub, claims=claims) for sub, claims in CLAIMS.items()]
    with oidc_provider_mock.run_server_in_thread(user_claims=users) as running:
        yield f"http://127.0.0.1:{running.server_port}"


@pytest.fixture
def provider(server: str, settings: Any) -> Provider:
    row = Provider(
        id="company",
        name="Company ID",
        issuer=server,
        client_id="plumbline",
        client_secret="s3cret",
    )
    settings.OIDC_PROVIDERS = [row]
    return row


@pytest.fixture
def mapped(workspace: Workspace, owner: User, provider: Provider) -> Workspace:
    policy = Policy(provider="company", group_roles={"staff": "editor", "boss": "owner"})
    save_policy(workspace, policy, actor=Actor(user=owner))
    return workspace


def come_in(client: Client, sub: str, *, target: str = "/w/acme/settings/") -> Any:
    """Go to the provider, sign in there, and come back."""
    away = client.get(START, {"next": target})
    assert away.status_code == 302, away.content
    opener = urllib.request.build_opener(NoRedirect)
    try:
        opener.open(away.headers["Location"], data=urlencode({"sub": sub}).encode())
    except urllib.error.HTTPError as answer:
        back = urlsplit(answer.headers["Location"])
    assert back.path == f"{START}callback/"
    return client.get(f"{back.path}?{back.query}")


def test_the_sign_in_page_offers_the_provider(
    client: Client, provider: Provider, owner: User
) -> None:
    page = client.get("/login/").content.decode()

    assert "Continue with\n      Company ID" in page
    assert START in page
    location = client.get(START).headers["Location"]
    assert location.startswith(f"{provider.issuer}/")
    assert "code_challenge=" in location


def test_a_group_makes_a_member(client: Client, mapped: Workspace) -> None:
    response = come_in(client, "ada")

    assert response.headers["Location"] == "/w/acme/settings/"
    user = User.objects.get(email="ada@example.com")
    assert (user.name, user.has_usable_password()) == ("Ada", False)
    membership = Membership.objects.get(user=user)
    assert (membership.role, membership.from_provider) == (Role.EDITOR, "company")
    event = AuditEvent.objects.get(action="member.joined")
    assert event.detail == {"provider": "company", "role": "editor"}
    assert client.get("/w/acme/settings/").status_code == 200


def test_roles_follow_the_groups_at_each_sign_in(mapped: Workspace, owner: User) -> None:
    come_in(Client(), "ada")
    user = User.objects.get(email="ada@example.com")
    theirs = make_api(mapped, user, ["read"])

    mapped.group_roles = {"staff": "viewer"}
    mapped.save()
    come_in(Client(), "ada")
    assert Membership.objects.get(user=user).role == Role.VIEWER
    mapped.group_roles = {"boss": "owner"}
    mapped.save()
    come_in(Client(), "ada")

    assert not Membership.objects.filter(user=user).exists()
    assert theirs.get("/api/v1/collections/").status_code == 401


def test_an_account_is_found_by_its_verified_address(
    client: Client, mapped: Workspace, owner: User
) -> None:
    response = come_in(client, "owner")

    assert response.headers["Location"] == "/w/acme/settings/"
    assert client.session["_auth_user_id"] == str(owner.pk)
    # Who was invited keeps the role, although no group gives it.
    assert Membership.objects.get(user=owner).role == Role.OWNER
    assert User.objects.count() == 1
    # Somebody else may have made the account by an invitation that they wrote themselves.
    assert Client().post("/login/", {"email": owner.email, "password": PASSWORD}).status_code == 422
    assert "Its old password was removed" in client.get("/w/acme/settings/").content.decode()
    new = {"new_password1": "another long one 9", "new_password2": "another long one 9"}
    assert client.post("/password/", new).status_code == 302
    owner.refresh_from_db()
    assert owner.check_password("another long one 9")


def test_an_address_that_is_not_verified_opens_nothing(
    client: Client, mapped: Workspace, owner: User
) -> None:
    response = come_in(client, "unsure")

    assert response.status_code == 403
    assert "does not say that your email address is yours" in response.content.decode()
    assert "_auth_user_id" not in client.session
    assert User.objects.count() == 1


def test_who_is_in_no_group_needs_an_invitation(
    client: Client, mapped: Workspace, owner: User
) -> None:
    refused = come_in(client, "unknown")
    assert refused.status_code == 403
    assert "knows you as eve@example.com" in refused.content.decode()
    assert User.objects.count() == 1

    _, token = invite(mapped, email="eve@example.com", role=Role.VIEWER, actor=Actor(user=owner))
    come_in(client, "unknown", target=f"/invite/{token}/")
    client.post(f"/invite/{token}/")

    assert Membership.objects.get(user__email="eve@example.com").role == Role.VIEWER


def test_a_workspace_may_require_the_provider(
    client: Client, mapped: Workspace, owner: User, editor: User
) -> None:
    come_in(client, "owner")
    page = client.get("/w/acme/settings/sign-in/").content.decode()
    assert "Company ID" in page
    sent = {"provider": "company", "requires_provider": "on", "editors": "staff, sales"}
    assert client.post("/w/acme/settings/sign-in/", sent).status_code == 302
    mapped.refresh_from_db()
    assert mapped.group_roles == {"staff": "editor", "sales": "editor"}
    key = make_api(mapped, owner)

    by_password = Client()
    by_password.post("/login/", {"email": editor.email, "password": PASSWORD})
    led = by_password.get("/w/acme/settings/")
    assert led.headers["Location"] == "/login/required/acme/"
    told = by_password.get("/login/required/acme/").content.decode()
    assert "Sign in through Company ID" in told
    assert f"{START}?next=/w/acme/" in told
    part = by_password.get("/w/acme/settings/members/", headers={"HX-Request": "true"})
    assert part.headers["HX-Redirect"] == "/login/required/acme/"

    assert client.get("/w/acme/settings/").status_code == 200
    come_in(by_password, "owner")
    assert by_password.get("/w/acme/settings/").status_code == 200
    assert by_password.get("/login/required/acme/").headers["Location"] == "/w/acme/"
    assert key.get("/api/v1/collections/").status_code == 200  # keys are no sign-in
    assert AuditEvent.objects.filter(action="workspace.sign_in_changed").count() == 2


def test_an_owner_cannot_lock_themselves_out(
    workspace: Workspace, owner: User, provider: Provider, api: Any
) -> None:
    client = Client()
    client.post("/login/", {"email": owner.email, "password": PASSWORD})
    sent = {"provider": "company", "requires_provider": "on"}
    path = "/api/v1/workspace/sign-in/"

    refused = client.post("/w/acme/settings/sign-in/", sent)
    by_rest = api.patch_json(path, {"provider": "company", "requires_provider": True})

    assert refused.status_code == 422
    assert "Sign in through the provider yourself first" in refused.content.decode()
    assert (by_rest.status_code, by_rest.json()["code"]) == (409, "locked_out")
    workspace.refresh_from_db()
    assert not workspace.requires_provider


def test_the_policy_through_rest(api: Any, provider: Provider, workspace: Workspace) -> None:
    path = "/api/v1/workspace/sign-in/"
    assert api.get(path).json() == {
        "provider": "", "requires_provider": False, "requires_second_factor": False,
        "group_roles": {}, "providers": ["company"],
    }  # fmt: skip

    changed = api.patch_json(path, {"provider": "company", "group_roles": {"staff": "viewer"}})

    assert changed.json()["group_roles"] == {"staff": "viewer"}
    assert api.get(path).json()["provider"] == "company"
    for wrong in (
        {"provider": "elsewhere"}, {"group_roles": {"staff": "king"}}, {"provider": ""},
        {"requires_provider": "perhaps"},
    ):  # fmt: skip
        assert api.patch_json(path, wrong).status_code == 400, wrong
    weak = make_api(workspace, api_owner(workspace), ["read", "write", "chat"])
    assert weak.get(path).status_code == 403


def api_owner(workspace: Workspace) -> User:
    return Membership.objects.get(workspace=workspace, role=Role.OWNER).user


def test_only_owners_change_it(
    workspace: Workspace, client_for: Any, editor: User, viewer: User, stranger: User
) -> None:
    codes = [
        client_for(user).get("/w/acme/settings/sign-in/").status_code
        for user in (editor, viewer, stranger)
    ]
    assert codes == [403, 403, 404]
    assert client_for(stranger).get("/login/required/acme/").status_code == 404


def test_a_provider_that_is_gone_or_unknown(client: Client, settings: Any, owner: User) -> None:
    settings.OIDC_PROVIDERS = []
    assert client.get(START).status_code == 404

    settings.OIDC_PROVIDERS = [
        Provider(id="company", name="Company ID", issuer="http://127.0.0.1:9", client_id="x")
    ]
    assert client.get(START).headers["Location"] == "/login/"
    assert "does not answer" in client.get("/login/").content.decode()


def test_an_answer_without_its_question_is_refused(
    client: Client, provider: Provider, owner: User
) -> None:
    back = client.get(f"{START}callback/", {"code": "stolen", "state": "invented"})

    assert back.status_code == 302
    assert back.headers["Location"] == "/login/"
    assert "_auth_user_id" not in client.session


def test_the_last_owner_stays_whatever_the_groups_say(mapped: Workspace, owner: User) -> None:
    mapped.group_roles = {"staff": "owner"}
    mapped.save()
    come_in(Client(), "ada")
    Membership.objects.filter(user=owner).delete()
    mapped.group_roles = {"boss": "owner"}
    mapped.save()

    come_in(Client(), "ada")

    assert Membership.objects.get().role == Role.OWNER


def test_a_role_of_who_was_invited_is_raised_and_never_lowered(
    mapped: Workspace, owner: User
) -> None:
    member = make_member(mapped, "ada@example.com", "viewer")
    come_in(Client(), "ada")
    assert Membership.objects.get(user=member).role == Role.EDITOR
    mapped.group_roles = {"staff": "viewer"}
    mapped.save()
    come_in(Client(), "ada")
    assert Membership.objects.get(user=member).role == Role.EDITOR
