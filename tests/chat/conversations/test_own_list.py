"""The list beside a chat: by date, searched, renamed, pinned, deleted; by page and by REST."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.utils import timezone

from apps.chat.conversations.groups import group_conversations
from apps.chat.conversations.selectors import LISTED
from apps.chat.models import Conversation, Message
from apps.feedback.models import Feedback
from apps.traces.models import Trace
from tests.factories import make_member
from tests.isolation.house import House, furnish

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
V1 = "/api/v1/conversations/"


@pytest.fixture
def house() -> House:
    """Its owner has one conversation, its key another."""
    return furnish("acme")


@pytest.fixture
def page(house: House, client_for: Callable[[Any], Client]) -> Client:
    return client_for(house.owner)


def add(
    house: House, title: str, *, days: float = 0, words: str = "", **values: Any
) -> Conversation:
    """A conversation of the owner that was last active so many days ago."""
    moment = timezone.now() - dt.timedelta(days=days)
    values = {"user": house.owner} | values
    row = Conversation.objects.create(
        workspace=house.workspace,
        assistant=house.assistant,
        title=title,
        updated_at=moment,
        **values,
    )
    Message.objects.create(
        workspace=house.workspace, conversation=row, author="user", content=words or title
    )
    return row


def own(house: House) -> Conversation:
    return Conversation.objects.get(user=house.owner, pk=house.pages["conversation_id"])


def shown(page: Client, house: House, **query: str) -> dict[str, list[str]]:
    """The titles by heading, as the list has them."""
    path = f"/w/acme/assistants/{house.assistant.slug}/chat/"
    soup = BeautifulSoup(page.get(path, query, headers=HTMX).content, "html.parser")
    return {
        str(section.h3.string): [title.text for title in section.select(".conversation-title")]
        for section in soup.select("section")
        if section.h3 and section.select("li")
    }


def test_conversations_stand_under_their_days(house: House, page: Client) -> None:
    own(house).delete()
    noon = timezone.now().replace(hour=12)
    ages = {"now": 0, "before": 1, "lately": 2, "a week": 7, "long ago": 8}
    for title, days in ages.items():
        row = add(house, title)
        Conversation.objects.filter(pk=row.pk).update(updated_at=noon - dt.timedelta(days=days))
    add(house, "kept", days=40, is_pinned=True)
    assert shown(page, house) == {
        "Pinned": ["kept"],
        "Today": ["now"],
        "Yesterday": ["before"],
        "Previous 7 days": ["lately", "a week"],
        "Older": ["long ago"],
    }


def test_days_begin_at_midnight_of_the_zone() -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    late = Conversation(title="x", updated_at=dt.datetime(2026, 3, 1, 22, 30, tzinfo=dt.UTC))
    [filled] = [
        group.key
        for group in group_conversations([late], today=dt.date(2026, 3, 2), zone=zone)
        if group.conversations
    ]
    assert filled == "today"


def test_a_row_tells_the_whole_question_on_hover(house: House, page: Client) -> None:
    add(house, "Short", words="Can you tell me all about it?")
    path = f"/w/acme/assistants/{house.assistant.slug}/"
    soup = BeautifulSoup(page.get(path).content, "html.parser")
    assert "Can you tell me all about it?" in {a.get("title") for a in soup.select("li a")}


def test_titles_and_messages_are_searched_by_the_beginnings_of_words(
    house: House, page: Client
) -> None:
    own(house).delete()
    add(house, "Badges", words="Where do I get a new badge for a colleague's office?")
    add(house, "Parking", words="Is there parking at plan-b.example.com?")
    add(house, "假期", words="员工每年有多少天年假？")

    def titles(search: str) -> set[str]:
        return {title for group in shown(page, house, search=search).values() for title in group}

    assert titles("coll offi") == {"Badges"}
    assert titles("BADGE") == {"Badges"}
    assert titles("parking") == {"Parking"}
    assert titles("plan-b.example") == {"Parking"}
    assert titles("年假") == {"假期"}
    assert titles("colleague's") == {"Badges"}
    assert titles("badge parking") == set()
    for hostile in ("'", "?", "a'b\\ | ! &", "%", "(:*"):
        assert titles(f"nothing {hostile}") == set()
    assert titles("???") == set()


def test_what_was_put_aside_is_not_found(house: House, page: Client) -> None:
    row = add(house, "Badges", words="A secret word: xylophone")
    row.messages.update(replaced=True)
    assert shown(page, house, search="xylophone") == {}


def test_a_long_list_goes_on(house: House, page: Client) -> None:
    for number in range(LISTED + 1):
        add(house, f"Number {number}", days=1)
    path = f"/w/acme/assistants/{house.assistant.slug}/chat/"
    first = page.get(path).content.decode()
    assert first.count("conversation-title") == LISTED
    assert f"?shown={2 * LISTED}" in first
    assert page.get(path, {"shown": 2 * LISTED}).content.decode().count("conversation-title") == 52
    assert page.get(path, {"shown": "-3"}).status_code == 200


def test_a_conversation_is_renamed(house: House, page: Client) -> None:
    row, before = own(house), own(house).updated_at
    path = f"/w/acme/conversations/{row.pk}/rename/"
    assert row.title in page.get(path, headers=HTMX).content.decode()
    body = page.post(path, {"title": "  Leave,\nagain "}, headers=HTMX).content.decode()
    assert "Leave, again" in body
    assert (own(house).title, own(house).updated_at) == ("Leave, again", before)
    for title in ("", "   ", "x" * 201):
        refusal = page.post(path, {"title": title}, headers=HTMX)
        # Of this kind the page shows the words, as an error.
        assert (refusal.status_code, refusal["Content-Type"][:10]) == (422, "text/plain")
        assert "needs a name" in refusal.content.decode()
    assert own(house).title == "Leave, again"


def test_a_conversation_is_pinned_and_let_go(house: House, page: Client) -> None:
    path = f"/w/acme/conversations/{own(house).pk}/pin/"
    page.post(path, {"pinned": "yes"}, headers=HTMX)
    assert list(shown(page, house)) == ["Pinned"]
    page.post(path, {"pinned": "no"})
    assert list(shown(page, house)) == ["Today"]
    assert page.post(path, {"pinned": "maybe"}).status_code == 400


def test_several_are_deleted_with_all_that_hangs_on_them(house: House, page: Client) -> None:
    rows, kept = [own(house), add(house, "Badges")], add(house, "Parking")
    path, chosen = "/w/acme/conversations/delete/", [str(row.pk) for row in rows]
    body = page.post(path, {"selected": chosen}, headers=HTMX).content.decode()
    assert "Parking" in body
    assert "Badges" not in body
    assert set(Conversation.objects.filter(user=house.owner)) == {kept}
    assert not Feedback.objects.exists()
    assert not Trace.objects.filter(pk=house.pages["trace_id"]).exists()
    assert Trace.objects.filter(pk=house.rest["trace_id"]).exists()


def test_deleting_the_open_one_leads_to_a_new_one(house: House, page: Client) -> None:
    row = own(house)
    data = {"selected": [str(row.pk)], "conversation": str(row.pk)}
    response = page.post("/w/acme/conversations/delete/", data, headers=HTMX)
    assert response["HX-Redirect"] == f"/w/acme/assistants/{house.assistant.slug}/"


def test_nothing_is_deleted_if_one_is_not_ones_own(house: House, page: Client) -> None:
    colleague = make_member(house.workspace, "other@acme.example", "owner")
    theirs = add(house, "Theirs", user=colleague)
    path = "/w/acme/conversations/delete/"
    chosen = [str(own(house).pk), str(theirs.pk)]
    assert page.post(path, {"selected": chosen}).status_code == 404
    assert page.post(path, {"selected": ["x"]}).status_code == 400
    assert page.post(path).status_code == 400
    assert Conversation.objects.count() == 3
    for action in ("rename", "pin"):
        foreign = f"/w/acme/conversations/{theirs.pk}/{action}/"
        assert page.post(foreign, {"title": "Mine", "pinned": "yes"}).status_code == 404
    assert "Theirs" not in str(shown(page, house))


def test_rest_searches_renames_and_pins(house: House) -> None:
    path = f"{V1}{house.rest['conversation_id']}/"
    changed = house.api.patch_json(path, {"title": "  Leave ", "is_pinned": True})
    assert (changed.json()["title"], changed.json()["is_pinned"]) == ("Leave", True)

    def count(**query: str) -> int:
        return int(house.api.get(V1, query).json()["count"])

    assert count(search="leav") == count(search="25 days") == count(pinned="true") == 1
    assert count(search="nothing") == count(pinned="false") == 0
    assert count() == count(assistant=house.assistant.slug) == 1
    bad: list[dict[str, Any]] = [
        {}, {"title": ""}, {"title": "x" * 201}, {"is_pinned": "perhaps"}, {"assistant": "x"},
        {"title": "x", "user": "me"},
    ]  # fmt: skip
    assert [house.api.patch_json(path, body).status_code for body in bad] == [400] * len(bad)
    assert house.api.get(V1, {"pinned": "perhaps"}).status_code == 400


def test_rest_deletes_several(house: House) -> None:
    own_key = Conversation.objects.get(pk=house.rest["conversation_id"])
    more = add(house, "Badges", user=None, api_key=own_key.api_key)
    ids = [str(own_key.pk), str(more.pk)]
    for foreign in (str(own(house).pk), str(uuid4())):
        response = house.api.post_json(f"{V1}delete/", {"ids": [*ids, foreign]})
        assert response.status_code == 404
    assert house.api.post_json(f"{V1}delete/", {"ids": []}).status_code == 400
    assert house.api.post_json(f"{V1}delete/", {"ids": ids}).json() == {"deleted": 2}
    assert house.api.get(V1).json()["count"] == 0
    assert not Trace.objects.filter(pk=house.rest["trace_id"]).exists()
