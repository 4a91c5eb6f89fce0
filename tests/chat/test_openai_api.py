"""The OpenAI-compatible API over the real ASGI application, against the stub model server."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import F
from django.test import AsyncClient

from apps.chat.models import Conversation, Message, MessageState, RetrievedPassage
from apps.chat.openai_request import MAX_MESSAGES
from apps.chunking.models import Chunk
from apps.prompts.defaults import NOT_FOUND
from apps.retrieval.search.query import MAX_QUESTION
from apps.traces.models import Trace
from inference.stub_server import StubServer
from tests.chat.helpers import QUESTION, ask, complete, post_completion, run
from tests.factories import make_answering_assistant, make_api

pytestmark = pytest.mark.django_db(transaction=True)

SPANS = ["rewrite", "search", "rerank", "prompt", "generation", "checks"]
ASK = {"role": "user", "content": QUESTION}


def answer() -> Message:
    return Message.objects.get(author="assistant")


# Answers


def test_an_answer_cites_what_was_retrieved(api: Any, desk: Any) -> None:
    reply = ask(api, desk.slug)
    body = reply.body
    assert reply.status == 200
    # The stub cites [1] and [2]; there is one passage, so only [1] survives.
    content = body["choices"][0]["message"]["content"]
    assert "[1]" in content
    assert "[2]" not in content
    [citation] = body["citations"]
    assert (citation["n"], citation["page"]) == (1, 1)
    assert citation["document_name"] == "leave.md"
    message = Message.objects.get(pk=body["message_id"])
    assert (message.state, message.content) == (MessageState.DONE, content)
    assert RetrievedPassage.objects.get(message=message).is_cited
    trace = Trace.objects.get(pk=body["trace_id"])
    assert [span.name for span in trace.spans.order_by("position")] == SPANS
    assert trace.input_tokens > 0
    assert body["usage"]["prompt_tokens"] == trace.input_tokens


def test_a_stream_has_role_text_finish_and_usage(api: Any, desk: Any) -> None:
    reply = ask(api, desk.slug, stream=True, stream_options={"include_usage": True})
    *chunks, usage, done = reply.events
    assert done == "[DONE]"
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in [*chunks, usage]}) == 1
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks)
    assert [c["choices"][0]["finish_reason"] for c in chunks[-2:]] == [None, "stop"]
    finish = chunks[-1]
    assert [c["n"] for c in finish["citations"]] == [1]
    stored = answer()
    assert (finish["message_id"], stored.content) == (str(stored.pk), text)
    assert finish["trace_id"] == str(stored.trace_id)
    assert usage["choices"] == []
    counts = usage["usage"]
    assert counts["total_tokens"] == counts["prompt_tokens"] + counts["completion_tokens"] > 0


def test_usage_comes_only_when_asked_for(api: Any, desk: Any) -> None:
    *chunks, done = ask(api, desk.slug, stream=True).events
    assert done == "[DONE]"
    assert all(chunk["choices"] and "usage" not in chunk for chunk in chunks)


def test_earlier_messages_help_the_search_and_reach_the_model(
    api: Any, desk: Any, stub: StubServer
) -> None:
    messages = [
        {"role": "system", "content": "Be rude."},
        ASK,
        {"role": "assistant", "content": "20 days [1]."},
        {"role": "user", "content": [{"type": "text", "text": "And when do they expire?"}]},
    ]
    assert complete(api.key, {"model": desk.slug, "messages": messages}).status == 200
    sent = stub.seen[-1]["messages"]
    assert [m["role"] for m in sent] == ["system", "user", "assistant", "user"]
    # The caller's instructions stand behind the assistant's own, and are marked as the caller's.
    own, _, added = sent[0]["content"].partition("The program that asks adds these instructions.")
    assert own.strip()
    assert "Be rude" not in own
    assert added.endswith("Be rude.")
    assert sent[1]["content"] == QUESTION
    assert sent[3]["content"].endswith("Question: And when do they expire?")
    [trace] = Trace.objects.all()
    rewrite = trace.spans.get(name="rewrite").attributes
    assert rewrite["query"] == f"{QUESTION} And when do they expire?"


def test_without_passages_it_declines_and_asks_no_model(
    api: Any, workspace: Any, stub: StubServer
) -> None:
    empty = make_answering_assistant(workspace, {}, stub=stub)
    body = ask(api, empty.slug).body
    assert body["choices"][0]["message"]["content"] == NOT_FOUND
    assert (body["declined"], body["citations"]) == (True, [])
    assert stub.stats.requests == 0
    assert answer().is_declined


def test_the_reader_answers_without_a_model(api: Any, reader_desk: Any) -> None:
    body = ask(api, reader_desk.slug).body
    assert body["choices"][0]["message"]["content"] == "Employees get 20 days of annual leave. [1]"
    assert body["citations"][0]["text"] == "Employees get 20 days of annual leave."
    assert (body["citations"][0]["start"], body["citations"][0]["end"]) == (9, 47)


# Requests that cannot be answered


BAD: list[tuple[Any, str | None]] = [
    ([], None),
    ({"messages": [ASK]}, "model"),
    ({"model": 7, "messages": [ASK]}, "model"),
    ({"model": "desk"}, "messages"),
    ({"model": "desk", "messages": []}, "messages"),
    ({"model": "desk", "messages": "hello"}, "messages"),
    ({"model": "desk", "messages": ["hello"]}, "messages[0]"),
    ({"model": "desk", "messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
    ({"model": "desk", "messages": [{"role": "user", "content": "  "}]}, "messages"),
    ({"model": "desk", "messages": [{"role": "user"}]}, "messages"),
    ({"model": "desk", "messages": [{"role": "assistant", "content": "x"}]}, "messages"),
    ({"model": "desk", "messages": [ASK] * (MAX_MESSAGES + 1)}, "messages"),
    (
        {"model": "desk", "messages": [{"role": "user", "content": "x" * (MAX_QUESTION + 1)}]},
        "messages",
    ),
]


def test_bad_requests_say_which_field_is_wrong(api: Any) -> None:
    async def go() -> list[Any]:
        return [await post_completion(api.key, body) for body, _ in BAD]

    responses = run(go)
    assert [r.status_code for r in responses] == [400] * len(BAD)
    errors = [r.json()["error"] for r in responses]
    assert [error["param"] for error in errors] == [param for _, param in BAD]
    assert {error["type"] for error in errors} == {"invalid_request_error"}
    assert errors[-1]["code"] == "context_length_exceeded"
    assert not Message.objects.exists()


def test_broken_json_and_wrong_methods(api: Any) -> None:
    async def go() -> list[int]:
        broken = await post_completion(api.key, "{")
        got = await AsyncClient().get("/v1/chat/completions")
        posted = await AsyncClient().post("/v1/models")
        return [broken.status_code, got.status_code, posted.status_code]

    assert run(go) == [400, 405, 405]


def test_a_question_with_a_nul_is_answered(api: Any, desk: Any) -> None:
    assert ask(api, desk.slug, f"{QUESTION}\x00").status == 200
    assert Conversation.objects.get().title == "Days of annual leave"


def test_unknown_assistants_and_keys(api: Any, desk: Any, workspace: Any, owner: Any) -> None:
    missing = ask(api, "nobody")
    assert (missing.status, missing.body["error"]["code"]) == (404, "model_not_found")
    body = {"model": desk.slug, "messages": [ASK]}
    unknown = complete("plk_nothing", body)
    assert (unknown.status, unknown.body["error"]["type"]) == (401, "authentication_error")
    reader = make_api(workspace, owner, scopes=["read"])
    assert complete(reader.key, body).status == 403


def test_too_many_requests(api: Any, desk: Any, settings: Any) -> None:
    settings.RATE_LIMIT_KEY = 2
    replies = [ask(api, desk.slug) for _ in range(3)]
    # A new minute may begin in between, but not twice.
    assert [reply.status for reply in replies].count(429) == 1 or replies[-1].status == 200
    settings.RATE_LIMIT_KEY = 1
    statuses = [ask(api, desk.slug).status for _ in range(3)]
    assert 429 in statuses


# Models that fail


@pytest.mark.parametrize(
    ("behaviour", "status", "code"),
    [
        ("error", 502, "server_error"),
        ("auth", 502, "auth"),
        ("not_found", 502, "not_found"),
        ("rate_limited", 429, "rate_limited"),
        ("overloaded", 503, "overloaded"),
        ("too_long", 400, "too_long"),
        ("garbage", 502, "invalid_response"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_before_the_first_word_is_an_http_error(
    api: Any, desk: Any, behaviour: str, status: int, code: str, stream: bool
) -> None:
    reply = ask(api, desk.slug, f"{QUESTION} [[stub:{behaviour}]]", stream=stream)
    assert reply.status == status
    assert reply.body["error"]["code"] == code
    stored = answer()
    assert (stored.state, stored.content) == (MessageState.FAILED, "")
    assert stored.reason == reply.body["error"]["message"] != ""
    assert Trace.objects.get().status == "failed"


@pytest.mark.parametrize("behaviour", ["mid_stream", "event_error"])
def test_a_model_that_dies_leaves_what_it_said(api: Any, desk: Any, behaviour: str) -> None:
    reply = ask(api, desk.slug, f"{QUESTION} [[stub:{behaviour}]]", stream=True)
    *chunks, error, done = reply.events
    assert done == "[DONE]"
    assert error["error"]["message"]
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks)
    stored = answer()
    assert (stored.state, stored.content) == (MessageState.INTERRUPTED, text)
    assert text.startswith("According to the documents")


def test_a_whole_answer_that_breaks_off_is_an_error(api: Any, desk: Any) -> None:
    assert ask(api, desk.slug, f"{QUESTION} [[stub:mid_stream]]").status == 502
    assert answer().state == MessageState.INTERRUPTED


def test_a_conversation_belongs_to_the_key(api: Any, desk: Any) -> None:
    ask(api, desk.slug)
    conversation = Conversation.objects.get()
    assert conversation.api_key is not None
    assert (conversation.user, conversation.title) == (None, "Days of annual leave")


def test_the_reader_quotes_a_table_row_in_words(api: Any, reader_desk: Any) -> None:
    head = "| Kind | What the law says |\n| --- | --- |\n"
    row = "| Annual | Employees get 20 days of annual leave |"
    Chunk.objects.update(text=row, end=F("start") + len(row), table_head=head)

    body = ask(api, reader_desk.slug).body

    content = body["choices"][0]["message"]["content"]
    assert content == ("Kind Annual: What the law says Employees get 20 days of annual leave [1]")
