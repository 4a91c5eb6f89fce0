"""REST: what a key asked can be read, deleted and retried; traces and feedback of answers."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.test import AsyncClient

from apps.chat.models import Conversation, Message, MessageState
from tests.chat.helpers import QUESTION, ask, run, settle

pytestmark = pytest.mark.django_db(transaction=True)
V1 = "/api/v1"


def test_conversations_and_messages(api: Any, desk: Any) -> None:
    given = ask(api, desk.slug).body
    [listed] = api.get(f"{V1}/conversations/").json()["results"]
    assert (listed["assistant"], listed["title"]) == ("desk", "Days of annual leave")
    assert api.get(f"{V1}/conversations/", {"assistant": "other"}).json()["results"] == []
    whole = api.get(f"{V1}/conversations/{listed['id']}/").json()
    question, answer = whole["messages"]
    assert (question["author"], question["content"]) == ("user", QUESTION)
    assert answer == api.get(f"{V1}/messages/{given['message_id']}/").json()
    assert answer["citations"] == given["citations"]
    assert answer["content"] == given["choices"][0]["message"]["content"]
    assert (answer["state"], answer["declined"], answer["release"]) == ("done", False, 1)
    assert (answer["question"], answer["trace"]) == (question["id"], given["trace_id"])
    assert answer["feedback"] is None


def test_feedback_and_trace_of_an_answer(api: Any, desk: Any) -> None:
    given = ask(api, desk.slug).body
    path = f"{V1}/messages/{given['message_id']}/"
    verdict = {"rating": "down", "reason": "wrong", "comment": "It is 21."}
    assert api.post_json(f"{path}feedback/", verdict).status_code == 201
    assert api.get(path).json()["feedback"].items() >= verdict.items()
    trace = api.get(f"{V1}/traces/{given['trace_id']}/").json()
    assert trace["message"] == given["message_id"]
    assert [span["name"] for span in trace["spans"]][-2:] == ["generation", "checks"]
    assert trace["duration_ms"] >= trace["first_token_ms"] > 0


def test_deleting_a_conversation(api: Any, desk: Any) -> None:
    given = ask(api, desk.slug).body
    path = f"{V1}/conversations/{Conversation.objects.get().pk}/"
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    assert api.get(f"{V1}/messages/{given['message_id']}/").status_code == 404


def test_an_interrupted_answer_is_retried(api: Any, desk: Any) -> None:
    ask(api, desk.slug, f"{QUESTION} [[stub:mid_stream]]")
    broken = Message.objects.get(author="assistant")
    assert broken.state == MessageState.INTERRUPTED
    Message.objects.filter(author="user").update(content=QUESTION)

    async def go() -> tuple[Any, Any]:
        path = f"{V1}/messages/{broken.pk}/retry/"
        headers = {"Authorization": f"Bearer {api.key}"}
        first = await AsyncClient().post(path, headers=headers)
        await settle()
        return first, await AsyncClient().post(path, headers=headers)

    begun, again = run(go)
    assert begun.status_code == 202
    assert begun.json()["state"] == "streaming"
    assert again.status_code == 409
    assert again.json()["code"] == "not_retryable"
    retried = api.get(f"{V1}/messages/{begun.json()['id']}/").json()
    assert (retried["state"], [c["n"] for c in retried["citations"]]) == ("done", [1])
    conversation = api.get(f"{V1}/conversations/{retried['conversation']}/").json()
    assert [m["id"] for m in conversation["messages"]] == [retried["question"], retried["id"]]


def test_a_whole_answer_is_not_retried(api: Any, desk: Any) -> None:
    given = ask(api, desk.slug).body
    refused = api.post_json(f"{V1}/messages/{given['message_id']}/retry/")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_retryable")


def test_the_schema_has_no_warnings(tmp_path: Any) -> None:
    file = str(tmp_path / "schema.yml")
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", file)
