"""Health, status and the error pages."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from apps.core import health
from apps.core.models import Job, JobKind, JobState
from apps.core.redis import sync_redis
from apps.workspaces.models import User, Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh() -> None:
    health._migrated.clear()
    sync_redis().delete(health.SWEEP_KEY)


def checks_of(response: Any) -> dict[str, bool]:
    return {check["name"]: check["ok"] for check in response.json()["checks"]}


def test_the_process_answers_without_asking_anybody(client: Client) -> None:
    response = client.get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok")


@pytest.mark.django_db(databases=[])
def test_the_process_answers_without_a_database(client: Client) -> None:
    assert client.get("/healthz").status_code == 200


def test_it_is_ready_when_everything_is(client: Client) -> None:
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json()["ready"] is True
    assert checks_of(response) == {
        "database": True, "migrations": True, "redis": True, "embedder": True, "disk": True,
        "sandbox": True,
    }  # fmt: skip
    assert "no-store" in response.headers["Cache-Control"]


def fail(error: Exception) -> Callable[..., Any]:
    def raise_it(*args: Any, **kwargs: Any) -> Any:
        raise error

    return raise_it


@pytest.mark.parametrize(
    ("target", "error", "name"),
    [
        ("apps.core.health.connection.cursor", OperationalError("gone"), "database"),
        ("apps.core.health.sync_redis", redis.ConnectionError("gone"), "redis"),
        ("apps.core.health.get_embedder", RuntimeError("no such file"), "embedder"),
    ],
)
def test_it_is_not_ready_without_each_part(
    client: Client, monkeypatch: pytest.MonkeyPatch, target: str, error: Exception, name: str
) -> None:
    monkeypatch.setattr(target, fail(error))
    # The set-up check reads the database too, and is not what this is about.
    monkeypatch.setattr("apps.core.health.connection.close", lambda: None)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert checks_of(response)[name] is False
    assert str(error) not in response.content.decode()


def test_it_is_not_ready_before_the_migrations(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "apps.core.health.MigrationExecutor.migration_plan", lambda self, nodes: ["one"]
    )

    response = client.get("/readyz")

    assert response.status_code == 503
    assert checks_of(response)["migrations"] is False


def test_the_migrations_are_read_until_they_are_complete(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/readyz").status_code == 200
    monkeypatch.setattr("apps.core.health.MigrationExecutor.__init__", fail(RuntimeError("asked")))

    assert client.get("/readyz").status_code == 200


def test_the_status_is_for_people_who_are_signed_in(client: Client, owner: User) -> None:
    assert client.get("/status").headers["Location"].startswith("/login/")


def test_the_status_says_what_is_going_on(
    client_for: Callable[[User], Client], owner: User, workspace: Workspace
) -> None:
    waiting_since = timezone.now() - dt.timedelta(minutes=3, seconds=2)
    for number, state in enumerate([JobState.QUEUED, JobState.QUEUED, JobState.RUNNING]):
        Job.objects.create(
            workspace=workspace, kind=JobKind.PARSE_VERSION, key=str(number), state=state,
            available_at=waiting_since,
        )  # fmt: skip
    browser = client_for(owner)

    page = browser.get("/status").content.decode()
    assert "Something needs attention" in page
    assert "No sweep has run yet" in page
    row = re.search(r"Read a document.*?</tr>", page, re.DOTALL)
    assert row is not None
    assert re.findall(r'class="num"[^>]*>([^<]*)<', row.group()) == ["2", "1", "3 min 2 s"]
    assert "Database" in page

    health.note_sweep()
    assert "Everything works" in browser.get("/status").content.decode()


def test_an_address_of_nothing_is_a_plain_page(
    client_for: Callable[[User], Client], owner: User
) -> None:
    response = client_for(owner).get("/nowhere/")

    assert response.status_code == 404
    assert "<h1>Not here</h1>" in response.content.decode()


def test_programs_get_errors_as_json(client: Client, owner: User) -> None:
    response = client.get("/api/v1/nowhere/")

    assert response.status_code == 404
    assert response.json()["status"] == 404


def test_clients_of_the_openai_protocol_get_its_errors(client: Client, owner: User) -> None:
    response = client.get("/v1/nowhere")

    # Without a key it is not even told what there is.
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "invalid_api_key"


def test_a_form_without_its_token_is_refused_in_words(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)

    response = client.post("/login/", {"email": "x@example.com", "password": "x"})

    assert response.status_code == 403
    assert "This form has expired" in response.content.decode()


def test_a_fault_is_a_plain_page_without_its_cause(
    client_for: Callable[[User], Client], owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.core.health.measure_sizes", fail(RuntimeError("secret detail")))
    browser = client_for(owner)
    browser.raise_request_exception = False

    response = browser.get("/status")

    assert response.status_code == 500
    assert "Something broke" in response.content.decode()
    assert "secret detail" not in response.content.decode()


def test_every_page_carries_a_strict_policy(client: Client, owner: User) -> None:
    policy = client.get("/login/").headers["Content-Security-Policy"]

    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_the_style_guide_shows(client_for: Callable[[User], Client], owner: User) -> None:
    assert client_for(owner).get("/styleguide/").status_code == 200
