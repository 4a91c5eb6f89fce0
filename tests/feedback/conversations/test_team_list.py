"""The team's list of conversations: narrowed, searched, read, reviewed; by page and by REST."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.assistants.services import create_assistant
from apps.chat.conversations.search import find_conversations
from apps.chat.models import Conversation, Message
from apps.feedback.models import ConversationReview, Feedback
from apps.feedback.services import FeedbackFields, give_feedback
from apps.workspaces.models import AuditEvent, Workspace
from apps.workspaces.services import Actor
from tests.isolation.house import House, furnish

pytestmark = pytest.mark.django_db
V1 = "/api/v1/workspace/conversations/"


@pytest.fixture
def house() -> House:
    """Two answered conversations stand in it: of the owner, and of the key."""
    furnished = furnish("acme")
    Workspace.objects.update(conversation_access="without_names")
    furnished.workspace.refresh_from_db()
    Conversation.objects.filter(pk=furnished.pages["conversation_id"]).update(title="Of the owner")
    Conversation.objects.filter(pk=furnished.rest["conversation_id"]).update(title="Of the key")
    return furnished


@pytest.fixture
def page(house: House, client_for: Callable[[Any], Client]) -> Client:
    return client_for(house.owner)


def add(house: House, title: str, *, days: int = 0, answer: str = "Yes.", **values: Any) -> Message:
    """A conversation of one question; `values` are of its answer. Returns the answer."""
    assistant = values.pop("assistant", house.assistant)
    row = Conversation.objects.create(
        workspace=house.workspace, assistant=assistant, user=house.owner, title=title,
        updated_at=timezone.now() - dt.timedelta(days=days),
    )  # fmt: skip
    common = {"workspace": house.workspace, "conversation": row}
    question = Message.objects.create(author="user", content=title, **common)
    return Message.objects.create(
        author="assistant", question=question, content=answer, release=assistant.current,
        **common, **values,
    )  # fmt: skip


def both(page: Client, house: House, **query: str) -> set[str]:
    """The titles that the page lists, which are those that REST lists."""
    soup = BeautifulSoup(page.get("/w/acme/conversations/", query).content, "html.parser")
    by_page = {a.text for a in soup.select(".hit-title a")}
    answer = house.api.get(V1, query)
    assert answer.status_code == 200, answer.json()
    assert by_page == {row["title"] for row in answer.json()["results"]}
    return by_page


def test_the_list_is_narrowed_alike_by_page_and_rest(house: House, page: Client) -> None:
    other = create_assistant(house.workspace, name="Other", collections=[], actor=Actor())
    add(house, "Declined", is_declined=True, days=3)
    add(house, "Failed", state="failed", days=20)
    add(house, "Elsewhere", assistant=other)
    aside = add(house, "Answered again", is_declined=True, days=20)
    Message.objects.filter(pk=aside.pk).update(replaced=True)
    give_feedback(add(house, "Liked"), fields=FeedbackFields("up"), actor=Actor(user=house.owner))
    old = {"Of the owner", "Of the key"}

    assert both(page, house) == old | {
        "Declined", "Failed", "Elsewhere", "Answered again", "Liked"
    }  # fmt: skip
    assert both(page, house, assistant="other") == {"Elsewhere"}
    assert both(page, house, outcome="unanswered") == {"Declined", "Failed"}
    assert both(page, house, outcome="declined") == {"Declined"}
    assert both(page, house, outcome="failed") == {"Failed"}
    assert both(page, house, outcome="answered") == old | {"Elsewhere", "Answered again", "Liked"}
    assert both(page, house, rating="down") == {"Of the owner"}
    assert both(page, house, rating="up") == {"Liked"}
    day = (timezone.now() - dt.timedelta(days=3)).date().isoformat()
    assert both(page, house, since=day, until=day) == {"Declined"}
    assert both(page, house, until=day) == {"Declined", "Failed", "Answered again"}
    assert both(page, house, since=day, outcome="unanswered") == {"Declined"}


def test_a_conversation_without_a_question_is_not_listed(house: House, page: Client) -> None:
    before = both(page, house)
    made = house.api.post_json("/api/v1/conversations/", {"assistant": house.assistant.slug})
    assert made.status_code == 201, made.content
    assert both(page, house) == before


def test_questions_and_answers_are_searched(house: House, page: Client) -> None:
    add(house, "Badges", answer="The porter hands out badges on Mondays.")
    add(house, "Parking", answer="There is none.")
    assert both(page, house, search="porter monday") == {"Badges"}
    assert both(page, house, search="PARK") == {"Parking"}
    assert both(page, house, search="porter none") == set()
    assert both(page, house, search="25") == {"Of the owner", "Of the key"}
    assert both(page, house, search="'") == set()


def test_the_search_uses_the_index_of_words(house: House) -> None:
    """On a table that is large enough; the workspace stands in the same WHERE."""
    conversation = Conversation.objects.filter(user=house.owner).get()
    Message.objects.bulk_create(
        Message(
            workspace=house.workspace, conversation=conversation, author="user", content=f"word{n}"
        )
        for n in range(600)
    )
    rows = find_conversations(house.workspace.pk, ["porter"])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE chat_message")
        cursor.execute("SET LOCAL enable_seqscan = off")
        sql, parameters = rows.query.sql_with_params()
        cursor.execute(f"EXPLAIN {sql}", parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "message_words" in plan
    assert "workspace_id" in plan


def test_bad_filters_are_ignored_by_the_page_and_refused_by_rest(
    house: House, page: Client
) -> None:
    query = {"outcome": "sad", "since": "soon", "state": "x", "rating": "great"}
    body = page.get("/w/acme/conversations/", query).content.decode()
    assert "Of the owner" in body
    answer = house.api.get(V1, query)
    assert (answer.status_code, set(answer.json()["errors"])) == (400, set(query))


def test_the_list_has_pages_and_asks_little(house: House, page: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            body = page.get("/w/acme/conversations/", {"page": 1}).content.decode()
        assert "Of the owner" in body
        return len(caught)

    queries()
    few = queries()
    for number in range(20):
        add(house, f"Number {number}", days=1)
    assert queries() == few
    for number in range(10):
        add(house, f"More {number}", days=-1)
    second = page.get("/w/acme/conversations/", {"page": 2}).content.decode()
    assert second.count("hit-title") == 7
    assert house.api.get(V1, {"page_size": 5, "page": 2}).json()["count"] == 32


def test_a_conversation_is_read_with_its_citations_and_traces(house: House, page: Client) -> None:
    ids = house.pages
    body = page.get(f"/w/acme/conversations/{ids['conversation_id']}/").content.decode()
    assert "25 days, says acme" in body
    assert "handbook.pdf, page 1" in body
    assert f"/w/acme/traces/{ids['trace_id']}/" in body
    assert "acme disagrees" in body
    assert "data-composer" not in body
    read = house.api.get(f"{V1}{ids['conversation_id']}/").json()
    question, answer = read["messages"]
    assert (question["author"], answer["author"]) == ("user", "assistant")
    assert answer["trace"] == str(ids["trace_id"])
    assert [citation["n"] for citation in answer["citations"]] == [1]
    assert answer["ratings"] == [
        {"rating": "down", "reason": "wrong", "comment": "acme disagrees", "correction": ""}
    ]
    assert read["num_questions"] == 1
    assert read["num_not_helpful"] == 1


def test_a_conversation_is_marked_resolved_and_opened_again(house: House, page: Client) -> None:
    path = f"/w/acme/conversations/{house.pages['conversation_id']}/"
    assert both(page, house, state="none") == {"Of the owner", "Of the key"}
    page.post(f"{path}review/", {"state": "open", "note": "Ask HR.\r\nSoon."})
    assert both(page, house, state="open") == {"Of the owner"}
    assert "Ask HR." in page.get(path).content.decode()
    page.post(f"{path}review/", {"state": "resolved", "note": "The handbook was wrong."})
    assert both(page, house, state="resolved") == {"Of the owner"}
    assert both(page, house, state="none") == {"Of the key"}
    review = ConversationReview.objects.get()
    assert (review.note, review.changed_by) == ("The handbook was wrong.", house.owner)
    events = AuditEvent.objects.filter(action="conversation.reviewed").order_by("created_at")
    assert [event.detail["state"] for event in events] == ["open", "resolved"]
    for bad in ({"state": "done"}, {}, {"state": "open", "note": "x" * 2_001}):
        assert page.post(f"{path}review/", bad).status_code == 400


def test_rest_reviews(house: House) -> None:
    path = f"{V1}{house.pages['conversation_id']}/review/"

    def put(body: dict[str, Any]) -> Any:
        return house.api.put(path, body, content_type="application/json")

    body = put({"state": "open", "note": "Ask HR."}).json()
    assert (body["state"], body["note"]) == ("open", "Ask HR.")
    assert put({"state": "resolved"}).json()["state"] == "resolved"
    for bad in ({}, {"state": "done"}, {"state": "open", "note": "x" * 2_001}):
        assert put(bad).status_code == 400


def test_the_tab_of_an_assistant_lists_its_own(house: House, page: Client) -> None:
    other = create_assistant(house.workspace, name="Other", collections=[], actor=Actor())
    add(house, "Elsewhere", assistant=other)
    body = page.get("/w/acme/assistants/other/conversations/").content.decode()
    assert "Elsewhere" in body
    assert "Of the owner" not in body
    assert page.get("/w/acme/assistants/other/conversations/?assistant=x").status_code == 200
    assert page.get("/w/acme/assistants/nobody/conversations/").status_code == 404


def test_feedback_that_is_resolved_says_so(house: House) -> None:
    feedback = Feedback.objects.get()
    feedback.state = "resolved"
    assert feedback.get_state_display() == "Resolved"
