"""Answers in the making: watched and stopped from other processes, ended with their own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from apps.assistants.answering.pipeline import Delta
from apps.assistants.recipe import load_recipe
from apps.chat import live, relay
from apps.chat.events import Ended
from apps.chat.models import Message, MessageState
from apps.chat.services import Asker, begin_answer, plan_answer
from apps.core.aio import run_db
from inference.stub_server import StubServer
from tests.chat.helpers import QUESTION, run, settle, until

pytestmark = pytest.mark.django_db(transaction=True)


async def start(assistant: Any, user: Any, question: str) -> live.LiveAnswer:
    """Begin an answer as the page does."""

    def store() -> tuple[Any, UUID]:
        recipe, plan = load_recipe(assistant.workspace_id, slug=assistant.slug), plan_answer()
        asker = Asker(user_id=user.pk)
        begin_answer(plan, recipe=recipe, question=question, asker=asker, process="p")
        return recipe, plan.answer_id

    recipe, answer_id = await run_db(store)
    return live.start_answer(answer_id, recipe=recipe, question=question, history=[], shared=True)


async def watch_from_afar(answer_id: UUID) -> tuple[str, Ended]:
    """What a watcher in another process sees: only what goes through Redis."""
    text = ""
    async for event in relay.follow(answer_id):
        if isinstance(event, Delta):
            text += event.text
        elif isinstance(event, Ended):
            return text, event
    raise AssertionError("it never ended")


def test_another_process_sees_all_of_it(desk: Any, owner: Any) -> None:
    async def go() -> tuple[str, Ended]:
        answer = await start(desk, owner, QUESTION)
        return await watch_from_afar(answer.answer_id)

    text, ended = run(go)
    stored = Message.objects.get(author="assistant")
    assert (ended.state, stored.state) == (MessageState.DONE, MessageState.DONE)
    assert text == stored.content != ""


def test_another_process_can_stop_it(desk: Any, owner: Any, stub: StubServer) -> None:
    async def go() -> Ended:
        answer = await start(desk, owner, f"{QUESTION} [[stub:stall]]")
        await until(lambda: stub.stats.tokens > 3)
        await relay.request_stop(answer.answer_id)
        return (await watch_from_afar(answer.answer_id))[1]

    assert run(go).state == MessageState.STOPPED
    assert Message.objects.get(author="assistant").state == MessageState.STOPPED


def test_a_process_that_ends_marks_its_answers(desk: Any, owner: Any, stub: StubServer) -> None:
    async def go() -> None:
        await start(desk, owner, f"{QUESTION} [[stub:stall]]")
        await until(lambda: stub.stats.tokens > 3)
        await live.shut_down()

    run(go)
    stored = Message.objects.get(author="assistant")
    assert (stored.state, stored.reason) == (MessageState.INTERRUPTED, live.WENT_DOWN)
    assert stored.content.startswith("According")


def test_stopping_an_answer_that_is_being_stored_changes_nothing(desk: Any, owner: Any) -> None:
    async def go() -> bool:
        answer = await start(desk, owner, QUESTION)
        await until(lambda: answer.is_ending)
        answer.stop()
        await settle()
        return answer.is_ended and live.find_live(answer.answer_id) is None

    assert run(go)
    assert Message.objects.get(author="assistant").state == MessageState.DONE
