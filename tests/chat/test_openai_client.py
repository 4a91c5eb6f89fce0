"""An unchanged `openai` client against a real server: uvicorn, the application, the stub model."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
import uvicorn

from apps.chat.models import Message, MessageState
from apps.workspaces.models import ApiKey
from inference.stub_server import StubServer
from tests.chat.helpers import QUESTION, WAIT_S

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server_url() -> Iterator[str]:
    from config.asgi import application

    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            application, log_level="error", access_log=False, lifespan="on", loop="asyncio"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        wait_for(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(WAIT_S)
    assert not thread.is_alive()


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def client(server_url: str, api: Any, desk: Any) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server_url}/v1", api_key=api.key, max_retries=0) as found:
        yield found


def ask(client: openai.OpenAI, question: str = QUESTION, **options: Any) -> Any:
    messages: Any = [{"role": "user", "content": question}]
    return client.chat.completions.create(
        model=options.pop("model", "desk"), messages=messages, **options
    )


def test_it_lists_assistants_and_streams_a_cited_answer(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["desk"]
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    finish, usage = chunks[-2:]
    assert text.startswith("According to the documents")
    assert finish.choices[0].finish_reason == "stop"
    assert [citation["n"] for citation in finish.citations] == [1]
    assert Message.objects.get(pk=finish.message_id).content == text
    assert finish.trace_id
    assert usage.usage.completion_tokens > 0


def test_it_reads_a_whole_answer(client: openai.OpenAI) -> None:
    answer = ask(client)
    assert "[1]" in answer.choices[0].message.content
    assert answer.citations[0]["document_name"] == "leave.md"
    assert answer.usage.total_tokens > 0


async def test_the_asynchronous_client_works_too(server_url: str, api: Any, desk: Any) -> None:
    async with openai.AsyncOpenAI(base_url=f"{server_url}/v1", api_key=api.key) as client:
        models = [model.id async for model in client.models.list()]
        stream: Any = await client.chat.completions.create(
            model="desk", messages=[{"role": "user", "content": QUESTION}], stream=True
        )
        chunks = [chunk async for chunk in stream]
    assert models == ["desk"]
    assert chunks[-1].citations[0]["n"] == 1


def test_errors_are_those_that_the_client_knows(client: openai.OpenAI, server_url: str) -> None:
    with pytest.raises(openai.NotFoundError, match="nobody"):
        ask(client, model="nobody")
    with pytest.raises(openai.BadRequestError):
        ask(client, question=" ")
    with pytest.raises(openai.RateLimitError):
        ask(client, question=f"{QUESTION} [[stub:rate_limited]]")
    with pytest.raises(openai.InternalServerError):
        ask(client, question=f"{QUESTION} [[stub:error]]")
    with pytest.raises(openai.APIError):
        list(ask(client, question=f"{QUESTION} [[stub:mid_stream]]", stream=True))
    with (
        openai.OpenAI(base_url=f"{server_url}/v1", api_key="plk_no", max_retries=0) as unknown,
        pytest.raises(openai.AuthenticationError),
    ):
        unknown.models.list()
    ApiKey.objects.update(scopes=["read"])
    with pytest.raises(openai.PermissionDeniedError):
        client.models.list()


def test_hanging_up_stops_the_model(client: openai.OpenAI, stub: StubServer) -> None:
    stream = ask(client, question=f"{QUESTION} [[stub:stall]]", stream=True)
    next(iter(stream))
    assert stub.stats.open_streams == 1
    stream.close()
    wait_for(lambda: stub.stats.disconnected == 1)
    wait_for(lambda: not Message.objects.filter(state=MessageState.STREAMING).exists())
    stored = Message.objects.get(author="assistant")
    assert stored.state == MessageState.STOPPED
    assert stored.content.startswith("According")


def test_hanging_up_before_the_first_word_stops_it_too(
    client: openai.OpenAI, stub: StubServer
) -> None:
    with pytest.raises(openai.APITimeoutError):
        ask(client, question=f"{QUESTION} [[stub:hang]]", timeout=0.5)
    wait_for(lambda: Message.objects.filter(state=MessageState.STOPPED).count() == 1)
