"""The chat page: ask, follow, stop, answer again, edit, export, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import AsyncClient, Client

from apps.chat.models import Conversation, Message, MessageState
from apps.traces.models import Trace
from apps.workspaces.models import ConversationAccess, Workspace
from inference.stub_server import StubServer
from tests.chat.helpers import QUESTION, run, settle, until

pytestmark = pytest.mark.django_db(transaction=True)

HTMX = {"HX-Request": "true"}
BASE = "/w/acme"


class Browser:
    """A signed-in browser on the event loop that answers live on."""

    def __init__(self, user: Any) -> None:
        self.client = AsyncClient()
        self.client.force_login(user)

    async def post(self, path: str, **data: Any) -> Any:
        return await self.client.post(f"{BASE}{path}", data, headers=HTMX)

    async def read(self, path: str) -> str:
        """A whole response, streamed or not."""
        response: Any = await self.client.get(f"{BASE}{path}")
        assert response.status_code == 200, path
        if not response.streaming:
            return str(response.content.decode())
        return b"".join([part async for part in response]).decode()


@pytest.fixture
def browser(owner: Any) -> Browser:
    return Browser(owner)


def answers() -> list[Message]:
    return list(Message.objects.filter(author="assistant").order_by("created_at"))


def ask_twice(
    browser: Browser, first: str = QUESTION, second: str = "When do they expire?"
) -> None:
    """A conversation of two turns, both answered."""

    async def go() -> None:
        await browser.post("/assistants/desk/ask/", question=first)
        await settle()
        conversation = await Conversation.objects.aget()
        await browser.post(
            "/assistants/desk/ask/", question=second, conversation=str(conversation.pk)
        )

    run(go)


def test_a_question_becomes_a_turn_that_streams_its_answer(
    desk: Any, browser: Browser, stub: StubServer
) -> None:
    async def go() -> tuple[Any, list[str]]:
        turn = await browser.post("/assistants/desk/ask/", question=f"{QUESTION} [[stub:stall]]")
        answer = await Message.objects.aget(author="assistant")
        # All of it is there already: who watches from now on sees it from the beginning.
        await until(lambda: stub.stats.tokens > 3)
        watched: Any = await browser.client.get(f"{BASE}/answers/{answer.pk}/events/")
        parts = []
        async for part in watched:
            parts.append(part.decode())
            if len(parts) == 3:
                await browser.post(f"/answers/{answer.pk}/stop/")
        return turn, parts

    turn, parts = run(go)
    [answer] = answers()
    assert turn.status_code == 200
    assert turn["HX-Push-Url"] == f"{BASE}/assistants/desk/chat/{answer.conversation_id}/"
    assert f'sse-connect="{BASE}/answers/{answer.pk}/events/"' in turn.content.decode()
    names = [part.splitlines()[0] for part in parts]
    assert names[:3] == ["event: status", "event: status", "event: token"]
    assert set(names[3:-1]) <= {"event: token"}
    assert names[-1] == "event: final"
    assert "data: Searching the documents" in parts[0]
    assert "Stopped here, as you asked." in parts[-1]
    assert answer.content
    assert answer.content in parts[-1]


def test_a_late_watcher_gets_the_end_at_once(desk: Any, browser: Browser) -> None:
    async def go() -> str:
        await browser.post("/assistants/desk/ask/", question=QUESTION)
        await settle()
        answer = await Message.objects.aget(author="assistant")
        return await browser.read(f"/answers/{answer.pk}/events/")

    stream = run(go)
    assert stream.startswith("event: final\n")
    assert "According to the documents" in stream
    assert 'data-citation="1"' in stream


def test_the_page_shows_the_conversation_after_a_reload(
    desk: Any, browser: Browser, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    ask_twice(browser)
    conversation = Conversation.objects.get()
    page = client_for(owner).get(f"{BASE}/assistants/desk/chat/{conversation.pk}/")
    body = page.content.decode()
    assert body.count("data-turn") == 2
    assert body.index(QUESTION) < body.index("When do they expire?")
    assert conversation.title == "Days of annual leave"
    assert "data-answer-open" not in body


def test_a_follow_up_is_searched_with_its_topic(desk: Any, browser: Browser) -> None:
    ask_twice(browser)
    queries = [
        trace.spans.get(name="rewrite").attributes["query"]
        for trace in Trace.objects.order_by("started_at")
    ]
    assert queries == [QUESTION, f"{QUESTION} When do they expire?"]


def test_stop_keeps_what_was_said(desk: Any, browser: Browser, stub: StubServer) -> None:
    async def go() -> int:
        await browser.post("/assistants/desk/ask/", question=f"{QUESTION} [[stub:stall]]")
        answer = await Message.objects.aget(author="assistant")
        await until(lambda: stub.stats.tokens > 3)
        stopped = await browser.post(f"/answers/{answer.pk}/stop/")
        await browser.post(f"/answers/{answer.pk}/stop/")
        await settle()
        return int(stopped.status_code)

    assert run(go) == 204
    [answer] = answers()
    assert answer.state == MessageState.STOPPED
    assert answer.content.startswith("According")
    assert stub.stats.open_streams == 0


def test_answering_again_puts_the_old_answer_aside(desk: Any, browser: Browser) -> None:
    ask_twice(browser)
    [first, second] = answers()

    async def go() -> tuple[int, str, int]:
        again = await browser.post(f"/answers/{second.pk}/regenerate/")
        gone = await browser.post(f"/answers/{second.pk}/regenerate/")
        return again.status_code, again.content.decode(), gone.status_code

    status, body, gone_status = run(go)
    assert (status, gone_status) == (200, 404)
    [_, old, new] = answers()
    assert (old.pk, old.replaced) == (second.pk, True)
    assert (new.question_id, new.replaced, new.state) == (old.question_id, False, "done")
    assert f"answer-{new.pk}" in body
    assert not Message.objects.get(pk=first.pk).replaced


def test_editing_puts_aside_what_followed(desk: Any, browser: Browser, stub: StubServer) -> None:
    ask_twice(browser)
    question = Message.objects.get(content=QUESTION)

    async def go() -> Any:
        empty = await browser.post(f"/questions/{question.pk}/edit/", question=" ")
        assert empty.status_code == 422
        return await browser.post(f"/questions/{question.pk}/edit/", question="Who gets leave?")

    body = run(go).content.decode()
    assert body.count("data-turn") == 1
    assert "Who gets leave?" in body
    current = Message.objects.filter(replaced=False).order_by("created_at")
    assert [m.author for m in current] == ["user", "assistant"]
    assert Message.objects.filter(replaced=True).count() == 4
    # What was put aside is no history for the new question.
    assert [m["role"] for m in stub.seen[-1]["messages"]] == ["system", "user"]


def test_a_model_that_fails_says_so_and_can_be_tried_again(desk: Any, browser: Browser) -> None:
    async def go() -> str:
        await browser.post("/assistants/desk/ask/", question=f"{QUESTION} [[stub:auth]]")
        answer = await Message.objects.aget(author="assistant")
        return await browser.read(f"/answers/{answer.pk}/events/")

    stream = run(go)
    [answer] = answers()
    assert answer.state == MessageState.FAILED
    assert "The answer could not be made." in stream
    assert f"/answers/{answer.pk}/regenerate/" in stream


def test_export_and_delete(
    desk: Any, browser: Browser, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    ask_twice(browser)
    conversation, client = Conversation.objects.get(), client_for(owner)
    exported = client.get(f"{BASE}/conversations/{conversation.pk}/export/")
    text = exported.content.decode()
    assert text.startswith(f"# Days of annual leave\n\n## {QUESTION}\n\nAccording to the documents")
    assert "[1] leave.md, page 1: “" in text
    assert exported["Content-Disposition"].startswith(
        'attachment; filename="days-of-annual-leave.md"'
    )
    client.post(f"{BASE}/conversations/{conversation.pk}/delete/")
    assert not Message.objects.exists()
    assert not Trace.objects.exists()


def test_conversations_are_private_within_the_workspace(
    desk: Any, browser: Browser, editor: Any, client_for: Callable[[Any], Client]
) -> None:
    ask_twice(browser)
    conversation, [answer, _] = Conversation.objects.get(), answers()
    colleague = client_for(editor)
    paths = [
        f"/assistants/desk/chat/{conversation.pk}/",
        f"/conversations/{conversation.pk}/export/",
        f"/answers/{answer.pk}/events/",
    ]
    assert [colleague.get(BASE + path).status_code for path in paths] == [404] * 3
    assert str(conversation.pk) not in colleague.get(f"{BASE}/assistants/desk/").content.decode()
    for path in (f"/answers/{answer.pk}/stop/", f"/answers/{answer.pk}/regenerate/"):
        assert colleague.post(BASE + path).status_code == 404


def test_editors_read_how_an_answer_was_made_and_viewers_only_their_own(
    desk: Any, browser: Browser, editor: Any, viewer: Any, client_for: Callable[[Any], Client]
) -> None:
    ask_twice(browser)
    path = f"{BASE}/traces/{answers()[0].trace_id}/"
    assert client_for(editor).get(path).status_code == 404
    Workspace.objects.update(conversation_access=ConversationAccess.UNNAMED)
    body = client_for(editor).get(path).content.decode()
    for shown in ("Rewrite the question", "Search", "Generate", "Check citations", QUESTION):
        assert shown in body
    assert "You answer questions from the passages" in body
    assert client_for(viewer).get(path).status_code == 404
