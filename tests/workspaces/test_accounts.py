"""The way in: set-up, sign-in, passwords, invitations."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.test import Client
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from apps.core.models import Job, JobKind
from apps.workspaces.models import Membership, Role, User, Workspace
from apps.workspaces.services import Actor, create_user, invite
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db

SETUP = {
    "name": "Ada",
    "email": "Ada@Example.com",
    "password": "a long and good one",
    "workspace_name": "Acme",
}


@pytest.fixture
def invitation_link(workspace: Workspace, owner: User) -> str:
    _, token = invite(workspace, email="new@example.com", role=Role.EDITOR, actor=Actor(user=owner))
    return f"/invite/{token}/"


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_everything_leads_to_the_setup_until_somebody_owns_the_installation(
    client: Client,
) -> None:
    assert client.get("/").headers["Location"] == "/setup/"
    assert client.get("/login/").headers["Location"] == "/setup/"
    assert client.get("/setup/").status_code == 200


def test_setup_makes_the_owner_signs_in_and_opens_the_workspace(client: Client) -> None:
    response = client.post("/setup/", SETUP)

    assert response.headers["Location"] == "/w/acme/"
    user = User.objects.get()
    assert user.email == "ada@example.com"
    assert user.check_password(SETUP["password"])
    assert Membership.objects.get().role == Role.OWNER
    assert is_signed_in(client)
    assert not Job.objects.exists()


def test_setup_adds_the_demo_when_it_is_wanted(client: Client) -> None:
    client.post("/setup/", {**SETUP, "include_demo": "on"})

    demo = Workspace.objects.get(is_demo=True)
    job = Job.objects.get()
    assert (job.kind, job.workspace_id) == (JobKind.SEED_DEMO, demo.pk)
    assert client.get("/").headers["Location"] == "/w/acme/"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"password": "short"}, "at least 10 characters"),
        ({"password": "ada@example.com"}, "too similar"),
        ({"email": "nobody"}, "valid email"),
        ({"workspace_name": ""}, "required"),
    ],
)
def test_setup_with_mistakes_says_which(
    client: Client, change: dict[str, str], message: str
) -> None:
    response = client.post("/setup/", {**SETUP, **change})

    assert response.status_code == 422
    assert message in response.content.decode()
    assert not User.objects.exists()


def test_setup_is_closed_once_there_is_an_owner(client: Client, owner: User) -> None:
    assert client.get("/setup/").headers["Location"] == "/login/"
    assert client.post("/setup/", SETUP).headers["Location"] == "/login/"
    assert User.objects.count() == 1


def test_sign_in_leads_to_where_one_wanted_to_go(client: Client, owner: User) -> None:
    assert client.get("/w/acme/settings/").headers["Location"].startswith("/login/?next=")

    response = client.post(
        "/login/",
        {"email": "OWNER@example.com", "password": PASSWORD, "next": "/w/acme/settings/"},
    )

    assert response.headers["Location"] == "/w/acme/settings/"
    assert is_signed_in(client)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_sign_in_leads_nowhere_else(client: Client, owner: User, target: str) -> None:
    response = client.post("/login/", {"email": owner.email, "password": PASSWORD, "next": target})

    assert response.headers["Location"] == "/"


def test_sign_in_does_not_tell_who_has_an_account(client: Client, owner: User) -> None:
    wrong = client.post("/login/", {"email": owner.email, "password": "wrong"})
    unknown = client.post("/login/", {"email": "nobody@example.com", "password": "wrong"})

    assert wrong.status_code == unknown.status_code == 422
    words = "do not belong together"
    assert words in wrong.content.decode()
    assert words in unknown.content.decode()


def test_sign_out_needs_a_post(client_for: Callable[[User], Client], owner: User) -> None:
    client = client_for(owner)

    assert client.get("/logout/").status_code == 405
    assert is_signed_in(client)
    assert client.post("/logout/").headers["Location"] == "/login/"
    assert not is_signed_in(client)


def test_a_new_password_ends_the_other_sessions(
    client_for: Callable[[User], Client], owner: User, workspace: Workspace
) -> None:
    here, elsewhere = client_for(owner), client_for(owner)
    new = "another long one 9"

    wrong = here.post(
        "/password/", {"old_password": "no", "new_password1": new, "new_password2": new}
    )
    assert wrong.status_code == 422
    here.post("/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})

    owner.refresh_from_db()
    assert owner.check_password(new)
    assert here.get("/").headers["Location"] == "/w/acme/"
    assert elsewhere.get("/").headers["Location"].startswith("/login/")


def test_the_first_password_is_set_by_a_link_that_works_once(client: Client) -> None:
    user = create_user("cli@example.com")
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    link = f"/set-password/{uid}/{default_token_generator.make_token(user)}/"

    form_url = client.get(link).headers["Location"]
    assert client.get(form_url).status_code == 200
    short = client.post(form_url, {"new_password1": "x", "new_password2": "x"})
    assert short.status_code == 422
    new = "my very first one"
    client.post(form_url, {"new_password1": new, "new_password2": new})

    user.refresh_from_db()
    assert user.check_password(new)
    assert is_signed_in(client)
    assert "no longer works" in Client().get(link).content.decode()


def test_a_new_person_joins_by_the_link(client: Client, invitation_link: str) -> None:
    page = client.get(invitation_link).content.decode()
    assert "Join Acme" in page

    response = client.post(invitation_link, {"name": "New", "password": "a long and good one"})

    assert response.headers["Location"] == "/w/acme/"
    membership = Membership.objects.get(user__email="new@example.com")
    assert membership.role == Role.EDITOR
    assert is_signed_in(client)


def test_a_link_works_once(client: Client, invitation_link: str) -> None:
    client.post(invitation_link, {"name": "New", "password": "a long and good one"})

    again = Client().post(invitation_link, {"name": "Other", "password": "a long and good one"})

    assert again.status_code == 404
    assert "no longer works" in again.content.decode()
    assert User.objects.filter(memberships__isnull=False).count() == 2


def test_who_has_an_account_joins_with_its_password(client: Client, invitation_link: str) -> None:
    user = make_user("new@example.com")

    wrong = client.post(invitation_link, {"password": "wrong"})
    assert wrong.status_code == 422
    assert not user.memberships.exists()
    # Nobody takes an account over by inviting it: a name and a new password change nothing.
    client.post(invitation_link, {"name": "Evil", "password": "a long and good one"})
    assert not user.memberships.exists()
    client.post(invitation_link, {"password": PASSWORD})

    assert user.memberships.get().role == Role.EDITOR


def test_who_is_signed_in_joins_with_one_press(
    client_for: Callable[[User], Client], invitation_link: str
) -> None:
    user = make_user("new@example.com")

    client_for(user).post(invitation_link)

    assert user.memberships.get().role == Role.EDITOR


def test_an_invitation_is_for_its_address_only(
    client_for: Callable[[User], Client], invitation_link: str, stranger: User
) -> None:
    client = client_for(stranger)

    assert "This is for new@example.com" in client.get(invitation_link).content.decode()
    assert client.post(invitation_link).status_code == 403
    assert not stranger.memberships.exists()


def test_anybody_can_make_a_further_workspace(
    client_for: Callable[[User], Client], stranger: User
) -> None:
    client = client_for(stranger)
    assert client.get("/").headers["Location"] == "/workspaces/new/"
    assert client.get("/workspaces/new/").status_code == 200

    assert client.post("/workspaces/new/", {"name": ""}).status_code == 422
    response = client.post("/workspaces/new/", {"name": "Mine"})

    assert response.headers["Location"] == "/w/mine/"
    assert stranger.memberships.get().role == Role.OWNER


def test_home_is_the_workspace_that_was_open_last(
    client_for: Callable[[User], Client], owner: User, workspace: Workspace
) -> None:
    client = client_for(owner)
    client.post("/workspaces/new/", {"name": "Second"})
    client.get("/w/second/settings/")
    assert client.get("/").headers["Location"] == "/w/second/"
    client.get("/w/acme/settings/")

    assert client.get("/").headers["Location"] == "/w/acme/"
