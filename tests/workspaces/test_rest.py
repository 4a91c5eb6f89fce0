"""The workspace, its members and its audit log through REST."""

from __future__ import annotations

from typing import Any

import pytest

from apps.workspaces.models import User, Workspace
from apps.workspaces.services import Actor, rename_workspace
from tests.factories import make_api

pytestmark = pytest.mark.django_db


def test_a_key_knows_its_workspace(api: Any, workspace: Workspace, other_api: Any) -> None:
    assert api.get("/api/v1/workspace/").json()["slug"] == "acme"
    assert other_api.get("/api/v1/workspace/").json()["slug"] == "umbrella"


def test_members_are_listed_without_secrets(api: Any, viewer: User, other_api: Any) -> None:
    body = api.get("/api/v1/members/").json()

    assert [(row["email"], row["role"]) for row in body["results"]] == [
        ("owner@example.com", "owner"),
        ("viewer@example.com", "viewer"),
    ]
    assert set(body["results"][0]) == {"id", "email", "name", "role", "created_at"}
    others = other_api.get("/api/v1/members/").json()["results"]
    assert [row["email"] for row in others] == ["stranger@example.com"]


def test_the_audit_log_filters(api: Any, workspace: Workspace, owner: User, other_api: Any) -> None:
    rename_workspace(workspace, name="Acme 2", actor=Actor(user=owner))

    def actions(query: str = "") -> list[str]:
        rows = api.get(f"/api/v1/audit-events/{query}").json()["results"]
        return [row["action"] for row in rows]

    assert actions() == ["workspace.renamed", "api_key.created", "workspace.created"]
    assert actions("?action=workspace.renamed") == ["workspace.renamed"]
    assert actions(f"?member={owner.pk}&until=2000-01-01") == []
    first = api.get("/api/v1/audit-events/?page_size=1").json()
    assert (first["count"], len(first["results"])) == (3, 1)
    assert first["results"][0]["actor"] == "owner@example.com"
    bad = api.get("/api/v1/audit-events/?since=soon&member=me")
    assert (bad.status_code, set(bad.json()["errors"])) == (400, {"since", "member"})
    theirs = other_api.get("/api/v1/audit-events/").json()["results"]
    assert {row["actor"] for row in theirs} == {"stranger@example.com"}


def test_people_and_their_deeds_need_the_scope_for_administration(
    workspace: Workspace, owner: User
) -> None:
    weak = make_api(workspace, owner, scopes=["read", "write", "chat"])

    assert weak.get("/api/v1/workspace/").status_code == 200
    assert weak.get("/api/v1/members/").status_code == 403
    assert weak.get("/api/v1/audit-events/").status_code == 403


def test_without_a_key_there_is_nothing(client: Any, workspace: Workspace) -> None:
    for path in ("workspace", "members", "audit-events", "endpoints"):
        assert client.get(f"/api/v1/{path}/").status_code == 401


def test_json_nested_without_end_is_a_bad_request(api: Any) -> None:
    answer = api.post("/api/v1/collections/", "[" * 100_000, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["detail"] == "The JSON is nested too deeply."
