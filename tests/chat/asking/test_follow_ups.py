"""What to ask next: near what was cited, answered, and never told before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.chat.models import Message
from tests.assistants.test_suggestions import ASK, LEAVE
from tests.chat.asking.test_scopes import post
from tests.chat.helpers import ask, run, settle
from tests.factories import make_answering_assistant, make_api

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(workspace: Any) -> Any:
    return make_answering_assistant(workspace, {"leave.md": LEAVE})


def test_an_answer_offers_what_can_be_asked_next(
    desk: Any, owner: Any, editor: Any, client_for: Callable[[Any], Client]
) -> None:
    async def go() -> None:
        await post(owner, "/assistants/desk/ask/", {"question": ASK})
        await settle()

    run(go)
    answer = Message.objects.get(author="assistant")
    page = client_for(owner).get(f"/w/acme/assistants/desk/chat/{answer.conversation_id}/")
    path = f"/w/acme/answers/{answer.pk}/follow-ups/"
    # The answer does not wait: the page asks for them when it shows it.
    assert f'hx-get="{path}" hx-trigger="load"' in page.content.decode()
    body = client_for(owner).get(path).content.decode()
    questions = Message.objects.get(pk=answer.pk).follow_ups
    assert questions
    assert len(questions) <= 3
    assert ASK not in questions
    assert all(f'data-example="{question}"' in body for question in questions)
    assert client_for(editor).get(path).status_code == 404


def test_each_is_answered_and_kept(desk: Any, api: Any, workspace: Any, owner: Any) -> None:
    first = ask(api, "desk", ASK).body
    path = f"/api/v1/messages/{first['message_id']}/follow-ups/"
    questions = api.get(path).json()["questions"]
    assert questions
    for question in questions:
        reply = ask(api, "desk", question).body
        assert not reply["declined"]
        assert reply["citations"]
    Message.objects.filter(pk=first["message_id"]).update(follow_ups=["Kept?"])
    assert api.get(path).json()["questions"] == ["Kept?"]
    assert make_api(workspace, owner).get(path).status_code == 404


def test_a_declined_answer_has_none(desk: Any, api: Any) -> None:
    body = ask(api, "desk", "Who won the football cup in Peru?").body
    assert body["declined"]
    path = f"/api/v1/messages/{body['message_id']}/follow-ups/"
    assert api.get(path).json()["questions"] == []
