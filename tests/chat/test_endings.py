"""Replies that are not a plain answer: reasoning, refusals, cut ones, and none at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from apps.assistants.models import Assistant
from apps.chat.models import Message, MessageState
from inference.token_estimate import estimate_tokens
from tests.chat.helpers import HANDBOOK, QUESTION, ask, complete, run
from tests.factories import make_answering_assistant
from tests.model_replies import ReplayedModel, event, replay_model

pytestmark = pytest.mark.django_db(transaction=True)
ANSWER = "They get 20 days [1]."
SECRET = "SECRETTHOUGHT about [1]"


@pytest.fixture
def model() -> Iterator[ReplayedModel]:
    with replay_model() as server:
        yield server


@pytest.fixture
def desk(workspace: Any, model: ReplayedModel) -> Assistant:
    assistant: Assistant = make_answering_assistant(workspace, {"leave.md": HANDBOOK}, stub=model)
    return assistant


def stored() -> Message:
    return Message.objects.filter(author=Message.Author.ASSISTANT).latest("created_at")


@pytest.mark.parametrize(
    "reply",
    [
        f"<think>\n{SECRET}\n</think>\n\n{ANSWER}",
        f"<|channel|>analysis<|message|>{SECRET}<|end|><|start|>assistant<|channel|>final"
        f"<|message|>{ANSWER}<|return|>",
        f"analysisWe {SECRET}assistantfinal{ANSWER}",
        f"[THINK]{SECRET}[/THINK]{ANSWER}",
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_reasoning_is_neither_shown_nor_stored_as_the_answer(
    api: Any, desk: Any, model: ReplayedModel, reply: str, stream: bool
) -> None:
    model.say(reply, size=3)
    answered = ask(api, desk.slug, stream=stream)
    if stream:
        said = [c["choices"][0]["delta"].get("content", "") for c in answered.events[:-1]]
        assert "".join(said) == ANSWER
    else:
        assert answered.body["choices"][0]["message"]["content"] == ANSWER
    answer = stored()
    assert (answer.content, answer.state) == (ANSWER, MessageState.DONE)
    assert answer.trace is not None
    assert "SECRETTHOUGHT" in answer.trace.attributes["reasoning"]


def test_reasoning_that_only_ends_is_taken_back(api: Any, desk: Any, model: ReplayedModel) -> None:
    model.say(f"{SECRET} and more.\n</think>\n{ANSWER}", size=12)
    body = ask(api, desk.slug).body
    assert body["choices"][0]["message"]["content"] == ANSWER
    assert [citation["n"] for citation in body["citations"]] == [1]
    model.pause_s = 0.01
    # A program that streams was told the reasoning already; it is told that this was wrong.
    *_, error, done = ask(api, desk.slug, stream=True).events
    assert (error["error"]["code"], done) == ("unmarked_reasoning", "[DONE]")
    assert stored().content == ANSWER


def test_reasoning_is_not_sent_back(api: Any, desk: Any, model: ReplayedModel) -> None:
    model.say(f"<think>{SECRET}</think>{ANSWER}")
    messages = [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": f"<think>{SECRET}</think>{ANSWER}"},
        {"role": "user", "content": "And when do they expire?"},
    ]
    complete(api.key, {"model": desk.slug, "messages": messages})
    sent = model.seen[-1]["messages"]
    assert sent[2] == {"role": "assistant", "content": ANSWER}
    assert "SECRETTHOUGHT" not in str(sent)


@pytest.mark.parametrize(
    "parts",
    [
        [[{"type": "thinking", "thinking": [{"type": "text", "text": SECRET}]}], ANSWER],
        [[{"type": "text", "text": "They get "}, {"type": "text", "text": "20 days [1]."}]],
        [[{"type": "reasoning", "text": SECRET}, {"type": "output_text", "text": ANSWER}]],
    ],
)
def test_content_may_be_a_list_of_parts(
    api: Any, desk: Any, model: ReplayedModel, parts: list[Any]
) -> None:
    model.say(*parts)
    assert ask(api, desk.slug).body["choices"][0]["message"]["content"] == ANSWER


@pytest.mark.parametrize(
    ("delta", "finish", "reason"),
    [
        ({"content": ""}, "stop", "ended without an answer"),
        ({"content": "  \n"}, "stop", "ended without an answer"),
        ({"reasoning_content": SECRET}, "length", "all its tokens for reasoning"),
        ({"content": f"<think>{SECRET}"}, "length", "all its tokens for reasoning"),
        ({"tool_calls": [{"id": "1", "function": {"name": "f"}}]}, "tool_calls", "for a tool"),
        ({"content": ""}, "content_filter", "content filter held"),
    ],
)
def test_a_reply_without_an_answer_is_a_failure_with_its_reason(
    api: Any, desk: Any, model: ReplayedModel, delta: dict[str, Any], finish: str, reason: str
) -> None:
    model.events = [event(delta), event({}, finish=finish), b"data: [DONE]\n\n"]
    for stream in (False, True):
        reply = complete(
            api.key,
            {
                "model": desk.slug,
                "messages": [{"role": "user", "content": QUESTION}],
                "stream": stream,
            },
        )
        assert reply.status == 502
        assert reason in reply.body["error"]["message"]
    answer = stored()
    assert (answer.state, answer.content.strip()) == (MessageState.FAILED, "")
    assert reason in answer.reason


def test_a_refusal_is_shown_as_one(api: Any, desk: Any, model: ReplayedModel) -> None:
    model.events = [
        event({"role": "assistant", "refusal": "I cannot help", "content": None}),
        event({}, finish="stop"),
        b"data: [DONE]\n\n",
    ]
    message = ask(api, desk.slug).body["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == ("I cannot help", "I cannot help")
    answer = stored()
    assert (answer.state, answer.is_declined) == (MessageState.REFUSED, True)


@pytest.mark.parametrize(
    ("finish", "told"), [("length", "length"), ("content_filter", "content_filter")]
)
def test_a_cut_answer_says_so(
    api: Any, desk: Any, model: ReplayedModel, finish: str, told: str
) -> None:
    model.say("They get 20 days [1] and the rest of", finish=finish)
    assert ask(api, desk.slug).body["choices"][0]["finish_reason"] == told
    *_, last, _ = ask(api, desk.slug, stream=True).events
    assert last["choices"][0]["finish_reason"] == told
    answer = stored()
    assert answer.state == MessageState.CUT
    assert answer.reason


def test_a_refusal_behind_words_is_kept_with_them(
    api: Any, desk: Any, model: ReplayedModel
) -> None:
    model.say("They get 20 days [1].", refusal="I cannot say more.")
    message = ask(api, desk.slug).body["choices"][0]["message"]
    assert message["content"] == "They get 20 days [1].\n\nI cannot say more."
    assert stored().state == MessageState.REFUSED


def test_a_server_that_reports_an_error_as_its_reason_broke_off(
    api: Any, desk: Any, model: ReplayedModel
) -> None:
    model.say("They get 20", finish="error")
    assert ask(api, desk.slug).status == 502
    assert stored().state == MessageState.INTERRUPTED


def test_what_servers_send_instead_of_deltas(api: Any, desk: Any, model: ReplayedModel) -> None:
    end = b'data: {"choices":[{"delta":{},"finish_reason":"length"}]}\n\n'
    stop = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    for choice in ('{"message":{"content":"20 days [1]."}}', '{"text":"20 days [1]."}'):
        first = f'data: {{"choices":[{choice}]}}\n\ndata: null\n\n'.encode()
        model.events = [b"\xef\xbb\xbf", first, end, stop]
        reply = ask(api, desk.slug).body["choices"][0]
        assert (reply["message"]["content"], reply["finish_reason"]) == ("20 days [1].", "length")


def test_oddities_of_streams(api: Any, desk: Any, model: ReplayedModel) -> None:
    model.events = [
        b": comment\n\ndata:\n\ndata: \n\n",
        b'data: {"choices":[{"index":0,\ndata: "delta":{"content":"Hi \\ud83d"}}]}\n\n',
        b'data: {"choices":[{"index":0,"delta":{"content":"\\ude00 20 [1]."}}]}\r\n\r\n',
        b'data: {"choices":[{"index":0,"delta":{"content":" \\ud83d!"}}]}\r\r',
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
    ]
    said = ask(api, desk.slug).body["choices"][0]["message"]["content"]
    assert said == "Hi \U0001f600 20 [1]. \ufffd!"


# Parameters of /v1


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"logprobs": True}, "logprobs"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"store": False}, "store"),
        ({"colour": "red"}, "colour"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 2.5}, "max_tokens"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stream": "yes"}, "stream"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]}]},
            "messages[0].content[1]",
        ),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        (
            {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]},
            "messages[1]",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_honoured_is_refused_by_name(
    api: Any, desk: Any, options: dict[str, Any], param: str
) -> None:
    body = {"model": desk.slug, "messages": [{"role": "user", "content": QUESTION}], **options}
    reply = complete(api.key, body)
    assert (reply.status, reply.body["error"]["param"]) == (400, param)
    assert not Message.objects.exists()


def test_what_asks_for_nothing_is_accepted(api: Any, desk: Any, model: ReplayedModel) -> None:
    model.say(ANSWER)
    harmless: dict[str, Any] = {"n": 1, "tools": [], "tool_choice": "none", "presence_penalty": 0,
                "response_format": {"type": "text"}, "logprobs": False}  # fmt: skip
    assert ask(api, desk.slug, **harmless).status == 200


def test_sampling_reaches_the_model_and_never_exceeds_the_release(
    api: Any, desk: Any, model: ReplayedModel
) -> None:
    model.say(ANSWER)
    ask(api, desk.slug, max_tokens=5, temperature=0, top_p=0.5, seed=7, stop=["litres"], user="u-1")
    sent = model.seen[-1]
    chosen = [sent[name] for name in ("max_tokens", "temperature", "top_p", "seed", "stop")]
    assert chosen == [5, 0, 0.5, 7, ["litres"]]
    ask(api, desk.slug, max_completion_tokens=100_000)
    assert model.seen[-1]["max_tokens"] == desk.current.sampling["max_tokens"]
    trace = stored().trace
    assert trace is not None


def test_the_reader_keeps_to_length_and_stops_and_follows_no_instructions(
    api: Any, workspace: Any
) -> None:
    reader = make_answering_assistant(workspace, {"leave.md": HANDBOOK})
    whole = ask(api, reader.slug).body["choices"][0]
    assert (whole["message"]["content"], whole["finish_reason"]) == (
        "Employees get 20 days of annual leave. [1]",
        "stop",
    )
    cut = ask(api, reader.slug, max_tokens=4).body["choices"][0]
    assert (cut["message"]["content"], cut["finish_reason"]) == ("Employees get", "length")
    stopped = ask(api, reader.slug, stop="annual").body["choices"][0]
    assert stopped["message"]["content"] == "Employees get 20 days of "
    messages = [{"role": "system", "content": "In French."}, {"role": "user", "content": QUESTION}]
    refused = complete(api.key, {"model": reader.slug, "messages": messages})
    assert (refused.status, refused.body["error"]["param"]) == (400, "messages")


# The conversation and the page


def test_a_conversation_is_fitted_to_the_window_and_the_trace_says_so(
    api: Any, desk: Any, model: ReplayedModel
) -> None:
    endpoint = desk.current.endpoint
    endpoint.context_tokens = 2_500
    endpoint.save()
    model.say(ANSWER)
    long = [
        message
        for number in range(10)
        for message in (
            {"role": "user", "content": f"Question {number}? " + "leave " * 150},
            {"role": "assistant", "content": f"Answer {number}. " + "days " * 150},
        )
    ]
    messages = [*long, {"role": "user", "content": QUESTION}]
    complete(api.key, {"model": desk.slug, "messages": messages})
    sent = model.seen[-1]["messages"]
    turns = [m for m in sent if m["role"] == "assistant"]
    assert 1 <= len(turns) < 10
    assert turns[-1]["content"].startswith("Answer 9.")
    assert sum(estimate_tokens(m["content"]) for m in sent) < 2_500 - 1_024
    trace = stored().trace
    assert trace is not None
    assert trace.attributes["history.left_out"] == 10 - len(turns)


def ask_on_the_page(owner: Any, workspace: Any, desk: Any, question: str = QUESTION) -> Any:
    async def go() -> Any:
        client = AsyncClient()
        await sync_to_async(client.force_login)(owner)
        return await client.post(
            f"/w/{workspace.slug}/assistants/{desk.slug}/ask/", {"question": question}
        )

    return run(go)


def page_of(client_for: Any, owner: Any, workspace: Any, desk: Any) -> str:
    conversation = stored().conversation
    url = f"/w/{workspace.slug}/assistants/{desk.slug}/chat/{conversation.pk}/"
    return str(client_for(owner).get(url).content.decode())


def test_the_page_says_what_became_of_an_answer(
    client_for: Any, owner: Any, workspace: Any, desk: Any, model: ReplayedModel
) -> None:
    model.say(f"<think>{SECRET}</think>They get 20 days [1] and the rest", finish="length")
    ask_on_the_page(owner, workspace, desk)
    page = page_of(client_for, owner, workspace, desk)
    assert "This answer was cut off." in page
    folded = page.index("What the model thought (reasoning)")
    assert page.index("SECRETTHOUGHT") > folded
    assert page.count("SECRETTHOUGHT") == 1


def test_a_question_that_is_too_long_is_refused_whole(
    owner: Any, workspace: Any, desk: Any, model: ReplayedModel
) -> None:
    response = ask_on_the_page(owner, workspace, desk, "x " * 20_000 + "What is it?")
    assert response.status_code == 422
    assert b"40,011 characters; 32,000 can be asked" in response.content
    assert not Message.objects.exists()
