"""The command that scripts begin with."""

from __future__ import annotations

import json
import threading
import time
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from apps.core import health
from apps.workspaces.management.commands import create_workspace
from apps.workspaces.models import ALL_SCOPES, ApiKey, Membership, User, Workspace
from tests.factories import ApiClient

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("create_workspace", *arguments, stdout=out)
    return dict(json.loads(out.getvalue()))


def test_it_prints_a_workspace_and_a_key_that_opens_it() -> None:
    result = run("Acme", "--owner", "Ada@Example.com")
    workspace = Workspace.objects.get()
    assert (result["workspace"], result["slug"]) == (str(workspace.pk), workspace.slug)
    membership = Membership.objects.get()
    assert (membership.user.email, membership.role) == ("ada@example.com", "owner")
    assert ApiKey.objects.get().scopes == ALL_SCOPES
    answer = ApiClient(result["api_key"]).get("/api/v1/collections/")
    assert (answer.status_code, answer.json()["count"]) == (200, 0)


def test_a_new_owner_gets_a_link_to_choose_a_password() -> None:
    result = run("Acme", "--owner", "ada@example.com")
    answer = Client().get(result["set_password_url"], follow=True)
    assert answer.status_code == 200
    path = answer.redirect_chain[-1][0]
    password = "a long and quiet river"
    client = Client()
    client.get(result["set_password_url"])
    client.post(path, {"new_password1": password, "new_password2": password})
    assert User.objects.get().check_password(password)


def test_an_owner_who_has_an_account_keeps_it(owner: User) -> None:
    result = run("Acme", "--owner", owner.email.upper())
    assert "set_password_url" not in result
    assert User.objects.count() == 1


def test_the_same_name_twice_makes_two_workspaces() -> None:
    first, second = (run("Acme", "--owner", "ada@example.com") for _ in range(2))
    assert first["slug"] != second["slug"]
    assert first["api_key"] != second["api_key"]


@pytest.mark.parametrize("arguments", [("", "--owner", "a@example.com"), ("Acme", "--owner", "a")])
def test_mistakes_are_told(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)
    assert not Workspace.objects.exists()


def test_it_waits_for_the_tables_of_a_first_start(monkeypatch: pytest.MonkeyPatch) -> None:
    pending = [["a migration"], ["a migration"]]
    monkeypatch.setattr(health, "_migrated", threading.Event())
    monkeypatch.setattr(
        MigrationExecutor, "migration_plan", lambda *args: pending.pop() if pending else []
    )
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    assert run("Acme", "--owner", "ada@example.com")["slug"] == "acme"
    assert not pending


def test_a_start_that_takes_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", threading.Event())
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *args: ["a migration"])
    monkeypatch.setattr(create_workspace, "WAIT_SECONDS", 0.0)
    with pytest.raises(CommandError, match="still starting"):
        run("Acme", "--owner", "ada@example.com")
    assert not Workspace.objects.exists()
