"""Making an assistant: what it answers from, and names that are taken already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.assistants.models import Assistant
from apps.assistants.services import create_assistant, delete_assistant
from apps.documents.collections import create_collection
from apps.prompts.services import create_prompt
from apps.workspaces.services import Actor

pytestmark = pytest.mark.django_db
ACTOR = Actor()
PATH = "/w/acme/assistants/new/create/"


def test_no_assistant_is_made_without_documents_by_accident(
    workspace: Any, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    client = client_for(owner)
    handbook = create_collection(workspace, name="Handbook", actor=ACTOR)
    refused = client.post(PATH, {"name": "Desk"})
    assert refused.status_code == 422
    assert "Choose what it answers from" in refused.content.decode()
    both = {"name": "Desk", "collections": [handbook.pk], "without_documents": "on"}
    assert client.post(PATH, both).status_code == 422
    assert not Assistant.objects.exists()
    assert client.post(PATH, {"name": "Desk", "collections": [handbook.pk]}).status_code == 302
    assert client.post(PATH, {"name": "Talk", "without_documents": "on"}).status_code == 302
    assert [a.name for a in Assistant.objects.order_by("name")] == ["Desk", "Talk"]


def test_rest_wants_collections_named_even_if_there_are_none(api: Any) -> None:
    path = "/api/v1/assistants/"
    assert set(api.post_json(path, {"name": "Desk"}).json()["errors"]) == {"collections"}
    assert api.post_json(path, {"name": "Desk", "collections": []}).status_code == 201


def test_an_assistant_may_be_named_like_a_prompt(workspace: Any, api: Any) -> None:
    create_prompt(workspace, name="sales", actor=ACTOR)
    create_prompt(workspace, name="sales-2", actor=ACTOR)
    made = api.post_json("/api/v1/assistants/", {"name": "Sales", "collections": []})
    assert made.status_code == 201, made.content
    assistant = Assistant.objects.get()
    assert assistant.current is not None
    assert (assistant.slug, assistant.current.prompt_version.prompt.name) == ("sales", "sales-3")


def test_an_assistant_is_made_deleted_and_made_again(
    workspace: Any, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    client = client_for(owner)
    delete_assistant(
        create_assistant(workspace, name="Desk", collections=[], actor=ACTOR), actor=ACTOR
    )
    again = client.post(PATH, {"name": "Desk", "without_documents": "on"})
    assert again.status_code == 302
    assert Assistant.objects.get().slug == "desk"
