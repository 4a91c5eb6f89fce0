"""Answers and feedback become examples with one click."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.chat.models import Message
from apps.datasets.capture import strip_citations
from apps.datasets.models import Dataset, Example
from apps.datasets.services import create_dataset
from apps.feedback.models import Feedback
from apps.workspaces.services import Actor
from tests.isolation.house import TEXT, House, furnish

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> House:
    """One answered question, rated "wrong" without a correction."""
    found = furnish("acme")
    Example.objects.all().delete()
    return found


@pytest.fixture
def client(house: House, client_for: Callable[[Any], Client]) -> Client:
    return client_for(house.owner)


def answer_url(house: House) -> str:
    return f"/w/acme/evaluate/from-answer/{house.pages['message_id']}/"


def feedback_url(house: House) -> str:
    return f"/w/acme/evaluate/from-feedback/{house.pages['feedback_id']}/"


def chosen(house: House) -> dict[str, str]:
    return {"dataset": str(house.pages["dataset_id"])}


def test_citations_are_stripped() -> None:
    assert strip_citations("25 days [1]. And more [2][13], too.") == "25 days. And more, too."


def test_an_answer_becomes_an_example_once(house: House, client: Client) -> None:
    Feedback.objects.all().delete()
    assert "acme cases" in client.get(answer_url(house)).content.decode()
    header = {"HX-Request": "true"}
    added = client.post(answer_url(house), chosen(house), headers=header).content.decode()
    assert "Added to the draft of acme cases" in added
    again = client.post(answer_url(house), chosen(house), headers=header).content.decode()
    assert "already in the draft" in again
    example = Example.objects.get()
    assert example.question.startswith("How many days of annual leave")
    assert example.expected_answer == "25 days, says acme."
    assert (example.source_kind, example.state) == ("chat", "accepted")
    assert example.source_note == "acme desk, release 1"
    # The citation marks characters 0 to 45 of the passage.
    [passage] = example.expected_passages
    assert (passage["start"], passage["end"], passage["text"]) == (0, 45, TEXT[:45])
    assert passage["document_name"] == "handbook.pdf"
    page = client.get(f"/w/acme/evaluate/examples/{example.pk}/").content.decode()
    assert "How the answer was made" in page


def test_a_declined_answer_expects_none(house: House, client: Client) -> None:
    Feedback.objects.all().delete()
    Message.objects.filter(pk=house.pages["message_id"]).update(is_declined=True)
    sent = client.post(answer_url(house), chosen(house))
    example = Example.objects.get()
    assert sent["Location"] == f"/w/acme/evaluate/examples/{example.pk}/"
    assert (example.is_answerable, example.expected_answer) == (False, "")
    assert example.expected_passages == []


def test_a_correction_is_what_is_expected(house: House, client: Client) -> None:
    client.post(feedback_url(house), chosen(house))
    proposed = Example.objects.get()
    assert (proposed.state, proposed.expected_answer) == ("proposed", "")
    proposed.delete()
    Feedback.objects.update(correction="26 days.")
    client.post(feedback_url(house), chosen(house))
    example = Example.objects.get()
    assert (example.state, example.expected_answer) == ("accepted", "26 days.")
    assert example.source_kind == "feedback"
    assert len(example.expected_passages) == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"rating": "up", "reason": ""}, ("accepted", "25 days, says acme.", True, 1)),
        ({"reason": "not_in_documents"}, ("proposed", "", False, 0)),
        ({"reason": "bad_source", "correction": "26."}, ("accepted", "26.", True, 0)),
    ],
)
def test_a_verdict_says_what_to_expect(
    house: House, client: Client, values: dict[str, str], expected: tuple[Any, ...]
) -> None:
    Feedback.objects.update(**values)
    client.post(feedback_url(house), chosen(house))
    example = Example.objects.get()
    found = (example.state, example.expected_answer, example.is_answerable)
    assert (*found, len(example.expected_passages)) == expected


def test_the_first_dataset_is_made_on_the_way(house: House, client: Client) -> None:
    client.post(answer_url(house), {"dataset": "new"})
    client.post(feedback_url(house), {"dataset": "new"})
    made = Dataset.objects.get(name="From conversations")
    # The feedback is on the same answer, which is there already.
    assert Example.objects.filter(version__dataset=made).count() == 1
    assert client.post(answer_url(house), {"dataset": "nonsense"}).status_code == 400


def test_datasets_of_others_take_nothing(
    house: House, client: Client, other_workspace: Any
) -> None:
    theirs = create_dataset(other_workspace, name="Theirs", actor=Actor())
    sent = client.post(answer_url(house), {"dataset": str(theirs.pk)})
    assert sent.status_code == 404
    assert not Example.objects.exists()


def test_the_buttons_are_there(house: House, client: Client) -> None:
    assert feedback_url(house) in client.get("/w/acme/feedback/").content.decode()
    arguments = (house.assistant.slug, house.pages["conversation_id"])
    page = client.get("/w/acme/assistants/{}/c/{}/".format(*arguments))
    assert page.status_code != 200 or answer_url(house) in page.content.decode()
