"""The client against hand-written responses and the stub server, over real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import aclosing

import pytest

from inference.errors import ModelError
from inference.openai import client as openai_client
from inference.openai.client import OpenAIClient, Timeouts
from inference.stub_server import StubServer
from inference.types import ChatDelta, ChatMessage, Sampling, Usage
from tests.inference.conftest import Replay

QUESTION = [ChatMessage("system", "Be brief."), ChatMessage("user", "Hi")]
KEY = "sk-test-0123456789"


def make_http(
    body: str, *, status: int = 200, kind: str = "application/json", head: str = ""
) -> bytes:
    return (
        f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{head}"
        f"Content-Length: {len(body.encode())}\r\n\r\n{body}"
    ).encode()


def make_events(*payloads: object, done: bool = True) -> bytes:
    lines = [f"data: {json.dumps(payload)}\n\n" for payload in payloads]
    body = "".join(lines) + ("data: [DONE]\n\n" if done else "")
    return make_http(body, kind="text/event-stream")


def make_chunk(text: str | None = None, finish: str | None = None, **delta: str) -> object:
    content = {} if text is None else {"content": text}
    return {"choices": [{"index": 0, "delta": {**delta, **content}, "finish_reason": finish}]}


async def collect(
    client: OpenAIClient, question: str = "Hi", *, max_tokens: int | None = None
) -> list[ChatDelta]:
    messages = [ChatMessage("user", question)]
    return [d async for d in client.stream(messages, sampling=Sampling(max_tokens=max_tokens))]


def join(deltas: list[ChatDelta]) -> str:
    return "".join(delta.text for delta in deltas)


async def fail(client: OpenAIClient, question: str = "Hi") -> ModelError:
    with pytest.raises(ModelError) as caught:
        await collect(client, question)
    return caught.value


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_client, "RETRY_BASE_SECONDS", 0.001)


async def test_streams_text_finish_and_usage(stub: StubServer) -> None:
    deltas = await collect(OpenAIClient(stub.base_url, model="stub"), "one two three")
    assert join(deltas) == "According to the documents the answer is given in the"
    assert [d.finish_reason for d in deltas if d.finish_reason] == ["stop"]
    assert [d.usage for d in deltas if d.usage] == [Usage(3, 10)]
    assert len(deltas) > 2


async def test_sends_only_the_settings_that_are_set(stub: StubServer) -> None:
    client = OpenAIClient(stub.base_url, model="stub", extra_body={"top_k": 5})
    await collect(client, max_tokens=3)
    assert stub.seen[-1] == {
        "model": "stub",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 3,
        "top_k": 5,
    }


async def test_connections_are_reused(stub: StubServer) -> None:
    client = OpenAIClient(stub.base_url, model="stub")
    for _ in range(3):
        await collect(client)
    assert stub.stats.connections == 1


async def test_many_streams_at_once_do_not_mix(stub: StubServer) -> None:
    client = OpenAIClient(stub.base_url, model="stub")
    questions = [f"[[reply:answer number {n} ends here]]" for n in range(40)]
    answers = await asyncio.gather(*(collect(client, question) for question in questions))
    assert [join(a) for a in answers] == [f"answer number {n} ends here" for n in range(40)]


@pytest.mark.parametrize(
    ("behaviour", "kind", "retryable"),
    [
        ("mid_stream", "interrupted", True),
        ("event_error", "interrupted", True),
        ("first_error", "overloaded", True),
        ("error", "server_error", True),
        ("overloaded", "overloaded", True),
        ("rate_limited", "rate_limited", True),
        ("auth", "auth", False),
        ("not_found", "not_found", False),
        ("too_long", "too_long", False),
        ("redirect", "invalid_response", False),
        ("garbage", "invalid_response", False),
    ],
)
async def test_failures_have_a_kind(
    stub: StubServer, behaviour: str, kind: str, retryable: bool
) -> None:
    client = OpenAIClient(stub.base_url, model=f"stub-{behaviour}", api_key=KEY)
    error = await fail(client)
    assert (error.kind, error.retryable) == (kind, retryable)
    assert KEY not in str(error)
    assert str(error).startswith("The ")


async def test_text_before_an_interruption_is_delivered(stub: StubServer) -> None:
    got: list[ChatDelta] = []

    async def read() -> None:
        client = OpenAIClient(stub.base_url, model="stub-mid_stream")
        async for delta in client.stream(QUESTION, sampling=Sampling()):
            got.append(delta)

    with pytest.raises(ModelError) as caught:
        await read()
    assert caught.value.kind == "interrupted"
    assert join(got) == "According to the documents the"
    assert stub.stats.requests == 1  # never asked again once text was shown


async def test_busy_server_is_asked_again_before_the_first_token(stub: StubServer) -> None:
    client = OpenAIClient(stub.base_url, model="stub-overloaded_once")
    assert join(await collect(client))
    assert stub.stats.requests == 2


async def test_gives_up_after_two_more_tries(stub: StubServer) -> None:
    await fail(OpenAIClient(stub.base_url, model="stub-overloaded"))
    assert stub.stats.requests == 3


async def test_long_retry_after_is_handed_on_instead_of_waited_for(stub: StubServer) -> None:
    error = await fail(OpenAIClient(stub.base_url, model="stub-rate_limited"))
    assert error.retry_after == 30
    assert stub.stats.requests == 1


async def test_silence_before_the_first_token_times_out(stub: StubServer) -> None:
    patience = Timeouts(first_token=0.05)
    error = await fail(OpenAIClient(stub.base_url, model="stub-hang", timeouts=patience))
    assert error.kind == "timeout"
    assert stub.stats.requests == 1


async def test_silence_between_tokens_is_an_interruption(stub: StubServer) -> None:
    patience = Timeouts(first_token=30, between_tokens=0.05)
    error = await fail(OpenAIClient(stub.base_url, model="stub-stall", timeouts=patience))
    assert error.kind == "interrupted"


async def test_a_slow_consumer_is_not_a_silent_server(stub: StubServer) -> None:
    patience = Timeouts(first_token=5, between_tokens=0.05)
    client = OpenAIClient(stub.base_url, model="stub", timeouts=patience)
    text = ""
    async for delta in client.stream(QUESTION, sampling=Sampling()):
        if not text:
            await asyncio.sleep(0.2)
        text += delta.text
    assert text.startswith("According")


async def test_keep_alive_comments_do_not_count_as_a_first_token(replay: Replay) -> None:
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n"
    server = await replay((head + ": waiting\n\n").encode())
    patience = Timeouts(first_token=0.05)
    error = await fail(OpenAIClient(server.base_url, model="m", timeouts=patience))
    assert error.kind == "timeout"


async def wait_until_left(stub: StubServer) -> None:
    while stub.stats.open_streams:
        await asyncio.sleep(0.002)


async def test_cancelling_ends_the_request_at_once(stub: StubServer) -> None:
    client = OpenAIClient(stub.base_url, model="stub-stall")
    started = asyncio.Event()

    async def read() -> None:
        async for _ in client.stream(QUESTION, sampling=Sampling()):
            started.set()

    task = asyncio.create_task(read())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        await wait_until_left(stub)
    assert stub.stats.disconnected == 1


async def test_closing_early_ends_the_request_at_once(stub: StubServer) -> None:
    client = OpenAIClient(stub.base_url, model="stub-slow")
    async with aclosing(client.stream(QUESTION, sampling=Sampling())) as deltas:
        async for _ in deltas:
            break
    async with asyncio.timeout(5):
        await wait_until_left(stub)
    assert stub.stats.disconnected == 1


async def test_nothing_listening(unused_tcp_port: int) -> None:
    error = await fail(OpenAIClient(f"http://127.0.0.1:{unused_tcp_port}/v1", model="m"))
    assert error.kind == "unreachable"
    assert "Nothing listens" in error.message


async def test_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror("unknown")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    error = await fail(OpenAIClient("http://model.invalid/v1", model="m"))
    assert error.kind == "unreachable"
    assert "name is not known" in error.message


async def test_reasoning_is_not_part_of_the_answer(stub: StubServer) -> None:
    deltas = await collect(OpenAIClient(stub.base_url, model="stub-reasoning"))
    assert join(deltas).startswith("According")


async def test_usage_may_be_absent(stub: StubServer) -> None:
    deltas = await collect(OpenAIClient(stub.base_url, model="stub-no_usage"))
    assert not [d for d in deltas if d.usage]


async def test_a_server_that_cannot_stream(replay: Replay) -> None:
    body = {
        "choices": [{"message": {"content": "Whole."}, "finish_reason": "eos"}],
        "usage": {"prompt_tokens": 4, "completion_tokens": 2},
    }
    server = await replay(make_http(json.dumps(body)))
    deltas = await collect(OpenAIClient(server.base_url, model="m"))
    assert deltas == [ChatDelta("Whole.", "stop", Usage(4, 2))]


async def test_an_end_without_done_after_the_finish_is_an_end(replay: Replay) -> None:
    server = await replay(make_events(make_chunk("Hi"), make_chunk(finish="stop"), done=False))
    assert join(await collect(OpenAIClient(server.base_url, model="m"))) == "Hi"


async def test_a_last_event_without_line_break_is_read(replay: Replay) -> None:
    events = f"data: {json.dumps(make_chunk('Hi'))}\n\ndata: {json.dumps(make_chunk('!', 'stop'))}"
    server = await replay(make_http(events, kind="text/event-stream"))
    assert join(await collect(OpenAIClient(server.base_url, model="m"))) == "Hi!"


async def test_an_end_without_finish_is_an_interruption(replay: Replay) -> None:
    server = await replay(make_events(make_chunk("Hi"), done=False))
    assert (await fail(OpenAIClient(server.base_url, model="m"))).kind == "interrupted"


async def test_an_empty_stream_is_no_answer(replay: Replay) -> None:
    server = await replay(make_http("", kind="text/event-stream"))
    assert (await fail(OpenAIClient(server.base_url, model="m"))).kind == "invalid_response"


@pytest.mark.parametrize("payload", ["nonsense", "[1]", '{"choices":[5]}'])
async def test_a_stream_of_something_else(replay: Replay, payload: str) -> None:
    server = await replay(make_http(f"data: {payload}\n\n", kind="text/event-stream"))
    assert (await fail(OpenAIClient(server.base_url, model="m"))).kind == "invalid_response"


async def test_events_split_anywhere_are_put_together(replay: Replay) -> None:
    whole = make_events(make_chunk("Grüße"), make_chunk(" aus 東京"), make_chunk(finish="stop"))
    body = whole.partition(b"\r\n\r\n")[2]
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    server = await replay(head + b"\r\n" + pieces + b"0\r\n\r\n")
    assert join(await collect(OpenAIClient(server.base_url, model="m"))) == "Grüße aus 東京"


async def test_an_endless_answer_is_cut_off(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_client, "MAX_STREAM_BYTES", 500)
    server = await replay(make_events(*[make_chunk("x" * 50) for _ in range(20)]))
    error = await fail(OpenAIClient(server.base_url, model="m"))
    assert "too large" in error.message


async def test_unsupported_settings_are_left_out(replay: Replay) -> None:
    refusals = [
        "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
        "Unsupported value: 'temperature' does not support 0.",
    ]
    server = await replay(
        *(make_http(json.dumps({"error": {"message": m}}), status=400) for m in refusals),
        make_events(make_chunk("Hi", "stop")),
    )
    client = OpenAIClient(server.base_url, model="o")
    sampling = Sampling(max_tokens=7, temperature=0.0)
    deltas = [d async for d in client.stream(QUESTION, sampling=sampling)]
    assert join(deltas) == "Hi"
    last = json.loads(server.requests[-1].partition(b"\r\n\r\n")[2])
    assert last["max_completion_tokens"] == 7
    assert "max_tokens" not in last
    assert "temperature" not in last


async def test_a_key_in_an_error_is_not_repeated(replay: Replay) -> None:
    body = json.dumps({"error": {"message": f"Bad request with {KEY} and sk-other12345678"}})
    server = await replay(make_http(body, status=400))
    error = await fail(OpenAIClient(server.base_url, model="m", api_key=KEY))
    assert error.kind == "bad_request"
    assert "Bad request with (key) and (key)" in error.message


def refuse(ip: str, port: int) -> None:
    raise ValueError("private network")


def allow(ip: str, port: int) -> None:
    assert ip == "127.0.0.1"
    assert port > 0


async def test_a_forbidden_address_is_never_connected_to(stub: StubServer) -> None:
    allowed = OpenAIClient(stub.base_url, model="stub", check_address=allow)
    assert join(await collect(allowed))
    # A connection is open and idle now; the refused client must not use it.
    refused = OpenAIClient(stub.base_url, model="stub", check_address=refuse)
    assert (await fail(refused)).kind == "forbidden_address"
    with pytest.raises(ModelError, match="may be contacted"):
        await refused.list_models()
    assert (stub.stats.requests, stub.stats.connections) == (1, 1)


async def test_a_name_is_checked_by_the_address_it_resolves_to(
    stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[tuple[str, int]] = []

    def note(ip: str, port: int) -> None:
        checked.append((ip, port))
        refuse(ip, port)

    def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", stub.port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    url = f"http://innocent.example:{stub.port}/v1"
    error = await fail(OpenAIClient(url, model="stub", check_address=note))
    assert error.kind == "forbidden_address"
    assert checked == [("127.0.0.1", stub.port)]
    assert stub.stats.requests == 0


async def test_proxies_of_the_environment_are_ignored(
    stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert join(await collect(OpenAIClient(stub.base_url, model="stub")))


@pytest.mark.parametrize(
    "url",
    ["", "ftp://host/v1", "http:///v1", "http://user:pass@host/v1", "http://host/v1?key=1", "host"],
)
def test_bad_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        OpenAIClient(url, model="m")


async def test_list_models_and_check(stub: StubServer) -> None:
    client = OpenAIClient(stub.base_url + "/", model="stub-x")
    assert await client.list_models() == ["stub"]
    outcome = await client.check()
    assert outcome.model == "stub"
    assert outcome.latency_ms > 0
    assert stub.seen[-1]["max_tokens"] == 1


async def test_check_says_what_is_wrong(stub: StubServer) -> None:
    with pytest.raises(ModelError, match="refused the API key"):
        await OpenAIClient(stub.base_url, model="stub-auth").check()
    with pytest.raises(ModelError, match="not like an OpenAI-compatible"):
        await OpenAIClient(stub.base_url, model="stub-garbage").check()
