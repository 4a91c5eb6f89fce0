"""What /v1 does for those whom it refuses: nothing, and only so often; and how it says goodbye."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from django.test import AsyncClient, Client

from apps.chat import live, openai_views
from apps.chat.models import Message, MessageState
from apps.core.ratelimit import count_request
from apps.retrieval.search.query import MAX_QUESTION
from inference.stub_server import StubServer
from tests.chat.helpers import (
    QUESTION,
    WAIT_S,
    Reply,
    ask,
    complete,
    post_completion,
    run,
    settle,
    until,
)
from tests.factories import ApiClient, make_api

pytestmark = pytest.mark.django_db(transaction=True)
BASE = "/w/acme"


@pytest.fixture
def stays_up() -> Iterator[None]:
    """What a shut-down leaves in the process is undone."""
    yield
    live._is_going_down = False


def test_nothing_is_embedded_for_somebody_without_a_key(
    desk: Any, workspace: Any, owner: Any, monkeypatch: Any
) -> None:
    asked: list[str] = []

    def refuse() -> Any:
        asked.append("embedder")
        raise AssertionError

    monkeypatch.setattr(openai_views, "get_embedder", refuse)
    body = {"model": desk.slug, "messages": [{"role": "user", "content": QUESTION}]}
    reader = make_api(workspace, owner, scopes=["read"])
    assert [complete(key, body).status for key in ("plk_nothing", "", reader.key)] == [
        401,
        401,
        403,
    ]
    assert asked == []


def test_the_body_of_somebody_without_a_key_is_not_read(desk: Any) -> None:
    assert complete("plk_nothing", {"nonsense": True}).status == 401


def count_of(monkeypatch: Any) -> list[tuple[str, str, int]]:
    """What is counted, without the clock of the windows."""
    counted: list[tuple[str, str, int]] = []

    def count(limits: list[tuple[str, str, int]]) -> Any:
        counted.extend(limits)
        return count_request(limits)

    monkeypatch.setattr("apps.workspaces.keys.throttle.count_request", count)
    return counted


def test_requests_without_a_key_are_counted_and_limited(
    desk: Any, api: Any, settings: Any, monkeypatch: Any
) -> None:
    settings.RATE_LIMIT_REFUSED = 1
    counted = count_of(monkeypatch)
    body = {"model": desk.slug, "messages": [{"role": "user", "content": QUESTION}]}
    statuses = [complete("plk_nothing", body).status for _ in range(3)]
    stranger = ApiClient("plk_nothing")
    statuses += [stranger.get("/api/v1/workspace/").status_code for _ in range(3)]
    assert set(statuses) <= {401, 429}
    assert 429 in statuses[:3]  # a new minute may begin in between, but not twice
    assert 429 in statuses[3:]
    assert [(scope, limit) for scope, _, limit in counted] == [("refused-ip", 1)] * 6
    # Whoever has a key is not locked out by a neighbour without one.
    assert ask(api, desk.slug).status == 200


def test_requests_beyond_a_keys_scope_count_for_the_key(
    desk: Any, workspace: Any, owner: Any, settings: Any
) -> None:
    settings.RATE_LIMIT_KEY = 1
    reader = make_api(workspace, owner, scopes=["read"])
    statuses = [ask(reader, desk.slug).status for _ in range(3)]
    assert 429 in statuses


async def with_end(work: Coroutine[Any, Any, Reply]) -> Reply:
    try:
        return await asyncio.wait_for(work, WAIT_S)
    finally:
        await settle()


def test_a_signal_ends_a_stream_with_an_error_event(
    api: Any, desk: Any, stub: StubServer, stays_up: None
) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))

    async def go() -> Reply:
        live.hear_signals()
        messages = [{"role": "user", "content": f"{QUESTION} [[stub:stall]]"}]
        body = {"model": desk.slug, "messages": messages, "stream": True}
        response = await post_completion(api.key, body)
        parts: list[bytes] = []
        async for part in response:
            parts.append(part)
            if len(parts) == 1:
                await until(lambda: stub.stats.tokens > 3)
                signal.raise_signal(signal.SIGTERM)
        return Reply(response.status_code, None, b"".join(parts))

    interrupts = signal.getsignal(signal.SIGINT)
    try:
        # Not on a loop in another thread: signals come to the main one.
        reply = asyncio.run(with_end(go()))
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, interrupts)
    *_, error, done = reply.events
    assert done == "[DONE]"
    assert error["error"]["message"] == live.WENT_DOWN
    assert (error["error"]["type"], error["error"]["code"]) == ("server_error", "interrupted")
    assert heard == [signal.SIGTERM]
    answer = Message.objects.get(author="assistant")
    assert (answer.state, answer.reason) == (MessageState.INTERRUPTED, live.WENT_DOWN)


def test_who_asks_while_the_server_goes_is_told(api: Any, desk: Any, stays_up: None) -> None:
    live.interrupt_all()
    reply = ask(api, desk.slug, f"{QUESTION} [[stub:stall]]")
    assert (reply.status, reply.body["error"]["message"]) == (503, live.WENT_DOWN)


def test_a_page_that_watches_gets_an_end_that_can_be_resumed(
    desk: Any, owner: Any, stub: StubServer, stays_up: None
) -> None:
    async def go() -> str:
        client = AsyncClient()
        await client.aforce_login(owner)
        question = {"question": f"{QUESTION} [[stub:stall]]"}
        await client.post(f"{BASE}/assistants/desk/ask/", question, headers={"HX-Request": "true"})
        answer = await Message.objects.aget(author="assistant")
        await until(lambda: stub.stats.tokens > 3)
        watched: Any = await client.get(f"{BASE}/answers/{answer.pk}/events/")
        parts = []
        async for part in watched:
            parts.append(part.decode())
            live.interrupt_all()
        return "".join(parts)

    shown = run(go)
    assert "event: final" in shown
    assert "The answer broke off." in shown
    assert "Try again" in shown


def test_the_page_does_not_cut_a_long_question(
    desk: Any, owner: Any, client_for: Callable[[Any], Client]
) -> None:
    page = client_for(owner).get(f"{BASE}/assistants/desk/").content.decode()
    box = page[page.index('<textarea id="question"') :].split(">")[0]
    assert "maxlength" not in box
    too_long = "w" * (MAX_QUESTION + 1)

    async def go() -> tuple[int, str]:
        client = AsyncClient()
        await client.aforce_login(owner)
        path = f"{BASE}/assistants/desk/ask/"
        response = await client.post(path, {"question": too_long}, headers={"HX-Request": "true"})
        return response.status_code, response.content.decode()

    status, reason = run(go)
    assert (status, reason[:55]) == (422, "This question has 32,001 characters; 32,000 can be aske")
    assert not Message.objects.exists()


def test_v1_says_how_long_a_question_is(api: Any, desk: Any) -> None:
    reply = ask(api, desk.slug, "w" * (MAX_QUESTION + 1))
    assert reply.status == 400
    assert "32,001 characters; 32,000 can be asked" in reply.body["error"]["message"]
    assert not Message.objects.exists()
    fits = ask(api, desk.slug, f"{QUESTION} " + "w " * 7_000)
    assert fits.status == 200
    assert len(Message.objects.get(author="user").content) > 14_000
