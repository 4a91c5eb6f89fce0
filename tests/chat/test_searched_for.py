"""What was searched for is told under the answer, and the person can put it right."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.assistants.models import Release
from apps.assistants.recipes.changes import RecipeChange
from apps.assistants.services import change_recipe
from apps.chat.models import Message
from apps.gateway.services import EndpointFields, save_endpoint
from apps.traces.models import Trace
from apps.workspaces.services import Actor
from inference.stub_server import StubServer
from tests.chat.helpers import QUESTION, ask, complete, run, settle
from tests.chat.test_pages import Browser, ask_twice, browser

__all__ = ["browser"]

pytestmark = pytest.mark.django_db(transaction=True)
FOLLOW_UP = "When do they expire?"
CORRECTED = "When do unused days of annual leave expire in March?"


def latest() -> Message:
    return Message.objects.filter(author="assistant", replaced=False).latest("created_at")


def shown(browser: Browser, answer: Message) -> str:
    return run(lambda: browser.read(f"/answers/{answer.pk}/events/"))


def set_profile(assistant: Any, **values: Any) -> None:
    """A release of this retrieval profile; releases in memory are frozen, so it is a new one."""
    change_recipe(assistant, change=RecipeChange(retrieval={"limit": 7}), actor=Actor())
    Release.objects.filter(pk=assistant.current_id).update(retrieval=values)


def test_a_completed_follow_up_is_told_and_can_be_changed(
    reader_desk: Any, browser: Browser
) -> None:
    ask_twice(browser)
    before = latest()
    page = shown(browser, before)
    assert f'Searched for: <q dir="auto">{QUESTION} {FOLLOW_UP}</q>' in page
    assert f'action="/w/acme/answers/{before.pk}/regenerate/"' in page
    assert 'name="query"' in page

    async def change() -> None:
        await browser.post(f"/answers/{before.pk}/regenerate/", query=CORRECTED)
        await settle()

    run(change)

    after = latest()
    assert after.pk != before.pk
    assert after.question_id == before.question_id
    trace = Trace.objects.get(subject_id=after.pk)
    assert trace.spans.get(name="rewrite").attributes["query"] == CORRECTED
    assert "March" in after.content
    assert f'<q dir="auto">{CORRECTED}</q>' in shown(browser, after)


def test_a_plain_question_says_nothing_of_it(reader_desk: Any, browser: Browser) -> None:
    async def go() -> None:
        await browser.post("/assistants/desk/ask/", question=QUESTION)
        await settle()

    run(go)

    assert "Searched for" not in shown(browser, latest())


def test_where_nothing_was_found_other_words_can_be_tried(
    reader_desk: Any, browser: Browser
) -> None:
    async def go() -> None:
        await browser.post("/assistants/desk/ask/", question="Who built the pyramids of Giza?")
        await settle()

    run(go)

    page = shown(browser, latest())
    assert "Search for something else" in page
    assert "Searched for:" not in page


def test_the_profile_lets_the_model_rewrite(
    api: Any, desk: Any, stub: StubServer, browser: Browser
) -> None:
    set_profile(desk, mode="hybrid", limit=3, rewrite="model")
    messages = [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": "20 days."},
        {"role": "user", "content": "And [[reply:expiry of annual leave]] then?"},
    ]
    assert complete(api.key, {"model": desk.slug, "messages": messages}).status == 200

    trace = Trace.objects.latest("started_at")
    assert trace.spans.get(name="rewrite").attributes["query"] == "expiry of annual leave"
    assert trace.spans.filter(name="query:rewrite").exists()
    assert trace.attributes["query"] == "expiry of annual leave"
    asked = [json.dumps(body["messages"]) for body in stub.seen]
    assert len(asked) == 2
    assert "Rewrite the last question" in asked[0]


def test_a_reranker_that_is_away_costs_the_order_and_not_the_answer(
    api: Any, desk: Any, workspace: Any
) -> None:
    fields = EndpointFields(name="Reranker", base_url="http://127.0.0.1:9/v1", model="ce")
    endpoint = save_endpoint(workspace, fields=fields, actor=Actor())
    set_profile(desk, rerank="endpoint", rerank_endpoint=str(endpoint.pk))
    body = ask(api, desk.slug).body

    assert body["choices"][0]["message"]["content"]
