"""What editors see of other people's conversations: nothing, no names, or names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.chat.models import Conversation, Message
from apps.chat.selectors import list_recent_questions
from apps.datasets.capture import capture_answer
from apps.datasets.services import create_dataset
from apps.feedback.models import Feedback
from apps.feedback.services import FeedbackFields, give_feedback
from apps.traces.models import Span
from apps.workspaces.models import AuditEvent, ConversationAccess, Membership, User, Workspace
from apps.workspaces.services import Actor
from tests.factories import make_api, make_member
from tests.isolation.house import House, furnish

pytestmark = pytest.mark.django_db
SETTING = "/w/acme/settings/conversations/"
V1 = "/api/v1"


@pytest.fixture
def house() -> House:
    """The owner's answer is rated down by the owner; the key's is not rated."""
    return furnish("acme")


@pytest.fixture
def asker(house: House) -> User:
    """Who asked, under a name that stands nowhere else."""
    person = make_member(house.workspace, "zoe.private@acme.example", "viewer")
    person.name = "Zoe Quillfeather"
    person.save()
    Conversation.objects.filter(pk=house.pages["conversation_id"]).update(user=person)
    Feedback.objects.update(created_by=person)
    return person


@pytest.fixture
def page(house: House, client_for: Callable[[Any], Client]) -> Client:
    return client_for(make_member(house.workspace, "lead@acme.example", "editor"))


def show(house: House, access: str) -> None:
    Workspace.objects.filter(pk=house.workspace.pk).update(conversation_access=access)


def identity(asker: User) -> tuple[str, ...]:
    return ("Quillfeather", "zoe.private", str(asker.pk))


def page_paths(house: House) -> list[str]:
    """All pages of editors that lead to, or come from, a conversation."""
    ids = house.pages
    return [
        "/w/acme/conversations/",
        f"/w/acme/assistants/{house.assistant.slug}/conversations/",
        f"/w/acme/conversations/{ids['conversation_id']}/",
        f"/w/acme/traces/{ids['trace_id']}/",
        "/w/acme/feedback/",
        f"/w/acme/assistants/{house.assistant.slug}/feedback/",
        f"/w/acme/evaluate/from-answer/{ids['message_id']}/",
    ]


def rest_paths(house: House) -> list[str]:
    ids = house.pages
    return [
        f"{V1}/workspace/conversations/",
        f"{V1}/workspace/conversations/{ids['conversation_id']}/",
        f"{V1}/traces/{ids['trace_id']}/",
        f"{V1}/feedback/",
    ]


def test_nothing_is_shown_until_an_owner_says_so(house: House) -> None:
    assert house.workspace.conversation_access == ConversationAccess.OFF
    assert house.api.get(f"{V1}/workspace/").json()["conversation_access"] == "off"


def test_off_hides_the_conversations_of_others(house: House, asker: User, page: Client) -> None:
    Feedback.objects.all().delete()
    ids = house.pages
    listed = page.get("/w/acme/conversations/").content.decode()
    assert "Conversations are private here" in listed
    assert str(ids["conversation_id"]) not in listed
    for path in (f"conversations/{ids['conversation_id']}/", f"traces/{ids['trace_id']}/"):
        assert page.get(f"/w/acme/{path}").status_code == 404
    review = page.post(f"/w/acme/conversations/{ids['conversation_id']}/review/", {"state": "open"})
    rating = page.post(f"/w/acme/answers/{ids['message_id']}/feedback/", {"rating": "up"})
    assert (review.status_code, rating.status_code) == (404, 404)
    api = make_api(house.workspace, house.owner)
    assert api.get(f"{V1}/workspace/conversations/").json()["count"] == 0
    for path in (
        f"workspace/conversations/{ids['conversation_id']}/",
        f"traces/{ids['trace_id']}/",
    ):
        assert api.get(f"{V1}/{path}").status_code == 404
    path = f"{V1}/workspace/conversations/{ids['conversation_id']}/review/"
    assert api.put(path, {"state": "open"}, content_type="application/json").status_code == 404
    path = f"{V1}/messages/{ids['message_id']}/feedback/"
    assert api.post_json(path, {"rating": "up"}).status_code == 404


@pytest.mark.parametrize("setting", ["off", "without_names", "with_names"])
def test_a_key_of_who_is_no_editor_any_more_shows_nothing_of_others(
    house: House, asker: User, setting: str
) -> None:
    show(house, setting)
    person = make_member(house.workspace, "was.editor@acme.example", "editor")
    api = make_api(house.workspace, person, ["read", "chat"])
    before = [api.get(path).status_code for path in rest_paths(house)]
    Membership.objects.filter(user=person).update(role="viewer")

    after = [api.get(path).status_code for path in rest_paths(house)]
    rating = api.post_json(f"{V1}/messages/{house.pages['message_id']}/feedback/", {"rating": "up"})

    assert before == ([200, 404, 404, 200] if setting == "off" else [200] * 4)
    assert after == [403, 403, 404, 403]
    assert rating.status_code == 404


def test_off_hides_answers_to_keys_from_other_keys(house: House) -> None:
    api = make_api(house.workspace, house.owner)
    path = f"{V1}/traces/{house.rest['trace_id']}/"
    assert api.get(path).status_code == 404
    assert house.api.get(path).status_code == 200


def test_off_still_shows_ones_own(house: House, client_for: Callable[[Any], Client]) -> None:
    page = client_for(house.owner)
    for path in (f"conversations/{house.pages['conversation_id']}/",
                 f"traces/{house.pages['trace_id']}/"):  # fmt: skip
        assert page.get(f"/w/acme/{path}").status_code == 200


def test_off_shows_an_answer_that_its_asker_rated_and_not_the_conversation(
    house: House, asker: User, page: Client
) -> None:
    listed = page.get("/w/acme/feedback/").content.decode()
    assert "acme disagrees" in listed
    Span.objects.filter(trace=house.pages["trace_id"], name="search").update(
        attributes={"query": "What is my salary? How many days?", "hits": 7}
    )
    trace = page.get(f"/w/acme/traces/{house.pages['trace_id']}/")
    assert trace.status_code == 200
    assert "my salary" not in trace.content.decode()
    assert ">hits<" in trace.content.decode()
    assert house.api.get(f"{V1}/traces/{house.pages['trace_id']}/").status_code == 404
    path = f"/w/acme/conversations/{house.pages['conversation_id']}/"
    assert page.get(path).status_code == 404
    assert path not in trace.content.decode()
    assert not [name for name in identity(asker) if name in listed + trace.content.decode()]


def test_off_hides_what_an_editor_once_said_of_somebody_elses_answer(
    house: House, asker: User, page: Client
) -> None:
    Feedback.objects.update(created_by=house.owner)
    assert "acme disagrees" not in page.get("/w/acme/feedback/").content.decode()
    assert house.api.get(f"{V1}/feedback/").json()["count"] == 0
    path = f"/w/acme/feedback/{house.pages['feedback_id']}/resolve/"
    assert page.post(path, {"state": "resolved"}).status_code == 404
    show(house, "without_names")
    assert "acme disagrees" in page.get("/w/acme/feedback/").content.decode()


def test_off_suggests_no_questions_of_others(house: House) -> None:
    collection = house.pages["collection_id"]
    assert list_recent_questions(house.workspace.pk, collection, 5) == []
    show(house, "without_names")
    assert list_recent_questions(house.workspace.pk, collection, 5) != []


@pytest.mark.parametrize(("access", "turns"), [("off", 0), ("without_names", 1)])
def test_a_rated_answer_goes_into_a_dataset_without_what_was_said_before(
    house: House, asker: User, access: str, turns: int
) -> None:
    answer = Message.objects.get(pk=house.pages["message_id"])
    for author, text in (("user", "My salary is 1."), ("assistant", "I see.")):
        question = Message.objects.filter(content="My salary is 1.").first()
        Message.objects.create(
            workspace=house.workspace, conversation=answer.conversation, author=author,
            content=text, question=question, created_at=answer.created_at.replace(year=2020),
        )  # fmt: skip
    show(house, access)
    answer.refresh_from_db()
    dataset = create_dataset(house.workspace, name="Cases", actor=Actor())
    captured = capture_answer(dataset, answer=answer, actor=Actor(user=house.owner))
    assert len(captured.example.history) == turns


def test_without_names_nobody_is_named(house: House, asker: User, page: Client) -> None:
    show(house, "without_names")
    Conversation.objects.filter(pk=house.pages["conversation_id"]).update(title="Annual leave")
    bodies = []
    for path in page_paths(house):
        response = page.get(path)
        assert response.status_code == 200, path
        bodies.append(response.content.decode())
    assert "Annual leave" in bodies[0]
    assert "Annual leave" in bodies[1]
    assert "25 days, says acme" in bodies[2]
    api = make_api(house.workspace, house.owner)
    for path in rest_paths(house):
        response = api.get(path)
        assert response.status_code == 200, path
        bodies.append(response.content.decode())
    for body in bodies:
        assert not [name for name in identity(asker) if name in body]


def test_without_names_no_other_colleague_is_named_either(
    house: House, asker: User, page: Client
) -> None:
    show(house, "without_names")
    path = f"/w/acme/conversations/{house.pages['conversation_id']}/"
    page.post(f"{path}review/", {"state": "open", "note": "Look."})
    Feedback.objects.update(created_by=asker)
    other = make_member(house.workspace, "second@acme.example", "editor")
    client = Client()
    client.force_login(other)
    assert "lead@acme" not in client.get(path).content.decode()


def test_with_names_the_asker_is_named(house: House, asker: User, page: Client) -> None:
    show(house, "with_names")
    ids = house.pages
    for path in ("conversations/", f"conversations/{ids['conversation_id']}/", "feedback/"):
        assert "Zoe Quillfeather" in page.get(f"/w/acme/{path}").content.decode(), path
    rows = house.api.get(f"{V1}/workspace/conversations/").json()["results"]
    assert {row["asker"] for row in rows} == {"Zoe Quillfeather", "API key acme key"}


def test_viewers_see_nobody_elses(
    house: House, asker: User, client_for: Callable[[Any], Client]
) -> None:
    show(house, "with_names")
    Conversation.objects.filter(pk=house.pages["conversation_id"]).update(user=house.owner)
    client = client_for(asker)
    path = f"/w/acme/conversations/{house.pages['conversation_id']}/"
    assert client.get("/w/acme/conversations/").status_code == 403
    assert client.get(path).status_code == 403
    assert client.get(f"/w/acme/traces/{house.pages['trace_id']}/").status_code == 404


@pytest.mark.parametrize(
    ("access", "line"),
    [
        ("off", "Only you can see these questions; editors see an answer that you rate."),
        ("without_names", "Editors of this workspace can read these questions, without your name."),
        ("with_names", "Editors of this workspace can read these questions, with your name."),
    ],
)
def test_the_chat_tells_people(
    house: House, asker: User, client_for: Callable[[Any], Client], access: str, line: str
) -> None:
    show(house, access)
    body = client_for(asker).get(f"/w/acme/assistants/{house.assistant.slug}/").content.decode()
    assert line in " ".join(body.split())


def test_an_owner_changes_the_setting_and_it_is_written_down(
    house: House, page: Client, client_for: Callable[[Any], Client]
) -> None:
    owner = client_for(house.owner)
    assert page.post(SETTING, {"access": "with_names"}).status_code == 403
    assert owner.post(SETTING, {"access": "everything"}).status_code == 422
    house.workspace.refresh_from_db()
    assert house.workspace.conversation_access == "off"
    assert owner.post(SETTING, {"access": "with_names"}).status_code == 302
    owner.post(SETTING, {"access": "with_names"})
    [event] = AuditEvent.objects.filter(action="workspace.conversation_access_changed")
    assert event.detail == {"from": "off", "to": "with_names"}
    assert event.actor == house.owner
    assert "with names" in page.get("/w/acme/settings/").content.decode()


def test_rest_changes_the_setting_with_a_key_for_administration(house: House) -> None:
    path = f"{V1}/workspace/"
    weak = make_api(house.workspace, house.owner, scopes=["read", "write", "chat"])
    assert weak.patch_json(path, {"conversation_access": "with_names"}).status_code == 403
    for body in ({}, {"conversation_access": "all"}, {"conversation_access": "off", "name": "x"}):
        assert house.api.patch_json(path, body).status_code == 400
    changed = house.api.patch_json(path, {"conversation_access": "without_names"})
    assert changed.json()["conversation_access"] == "without_names"
    [event] = AuditEvent.objects.filter(action="workspace.conversation_access_changed")
    assert event.api_key is not None


def test_an_editors_rating_shows_no_more_than_the_setting(
    house: House, asker: User, page: Client
) -> None:
    """A colleague's rating is not the asker's: it does not send the answer in."""
    Feedback.objects.all().delete()
    answer = Message.objects.get(pk=house.pages["message_id"])
    give_feedback(answer, fields=FeedbackFields("down"), actor=Actor(user=house.owner))
    assert page.get(f"/w/acme/traces/{house.pages['trace_id']}/").status_code == 404
