"""Verdicts on answers: given, replaced, listed, narrowed, resolved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from apps.feedback.models import Feedback, Rating
from apps.feedback.selectors import FeedbackFilter, list_feedback
from apps.feedback.services import MAX_COMMENT, FeedbackFields, give_feedback
from apps.workspaces.services import Actor
from tests.isolation.house import House, furnish

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> House:
    """It has one thumb down already: the owner's, with the reason "wrong"."""
    return furnish("acme")


def rate(house: House, **values: str) -> Any:
    path = f"/api/v1/messages/{house.rest['message_id']}/feedback/"
    return house.api.post_json(path, values)


def test_a_verdict_keeps_release_and_trace(house: House) -> None:
    body = rate(house, rating="down", reason="incomplete", comment="And contractors?").json()
    stored = Feedback.objects.get(pk=body["id"])
    assert stored.release_id == house.assistant.current_id
    assert str(stored.trace_id) == str(house.rest["trace_id"]) == body["trace"]
    assert body["question"].endswith("employees get? acme")
    assert body["answer"] == "25 days, says acme [1]."
    assert body["state"] == "open"


def test_a_second_verdict_replaces_the_first(house: House) -> None:
    first = rate(house, rating="down", reason="wrong", comment="No.").json()
    second = rate(house, rating="up").json()
    assert second["id"] == first["id"]
    assert (second["rating"], second["reason"], second["comment"]) == ("up", "", "")


@pytest.mark.parametrize(
    "values",
    [{}, {"rating": "great"}, {"rating": "down", "reason": "rude"},
     {"rating": "down", "comment": "x" * (MAX_COMMENT + 1)}],
)  # fmt: skip
def test_bad_verdicts_are_refused(house: House, values: dict[str, str]) -> None:
    response = rate(house, **values)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"


def test_questions_take_no_verdict(house: House) -> None:
    path = f"/api/v1/messages/{house.question_id}/feedback/"
    assert house.api.post_json(path, {"rating": "up"}).status_code == 404
    path = f"/api/v1/messages/{uuid4()}/feedback/"
    assert house.api.post_json(path, {"rating": "up"}).status_code == 404


def test_the_list_is_narrowed(house: House) -> None:
    rate(house, rating="up")

    def count(**filters: str) -> int:
        return len(house.api.get("/api/v1/feedback/", filters).json()["results"])

    assert count() == 2
    assert count(rating="up") == count(rating="down") == 1
    assert count(reason="wrong") == 1
    assert count(reason="incomplete") == 0
    assert count(assistant=house.assistant.slug) == 2
    assert count(assistant="other") == 0
    assert count(state="resolved") == 0


def test_days_are_inclusive(house: House) -> None:
    day = Feedback.objects.get().created_at.date()
    narrowed = FeedbackFilter(first_day=day, last_day=day)
    assert list_feedback(house.workspace.pk, narrowed).count() == 1


def test_the_thumbs_of_the_page(house: House, client_for: Callable[[Any], Client]) -> None:
    client = client_for(house.owner)
    path = f"/w/acme/answers/{house.pages['message_id']}/feedback/"
    asked = client.post(path, {"rating": "up"}, headers={"HX-Request": "true"})
    thumb = BeautifulSoup(asked.content, "html.parser").select_one('button[value="up"]')
    assert thumb is not None
    assert (thumb["aria-label"], thumb["title"]) == ("Helpful", "Helpful")
    assert thumb["aria-pressed"] == "true"
    asked = client.post(path, {"rating": "down"}, headers={"HX-Request": "true"})
    assert "What is wrong?" in asked.content.decode()
    sent = {"rating": "down", "reason": "bad_source", "comment": "Old.", "correction": "26 days."}
    assert client.post(path, sent).status_code == 302
    stored = Feedback.objects.get()
    assert (stored.reason, stored.correction) == ("bad_source", "26 days.")
    assert client.post(path, {"rating": "great"}).status_code == 400


def test_editors_work_through_the_list(house: House, client_for: Callable[[Any], Client]) -> None:
    client, feedback = client_for(house.owner), Feedback.objects.get()
    assert "acme disagrees" in client.get("/w/acme/feedback/").content.decode()
    nothing = client.get("/w/acme/feedback/?rating=up").content.decode()
    assert "Nothing matches" in nothing
    own = f"/w/acme/assistants/{house.assistant.slug}/feedback/"
    assert "acme disagrees" in client.get(own).content.decode()
    path = f"/w/acme/feedback/{feedback.pk}/resolve/"
    assert client.post(path, {"state": "odd"}).status_code == 400
    sent = client.post(path, {"state": "resolved", "next": "https://evil.example/"})
    assert sent["Location"] == "/w/acme/feedback/"
    feedback.refresh_from_db()
    assert feedback.state == "resolved"


def test_viewers_rate_their_own_answers_alone(
    house: House, client_for: Callable[[Any], Client]
) -> None:
    from tests.factories import make_member

    viewer = client_for(make_member(house.workspace, "viewer@acme.example", "viewer"))
    assert viewer.get("/w/acme/feedback/").status_code == 403
    path = f"/w/acme/answers/{house.pages['message_id']}/feedback/"
    assert viewer.post(path, {"rating": "up"}).status_code == 404


def test_a_question_is_no_answer(house: House) -> None:
    from apps.chat.models import Message

    question = Message.objects.get(pk=house.question_id)
    with pytest.raises(ValueError, match="answers"):
        give_feedback(question, fields=FeedbackFields(Rating.UP), actor=Actor())
