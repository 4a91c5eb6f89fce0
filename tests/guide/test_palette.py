"""The palette finds what a member may open, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.assistants.models import Assistant
from apps.chat.models import Conversation
from apps.documents.models import Collection
from apps.guide.palette.places import ACTIONS, PAGES, list_keys
from apps.workspaces.models import Membership, Role, User, Workspace
from tests.documents.make import make_collection, make_document
from tests.guide.test_steps import take_experiment, walk

pytestmark = pytest.mark.django_db

OPTION = re.compile(r'<a role="option"[^>]*href="([^"]+)".*?palette-title">([^<]+)<', re.DOTALL)


def look_up(client: Client, text: str = "") -> dict[str, str]:
    """Titles of what the palette shows, with their addresses."""
    response = client.get("/w/acme/palette/", {"q": text})
    assert response.status_code == 200
    return {title: address for address, title in OPTION.findall(response.content.decode())}


@pytest.fixture
def furnished(workspace: Workspace, editor: User) -> Workspace:
    walk(workspace, editor, until="dataset")
    take_experiment(workspace, editor)
    return workspace


def test_it_finds_every_kind_by_a_part_of_the_name(
    furnished: Workspace, editor: User, client_for: Callable[[User], Client]
) -> None:
    client, slug = client_for(editor), "/w/acme/"
    collection, assistant = Collection.objects.get(), Assistant.objects.get()
    assert look_up(client, "handb")["Handbook"] == f"{slug}collections/{collection.pk}/"
    assert look_up(client, "des")["Desk"] == f"{slug}assistants/{assistant.slug}/"
    assert any("/documents/" in url for url in look_up(client, ".md").values())
    assert "/evaluate/datasets/" in look_up(client, "questions")["Questions"]
    assert "First" in look_up(client, "first")
    conversation = Conversation.objects.get()
    expected = f"{slug}assistants/{assistant.slug}/conversations/{conversation.pk}/"
    assert look_up(client, "leave")["Leave"].endswith(f"{conversation.pk}/"), expected
    assert look_up(client, "create assi")["Create assistant"] == f"{slug}assistants/#new-assistant"
    assert look_up(client, "audit") == {}


def test_each_page_it_offers_opens_for_whom_it_is_offered(
    furnished: Workspace, owner: User, editor: User, viewer: User,
    client_for: Callable[[User], Client],
) -> None:  # fmt: skip
    for user, role in ((owner, Role.OWNER), (editor, Role.EDITOR), (viewer, Role.VIEWER)):
        client, membership = client_for(user), Membership(role=role)
        for place in (*ACTIONS, *PAGES):
            found = look_up(client, place.title)
            address = place.address("acme")
            assert (found.get(place.title) == address) == membership.has_role(place.role)
            if place.title in found:
                assert client.get(address, follow=True).status_code == 200, (role, place.title)


def test_a_viewer_finds_no_evaluation_and_nobody_elses_conversations(
    furnished: Workspace, owner: User, viewer: User, client_for: Callable[[User], Client]
) -> None:
    assert "Leave" not in look_up(client_for(owner), "leave")
    found = look_up(client_for(viewer), "questions")
    assert "Questions" not in found
    assert "Handbook" in look_up(client_for(viewer), "handbook")


def test_it_finds_nothing_of_other_workspaces_nor_attached_files(
    workspace: Workspace, other_workspace: Workspace, editor: User, stranger: User,
    client_for: Callable[[User], Client],
) -> None:  # fmt: skip
    make_document(make_collection(other_workspace, "Secrets"), "secrets.md", ["x"])
    private = Collection.everything.create(workspace=workspace, name="secret", is_private=True)
    make_document(private, "secret.md", ["x"])
    client = client_for(editor)
    assert list(look_up(client, "secret")) == ["Create API key"]
    assert client_for(stranger).get("/w/acme/palette/", {"q": "a"}).status_code == 404


def test_without_a_text_it_offers_what_can_be_begun(
    furnished: Workspace, editor: User, client_for: Callable[[User], Client]
) -> None:
    found = list(look_up(client_for(editor)))
    assert found[0] == "Create assistant"
    assert {"Leave", "Desk", "Documents", "Upload files"} <= set(found)
    assert "Invite a member" not in found


def test_what_nothing_is_called_is_said_and_odd_texts_do_no_harm(
    workspace: Workspace, editor: User, client_for: Callable[[User], Client]
) -> None:
    client = client_for(editor)
    for text in ("zzz", "%", "_", "'; --", "<b>", "\x00", "a" * 5000, "日本"):
        response = client.get("/w/acme/palette/", {"q": text})
        assert response.status_code == 200
        assert b"<b>" not in response.content
    assert b"Nothing is called" in client.get("/w/acme/palette/", {"q": "zzz"}).content


def test_upload_leads_to_the_only_collection(
    workspace: Workspace, editor: User, client_for: Callable[[User], Client]
) -> None:
    client = client_for(editor)
    assert client.get("/w/acme/upload/").headers["Location"] == "/w/acme/documents/"
    collection = make_collection(workspace)
    expected = f"/w/acme/collections/{collection.pk}/"
    assert client.get("/w/acme/upload/").headers["Location"] == expected


def test_keys_are_different_and_listed_on_each_page(
    workspace: Workspace, viewer: User, client_for: Callable[[User], Client]
) -> None:
    keys = [place.key for place in list_keys()]
    assert len(set(keys)) == len(keys)
    page = client_for(viewer).get("/w/acme/documents/").content.decode()
    assert '<a href="/w/acme/documents/" data-go="d">Documents</a>' in page
    assert 'data-go="e"' not in page


def test_rest_finds_by_name(furnished: Workspace, api: Any) -> None:
    found = api.get("/api/v1/find/", {"q": "handb"}).json()["results"]
    assert [(row["kind"], row["title"]) for row in found] == [("collection", "Handbook")]
    assert api.get("/api/v1/find/").json() == {"results": []}
    assert api.get("/api/v1/find/", {"q": "a" * 500}).status_code == 400
    kinds = [row["kind"] for row in api.get("/api/v1/find/", {"q": "leave"}).json()["results"]]
    assert kinds == ["document"]
