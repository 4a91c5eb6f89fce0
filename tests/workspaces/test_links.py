"""Trusted hosts as a setting, and the page before every other host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.workspaces.links import link_policy
from apps.workspaces.models import AuditEvent
from tests.factories import make_api

pytestmark = pytest.mark.django_db
PATH = "/w/acme/settings/links/"
URL = "https://evil.example/login?next=/"


def test_owners_set_hosts_on_the_page(
    workspace: Any, owner: Any, editor: Any, client_for: Callable[[Any], Client]
) -> None:
    client = client_for(owner)
    assert client.post(PATH, {"link_hosts": "Docs.example.com\r\n\r\n"}).status_code == 302
    workspace.refresh_from_db()
    assert workspace.link_hosts == ["docs.example.com"]
    assert "docs.example.com" in client.get(PATH).content.decode()
    refused = client.post(PATH, {"link_hosts": "https://x.example/"})
    assert refused.status_code == 422
    assert "Write it as docs.example.com" in refused.content.decode()
    assert client.post(PATH, {"link_hosts": ""}).status_code == 302
    assert AuditEvent.objects.filter(action="workspace.link_hosts_changed").count() == 2
    assert client_for(editor).get(PATH).status_code in (403, 404)


def test_programs_set_hosts_with_the_admin_scope(workspace: Any, owner: Any, api: Any) -> None:
    changed = api.patch_json("/api/v1/workspace/", {"link_hosts": ["docs.example.com"]})
    assert (changed.status_code, changed.json()["link_hosts"]) == (200, ["docs.example.com"])
    assert api.get("/api/v1/workspace/").json()["link_hosts"] == ["docs.example.com"]
    refused = api.patch_json("/api/v1/workspace/", {"link_hosts": ["nonsense"]})
    assert refused.status_code == 400
    writer = make_api(workspace, owner, scopes=["read", "write", "chat"])
    assert writer.patch_json("/api/v1/workspace/", {"link_hosts": []}).status_code == 403


def test_the_notice_names_the_host_and_shows_nothing_unsigned(
    workspace: Any, viewer: Any, client_for: Callable[[Any], Client]
) -> None:
    client = client_for(viewer)
    body = client.get(link_policy(workspace).address(URL)).content.decode()
    assert "You leave Plumbline for evil.example" in body
    assert f'href="{URL}"' in body
    for query in ({"to": URL}, {"to": URL, "sign": "x"}, {"to": "javascript:alert(1)"}, {}):
        refused = client.get("/w/acme/leave/", query)
        assert refused.status_code == 400
        assert "evil.example" not in refused.content.decode()
        assert "javascript:" not in refused.content.decode()
