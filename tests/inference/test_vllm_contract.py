"""The client against responses recorded from a real vLLM server.

The records are not part of this repository; without them these tests are skipped.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inference.errors import ModelError
from inference.openai import client as openai_client
from inference.openai.client import OpenAIClient
from inference.types import ChatDelta, ChatMessage, Sampling, Usage
from tests.inference.conftest import Replay, ReplayServer

RECORDS = Path(__file__).resolve().parents[3] / "shared" / "vllm-contract"

pytestmark = pytest.mark.skipif(
    not RECORDS.is_dir(), reason="the recorded vLLM responses (../shared/vllm-contract) are absent"
)


def list_records(pattern: str) -> list[str]:
    return sorted(path.stem for path in RECORDS.glob(pattern))


def read_record(name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((RECORDS / f"{name}.json").read_text(encoding="utf-8"))
    return record


def make_response(response: dict[str, Any]) -> bytes:
    """Rebuild the recorded response as it went over the wire."""
    kind = response.get("headers", {}).get("content-type", "application/json")
    if "sse_lines" in response:
        body = "".join(f"{line}\n\n" for line in response["sse_lines"]).encode()
    elif "json" in response:
        body = json.dumps(response["json"]).encode()
    else:
        body = str(response.get("text", response.get("raw", ""))).encode()
    head = (
        f"HTTP/1.1 {response['status']} X\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def ask(server: ReplayServer) -> list[ChatDelta]:
    client = OpenAIClient(server.base_url, model="tiny", api_key="sk-test")
    messages = [ChatMessage("user", "Hello there")]
    return [delta async for delta in client.stream(messages, sampling=Sampling())]


def list_chunks(record: dict[str, Any]) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in record["response"]["sse_lines"] if line]
    return [json.loads(line) for line in lines if line != "[DONE]"]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_client, "RETRY_BASE_SECONDS", 0.001)


STREAMS = [
    name
    for name in list_records("1*_chat_*.json") + list_records("2*_*.json")
    if "sse_lines" in read_record(name)["response"]
]
WHOLE = [
    name
    for name in list_records("1*_chat*.json") + list_records("2*_*.json")
    if "json" in read_record(name)["response"] and read_record(name)["response"]["status"] == 200
]
ERRORS = {
    "40_err_no_key": "auth",
    "40_err_bad_key": "auth",
    "41_err_unknown_model": "not_found",
    "41_err_bad_json": "bad_request",
    "41_err_no_messages": "bad_request",
    "41_err_temperature_negative": "bad_request",
    "41_err_top_p": "bad_request",
    "42_err_prompt_too_long": "too_long",
    "42_err_prompt_too_long_stream": "too_long",
    "42_err_max_tokens_too_big": "bad_request",
    "43_err_not_found_route": "not_found",
    "43_err_method": "not_found",
    "43_err_content_type": "bad_request",
    "70_emb_chat_on_pooling": "not_found",
}


@pytest.mark.parametrize("name", STREAMS)
async def test_recorded_streams(replay: Replay, name: str) -> None:
    record = read_record(name)
    choices = [
        choice
        for chunk in list_chunks(record)
        for choice in chunk["choices"]
        if choice["index"] == 0
    ]
    expected = "".join(choice["delta"].get("content") or "" for choice in choices)
    finish = next(c["finish_reason"] for c in choices if c["finish_reason"])
    server = await replay(make_response(record["response"]))
    deltas = await ask(server)
    assert "".join(delta.text for delta in deltas) == expected
    assert [d.finish_reason for d in deltas if d.finish_reason] == [finish]


@pytest.mark.parametrize("name", ["11_chat_stream_usage", "11_chat_stream_continuous_usage"])
async def test_recorded_usage_is_the_last_one(replay: Replay, name: str) -> None:
    record = read_record(name)
    usage = list_chunks(record)[-1]["usage"]
    deltas = await ask(await replay(make_response(record["response"])))
    last = [delta.usage for delta in deltas if delta.usage][-1]
    assert last == Usage(usage["prompt_tokens"], usage["completion_tokens"])


async def test_recorded_stream_without_usage(replay: Replay) -> None:
    record = read_record("11_chat_stream_no_usage")
    deltas = await ask(await replay(make_response(record["response"])))
    assert all(delta.usage is None for delta in deltas)


@pytest.mark.parametrize("name", WHOLE)
async def test_recorded_whole_answers(replay: Replay, name: str) -> None:
    response = read_record(name)["response"]
    deltas = await ask(await replay(make_response(response)))
    assert deltas[0].text == (response["json"]["choices"][0]["message"]["content"] or "")
    assert deltas[0].finish_reason == response["json"]["choices"][0]["finish_reason"]


@pytest.mark.parametrize(("name", "kind"), ERRORS.items())
async def test_recorded_errors(replay: Replay, name: str, kind: str) -> None:
    server = await replay(make_response(read_record(name)["response"]))
    with pytest.raises(ModelError) as caught:
        await ask(server)
    assert caught.value.kind == kind
    assert not caught.value.retryable


async def test_recorded_overload_before_and_after_the_headers(replay: Replay) -> None:
    record = read_record("60_dynamic")
    for name in ("overload", "overload_stream"):
        status, headers, body = record[name]["sample"][:3]
        response = {"status": status, "headers": headers, "text": body}
        server = await replay(make_response(response))
        with pytest.raises(ModelError) as caught:
            await ask(server)
        assert caught.value.kind == "overloaded"
        assert len(server.requests) == 3  # asked again, as nothing was shown yet


async def test_recorded_death_of_the_engine_in_a_stream(replay: Replay) -> None:
    lines = read_record("61_engine_death")["inflight"][1][3]
    spoken = read_record("11_chat_stream_usage")["response"]["sse_lines"][:4]
    headers = {"content-type": "text/event-stream"}
    response = {"status": 200, "headers": headers, "sse_lines": [*spoken, *lines]}
    with pytest.raises(ModelError) as caught:
        await ask(await replay(make_response(response)))
    assert caught.value.kind == "interrupted"
    assert "EngineCore encountered an issue" in caught.value.message


async def test_recorded_models(replay: Replay) -> None:
    response = read_record("01_models")["response"]
    server = await replay(make_response(response))
    names = await OpenAIClient(server.base_url, model="tiny").list_models()
    assert names == [model["id"] for model in response["json"]["data"]]
    assert names
