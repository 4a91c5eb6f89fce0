"""Every list page of an empty workspace leads on: an action in it, and an example beside it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from apps.assistants.services import create_assistant
from apps.datasets.services import create_dataset
from apps.workspaces.models import User, Workspace
from apps.workspaces.services import Actor
from tests.documents.make import make_collection
from tests.isolation.addresses import list_addresses

pytestmark = pytest.mark.django_db

MAIN = re.compile(r"<main.*</main>", re.DOTALL)
ACTION = re.compile(r'<(?:a|button|label)\s[^>]*class="[^"]*btn-primary')
EMPTY = re.compile(r'<div class="[a-z ]*\bempty\b[^"]*">(.*?)\n</div>', re.DOTALL)
CONTROL = re.compile(r'<(?:a|button|label)\s[^>]*class="[^"]*\bbtn\b')

NO_LISTS = {
    "workspaces:home": "leads on at once",
    "workspaces:audit": "read only: it shows what was done elsewhere",
    "workspaces:leave": "a notice before a link is followed",
    "documents:table": "a fragment of the collection's page",
    "chat:listing": "a fragment of the chat's page",
    "chat:examples": "a fragment of the chat's page",
    "chat:scope_documents": "a fragment of the chat's page",
    "datasets:pick_passages": "a fragment of an example's page",
    "assistants:contexts_progress": "a fragment of the page of contexts",
    "assistants:suggestions": "a fragment of the recipe",
    "retrieval:index_progress": "a fragment of the page of indexes",
    "guide:steps": "a fragment of the first steps",
    "guide:palette": "a fragment of the palette",
    "evaluation:models": "a table that fills itself from the releases",
    "feedback:of_assistant": "of one assistant: the workspace's page leads on",
    "feedback:conversations_of_assistant": "of one assistant: the workspace's page leads on",
}  # fmt: skip


@pytest.fixture
def pages(workspace: Workspace, editor: User) -> dict[str, str]:
    """Every page that opens in a workspace with an empty collection, assistant and dataset."""
    actor = Actor(user=editor)
    collection = make_collection(workspace)
    assistant = create_assistant(workspace, name="Desk", collections=[collection], actor=actor)
    dataset = create_dataset(workspace, name="Questions", actor=actor)
    known = {
        "slug": "acme",
        "collection_id": collection.pk,
        "assistant_slug": assistant.slug,
        "dataset_id": dataset.pk,
    }
    return {
        address.name: address.fill(known)
        for address in list_addresses("w/")
        if set(address.parameters) <= set(known)
    }


def test_every_page_of_an_almost_empty_workspace_has_a_primary_action(
    pages: dict[str, str], owner: User, client_for: Callable[[User], Client]
) -> None:
    client, without, seen = client_for(owner), [], set()
    for name, path in pages.items():
        response = client.get(path)
        if response.status_code != 200 or not response.headers["Content-Type"].startswith("text/"):
            continue
        seen.add(name)
        main = MAIN.search(response.content.decode())
        if name not in NO_LISTS and not (main and ACTION.search(main.group())):
            without.append(name)
    assert ", ".join(without) == ""
    assert len(seen) > 30


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("assistants/", 'href="/w/acme/documents/#new-collection"'),
        ("documents/", 'data-dialog-open="new-collection"'),
        ("search/", 'href="/w/acme/upload/"'),
        ("playground/", 'href="/w/acme/assistants/#new-assistant"'),
        ("evaluate/", 'href="/w/acme/assistants/#new-assistant"'),
        ("evaluate/datasets/", 'data-dialog-open="new-dataset"'),
        ("evaluate/lab/", 'href="/w/acme/upload/"'),
        ("evaluate/judges/", 'href="/w/acme/evaluate/"'),
        ("feedback/", 'href="/w/acme/assistants/"'),
        ("prompts/", 'data-dialog-open="new-prompt"'),
    ],
)
def test_an_empty_place_holds_its_next_step(
    path: str, action: str, workspace: Workspace, owner: User,
    client_for: Callable[[User], Client],
) -> None:  # fmt: skip
    page = client_for(owner).get(f"/w/acme/{path}").content.decode()
    empty = EMPTY.search(page)
    assert empty is not None
    assert action in empty.group(1)
    assert CONTROL.search(empty.group(1))
