"""Asking within some collections or one document: on the page, over REST and over /v1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import AsyncClient, Client

from apps.assistants.services import create_assistant
from apps.chat.models import Conversation, Message
from apps.documents.models import Document
from apps.traces.models import Trace
from apps.workspaces.services import Actor, create_workspace
from tests.chat.helpers import ask, run, settle
from tests.factories import add_documents, make_user

pytestmark = pytest.mark.django_db(transaction=True)

LEAVE = "# Leave\n\nEmployees get 20 days of annual leave.\n"
OLD_LEAVE = "# Leave\n\nEmployees get 14 days of annual leave.\n"
TRAVEL = "# Travel\n\nTrains are preferred for travel within the country.\n"
QUESTION = "How many days of annual leave do employees get?"
BASE = "/w/acme"


@pytest.fixture
def shelf(workspace: Any) -> Any:
    """An assistant over two collections, and a third that it has not."""
    handbook = add_documents(workspace, {"leave.md": LEAVE, "travel.md": TRAVEL}, name="Handbook")
    archive = add_documents(workspace, {"old.md": OLD_LEAVE}, name="Archive")
    assistant = create_assistant(
        workspace, name="Desk", collections=[handbook, archive], actor=Actor()
    )
    secret = add_documents(workspace, {"secret.md": OLD_LEAVE}, name="Secret")
    return {"handbook": handbook, "archive": archive, "secret": secret, "assistant": assistant}


def document(name: str) -> Document:
    return Document.objects.get(name=name)


def cited(body: Any) -> set[str]:
    return {citation["document_name"] for citation in body["citations"]}


def test_a_chosen_collection_is_all_that_is_searched(api: Any, shelf: Any) -> None:
    body = ask(api, "desk", QUESTION, scope={"collections": [str(shelf["archive"].pk)]}).body
    assert cited(body) == {"old.md"}
    assert body["scope"] == {"collections": [{"id": str(shelf["archive"].pk), "name": "Archive"}]}
    search = Trace.objects.get().spans.get(name="search").attributes
    assert (search["scope"], search["retrieval.searched"]) == ("Archive", 1)
    question, answer = Message.objects.order_by("created_at")
    assert question.scope == answer.scope == body["scope"]
    shown = api.get(f"/api/v1/messages/{answer.pk}/").json()
    assert shown["scope"] == body["scope"]


def test_a_chosen_document_is_all_that_is_searched(api: Any, shelf: Any) -> None:
    old = document("old.md")
    assert cited(ask(api, "desk", QUESTION, scope={"document": str(old.pk)}).body) == {"old.md"}
    travel = ask(api, "desk", QUESTION, scope={"document": str(document("travel.md").pk)}).body
    assert travel["declined"]
    assert cited(ask(api, "desk", QUESTION).body) >= {"leave.md"}


def test_a_large_collection_is_narrowed_to_a_document_too(
    api: Any, shelf: Any, settings: Any
) -> None:
    settings.EXACT_SCAN_CHUNKS = 1
    old = document("old.md")
    assert cited(ask(api, "desk", QUESTION, scope={"document": str(old.pk)}).body) == {"old.md"}


def test_what_the_assistant_does_not_have_cannot_be_chosen(api: Any, shelf: Any) -> None:
    stranger = create_workspace("Other", owner=make_user("x@other.example"))
    foreign = add_documents(stranger, {"foreign.md": LEAVE})
    refused = [
        {"collections": [str(shelf["secret"].pk)]},
        {"collections": [str(foreign.pk)]},
        {"collections": ["nonsense"]},
        {"document": str(document("secret.md").pk)},
        {"document": str(document("foreign.md").pk)},
        {"document": "nonsense"},
        {"document": str(document("old.md").pk), "collections": [str(shelf["archive"].pk)]},
        {"folder": "x"},
        {"collections": "x"},
        {"document": 7},
        [],
    ]
    replies = [ask(api, "desk", QUESTION, scope=scope) for scope in refused]
    assert [reply.status for reply in replies] == [400] * len(refused)
    assert {reply.body["error"]["param"].split(".")[0] for reply in replies} == {"scope"}
    hidden = {replies[n].body["error"]["message"] for n in (0, 1, 2)}
    assert hidden == {"This assistant has no such collection."}
    assert not Message.objects.exists()


def test_v1_goes_on_with_a_conversation_and_its_choice(api: Any, shelf: Any) -> None:
    scope = {"collections": [str(shelf["archive"].pk)]}
    first = ask(api, "desk", QUESTION, scope=scope).body
    conversation = first["conversation_id"]
    second = ask(api, "desk", QUESTION, conversation=conversation).body
    assert second["conversation_id"] == conversation
    assert cited(second) == {"old.md"}
    third = ask(api, "desk", QUESTION, conversation=conversation, scope={}).body
    assert "leave.md" in cited(third)
    assert Conversation.objects.count() == 1
    for other in ("nonsense", str(shelf["archive"].pk)):
        assert ask(api, "desk", QUESTION, conversation=other).status in (400, 404)


async def post(user: Any, path: str, data: dict[str, Any]) -> Any:
    client = AsyncClient()
    await client.aforce_login(user)
    return await client.post(f"{BASE}{path}", data, headers={"HX-Request": "true"})


def test_the_choice_stays_for_the_conversation(
    shelf: Any, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    chosen = {"scope": "chosen", "collection": [str(shelf["archive"].pk)]}

    async def go() -> None:
        await post(owner, "/assistants/desk/ask/", {"question": QUESTION, **chosen})
        await settle()
        pk = str((await Conversation.objects.aget()).pk)
        await post(owner, "/assistants/desk/ask/", {"question": "And leave?", "conversation": pk})

    run(go)
    assert [m.scope != {} for m in Message.objects.all()] == [True] * 4
    conversation = Conversation.objects.get()
    body = client_for(owner).get(f"{BASE}/assistants/desk/chat/{conversation.pk}/").content.decode()
    assert "data-scope-label>Archive<" in body
    assert 'Asked in: <span dir="auto">Archive</span>' in body


def test_nothing_found_offers_to_ask_everywhere(
    shelf: Any, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    travel = document("travel.md")

    async def go() -> tuple[str, str]:
        data = {"question": QUESTION, "scope": "chosen", "document": str(travel.pk)}
        await post(owner, "/assistants/desk/ask/", data)
        await settle()
        answer = await Message.objects.aget(author="assistant")
        client = AsyncClient()
        await client.aforce_login(owner)
        stream: Any = await client.get(f"{BASE}/answers/{answer.pk}/events/")
        shown = b"".join([part async for part in stream]).decode()
        again = await post(owner, f"/answers/{answer.pk}/regenerate/", {"everywhere": "1"})
        return shown, again.content.decode()

    shown, again = run(go)
    assert "was found in <strong" in shown
    assert "Ask in all documents" in shown
    assert "data-scope-label>all documents<" in again
    answer = Message.objects.get(author="assistant", replaced=False)
    assert (answer.scope, answer.is_declined) == ({}, False)


def test_the_page_offers_only_what_the_assistant_has(
    shelf: Any, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    client = client_for(owner)
    body = client.get(f"{BASE}/assistants/desk/").content.decode()
    assert "Archive" in body
    assert "Secret" not in body
    find = f"{BASE}/assistants/desk/scope/documents/"
    assert "old.md" in client.get(find, {"find": "OLD"}).content.decode()
    assert "has “secret” in its name" in client.get(find, {"find": "secret"}).content.decode()


def test_a_choice_that_is_not_there_is_refused_on_the_page(shelf: Any, owner: Any) -> None:
    data = {"question": QUESTION, "scope": "chosen", "collection": [str(shelf["secret"].pk)]}
    response = run(lambda: post(owner, "/assistants/desk/ask/", data))
    assert response.status_code == 422
    assert response.content.decode() == "This assistant has no such collection."
    assert not Message.objects.exists()
