"""The OpenAI-compatible API over the real ASGI application, against the stub model server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.test import AsyncClient

from apps.chat.models import Message, MessageState, RetrievedPassage
from apps.traces.models import Trace
from inference.stub_server import StubConfig, StubServer, serve_in_thread
from tests.factories import make_answering_assistant

pytestmark = pytest.mark.django_db(transaction=True)

HANDBOOK = "# Leave\n\nEmployees get 20 days of annual leave. Unused days expire in March.\n"
ASK = {"role": "user", "content": "How many days of annual leave do employees get?"}


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with serve_in_thread(StubConfig(first_token_ms=5, token_ms=1, tokens=None)) as server:
        yield server


async def post(api: Any, body: Any) -> Any:
    return await AsyncClient().post(
        "/v1/chat/completions",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {api.key}"},
    )


def run(api: Any, body: Any) -> tuple[int, Any]:
    async def go() -> tuple[int, Any]:
        response = await post(api, body)
        if response.streaming:
            return response.status_code, b"".join([part async for part in response])
        return response.status_code, orjson.loads(response.content)

    return asyncio.run(go())


def test_an_answer_cites_what_was_retrieved(api: Any, workspace: Any, stub: StubServer) -> None:
    assistant = make_answering_assistant(workspace, {"leave.md": HANDBOOK}, stub=stub)
    status, body = run(api, {"model": assistant.slug, "messages": [ASK]})
    assert status == 200
    # The stub cites [1] and [2]; there is one passage, so only [1] survives.
    content = body["choices"][0]["message"]["content"]
    assert "[1]" in content and "[2]" not in content
    [citation] = body["citations"]
    assert citation["n"] == 1 and citation["page"] == 1
    message = Message.objects.get(pk=body["message_id"])
    assert message.state == MessageState.DONE and message.content == content
    assert RetrievedPassage.objects.get(message=message).is_cited
    trace = Trace.objects.get(pk=body["trace_id"])
    assert [span.name for span in trace.spans.order_by("position")] == [
        "rewrite", "search", "rerank", "prompt", "generation", "checks",
    ]  # fmt: skip
    assert trace.input_tokens > 0 and body["usage"]["prompt_tokens"] == trace.input_tokens
