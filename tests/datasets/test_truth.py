"""Datasets never lie: what an answer may make true, where it came from, and contradictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.chat.models import Message
from apps.datasets.conflicts import find_conflicts, normalise_question
from apps.datasets.examples import ExampleFields
from apps.datasets.models import Dataset, Example
from apps.datasets.services import add_example, create_dataset
from apps.feedback.models import Feedback
from apps.workspaces.models import AuditEvent
from apps.workspaces.services import Actor
from tests.isolation.house import House, furnish

pytestmark = pytest.mark.django_db
V1 = "/api/v1"


@pytest.fixture
def house() -> House:
    """One answered question by a person and one by a key; the person's is rated "wrong"."""
    built = furnish("acme")
    Example.objects.all().delete()
    return built


@pytest.fixture
def client(house: House, client_for: Callable[[Any], Client]) -> Client:
    return client_for(house.owner)


def add(house: House, client: Client) -> str:
    """Press the button in the chat; what the page says then."""
    address = f"/w/acme/evaluate/from-answer/{house.pages['message_id']}/"
    values = {"dataset": str(house.pages["dataset_id"])}
    return client.post(address, values, headers={"HX-Request": "true"}).content.decode()


def capture(house: House, **body: Any) -> Any:
    return house.api.post_json(f"{V1}/datasets/{house.pages['dataset_id']}/capture/", body)


# What an answer may make true


def test_an_answer_rated_down_is_a_question_to_review(house: House, client: Client) -> None:
    said = add(house, client)
    example = Example.objects.get()
    assert (example.state, example.expected_answer, example.answered_by) == ("proposed", "", {})
    assert "a question to review" in said
    assert "Review it" in said
    frozen = house.api.post_json(f"{V1}/datasets/{house.pages['dataset_id']}/versions/")
    assert frozen.json()["code"] == "nothing_to_freeze"


def test_the_correction_is_taken_in_chat_too(house: House, client: Client) -> None:
    Feedback.objects.update(correction="26 days.")
    said = add(house, client)
    example = Example.objects.get()
    assert (example.state, example.expected_answer) == ("accepted", "26 days.")
    assert example.answered_by == {}
    assert "review" not in said.lower()


def test_an_unrated_answer_is_marked_as_its_releases(house: House, client: Client) -> None:
    Feedback.objects.all().delete()
    said = add(house, client)
    example = Example.objects.get()
    release = Message.objects.get(pk=house.pages["message_id"]).release
    assert release is not None
    assert example.answered_by == {
        "release_id": str(release.pk), "release": 1, "assistant": "acme desk", "model": "m",
    }  # fmt: skip
    assert "what release 1 of acme desk (m) said" in said
    page = client.get(f"/w/acme/evaluate/examples/{example.pk}/").content.decode()
    assert "what release 1 of acme desk (m) said" in page
    table = client.get(f"/w/acme/evaluate/datasets/{house.pages['dataset_id']}/").content.decode()
    assert "answer by release 1 of acme desk (m)" in table


def test_a_later_verdict_is_taken_over(house: House, client: Client) -> None:
    rated = Feedback.objects.get()
    Feedback.objects.all().delete()
    add(house, client)
    rated.save(force_insert=True)
    assert "taken over" in add(house, client)
    example = Example.objects.get()
    assert (example.state, example.expected_answer, example.answered_by) == ("proposed", "", {})
    Feedback.objects.update(correction="26 days.")
    add(house, client)
    example.refresh_from_db()
    assert (example.state, example.expected_answer) == ("accepted", "26 days.")
    Feedback.objects.update(correction="27 days.")
    assert "already in the draft" in add(house, client)
    example.refresh_from_db()
    assert example.expected_answer == "26 days."


def test_rest_says_the_same(house: House) -> None:
    down = capture(house, feedback=str(house.pages["feedback_id"]))
    assert down.status_code == 201, down.content
    body = down.json()
    assert (body["is_new"], body["example"]["state"]) == (True, "proposed")
    assert body["example"]["expected_answer"] == ""
    assert "question to review" in body["words"]
    assert capture(house, feedback=str(house.pages["feedback_id"])).status_code == 200
    own = capture(house, message=str(house.rest["message_id"])).json()
    assert own["example"]["answered_by"]["release"] == 1
    assert "release 1 of acme desk" in own["words"]
    assert capture(house).status_code == 400
    assert capture(house, message=str(house.rest["message_id"]), x=1).status_code == 400


def test_rest_takes_nothing_of_others(house: House, other_api: Any) -> None:
    message = {"message": str(house.rest["message_id"])}
    dataset = house.pages["dataset_id"]
    assert other_api.post_json(f"{V1}/datasets/{dataset}/capture/", message).status_code == 404
    theirs = create_dataset(other_api_workspace(other_api), name="Theirs", actor=Actor())
    assert other_api.post_json(f"{V1}/datasets/{theirs.pk}/capture/", message).status_code == 404
    assert capture(house, message="00000000-0000-0000-0000-000000000000").status_code == 404


def other_api_workspace(api: Any) -> Any:
    made = api.post_json(f"{V1}/datasets/", {"name": "Mine"})
    return Dataset.objects.get(pk=made.json()["id"]).workspace


# Where it came from travels along


def test_the_origin_travels_through_versions_and_files(house: House, client: Client) -> None:
    capture(house, message=str(house.rest["message_id"]))
    author = Example.objects.get().answered_by
    base = f"/w/acme/evaluate/datasets/{house.pages['dataset_id']}/"
    assert client.post(f"{base}freeze/").status_code == 302
    frozen = Example.objects.get(version__number=2)
    assert frozen.answered_by == author
    for kind in ("jsonl", "csv"):
        sent = client.get(f"{base}versions/2/export.{kind}")
        data = b"".join(sent.streaming_content)  # type: ignore[attr-defined]
        copy = create_dataset(house.workspace, name=kind, actor=Actor())
        upload = SimpleUploadedFile(f"cases.{kind}", data)
        values = {"file": upload, "state": "accepted"}
        address = f"/w/acme/evaluate/datasets/{copy.pk}/import/"
        assert client.post(address, values).status_code == 302
        assert Example.objects.get(version__dataset=copy).answered_by == author


def test_a_file_accepts_nothing_that_was_to_review(client: Client, house: House) -> None:
    rows = [{"question": "A?", "review_state": "proposed"}, {"question": "B?"}]
    data = b"\n".join(orjson.dumps(row) for row in rows)
    address = f"/w/acme/evaluate/datasets/{house.pages['dataset_id']}/import/"
    values = {"file": SimpleUploadedFile("a.jsonl", data), "state": "accepted"}
    assert client.post(address, values).status_code == 302
    states = dict(Example.objects.values_list("question", "state"))
    assert states == {"A?": "proposed", "B?": "accepted"}
    odd = SimpleUploadedFile("a.jsonl", b'{"question": "C?", "review_state": "odd"}')
    assert client.post(address, {"file": odd, "state": "accepted"}).status_code == 422


def test_mending_a_word_does_not_make_it_a_persons(house: House, client: Client) -> None:
    capture(house, message=str(house.rest["message_id"]))
    example = Example.objects.get()
    one = f"{V1}/examples/{example.pk}/"
    mended = example.expected_answer.replace(".", "!")
    kept = house.api.patch_json(one, {"expected_answer": mended}).json()
    assert kept["answered_by"]["release"] == 1
    page = {"question": example.question, "is_answerable": "on", "expected_answer": mended}
    client.post(f"/w/acme/evaluate/examples/{example.pk}/", page)
    example.refresh_from_db()
    assert example.answered_by["release"] == 1
    theirs = house.api.patch_json(one, {"expected_answer": "As the contract says."}).json()
    assert theirs["answered_by"] == {}


@pytest.mark.parametrize(
    "author", [{"release": "x"}, {"release_id": "x"}, {"name": "x"}, {"model": "m" * 201}]
)
def test_an_odd_author_is_refused(house: House, author: dict[str, Any]) -> None:
    address = f"{V1}/datasets/{house.pages['dataset_id']}/examples/"
    body = {"question": "Who?", "answered_by": author}
    assert house.api.post_json(address, body).status_code == 400


# One question, two answers


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("How long?", "how  long"),
        ("What's the limit", "WHAT S THE LIMIT?"),
        ("Wie groß", "wie gross?"),
    ],
)
def test_case_spaces_and_punctuation_do_not_tell_questions_apart(first: str, second: str) -> None:
    assert normalise_question(first) == normalise_question(second)


@pytest.fixture
def dataset(workspace: Any) -> Dataset:
    return create_dataset(workspace, name="Leave", actor=Actor())


def put(dataset: Dataset, question: str, answer: str = "", **values: Any) -> Example:
    fields = ExampleFields(question, expected_answer=answer, **values)
    return add_example(dataset, fields=fields, actor=Actor())


def test_only_what_contradicts_is_a_conflict(dataset: Dataset) -> None:
    examples = [
        put(dataset, "How long?", "Four weeks."),
        put(dataset, "how long", "four  weeks"),
        put(dataset, "How long?", "28 days", other_answers=("Four weeks",)),
        put(dataset, "How long?"),
        put(dataset, "How long?", "Two weeks.", history=(("In probation?", "Yes."),)),
        put(dataset, "How cold?", "5"),
    ]
    assert find_conflicts(examples) == []
    examples += [put(dataset, "How cold!", "-5"), put(dataset, "How cold", is_answerable=False)]
    pairs = {(c.first.expected_answer, c.second.expected_answer) for c in find_conflicts(examples)}
    assert pairs == {("5", "-5"), ("5", ""), ("-5", "")}


def test_freezing_contradictions_takes_an_explicit_word(
    editor: Any, client_for: Callable[[Any], Client], dataset: Dataset
) -> None:
    client = client_for(editor)
    first, second = put(dataset, "How long?", "Four weeks."), put(dataset, "how long", "Two weeks.")
    base = f"/w/acme/evaluate/datasets/{dataset.pk}/"
    refused = client.post(f"{base}freeze/", {"note": "May"})
    page = refused.content.decode()
    assert refused.status_code == 409
    assert "1 contradiction" in page
    assert "Freeze nevertheless" in page
    assert 'name="note" value="May"' in page
    for example in (first, second):
        assert f"/w/acme/evaluate/examples/{example.pk}/" in page
    assert not dataset.versions.filter(number=1).exists()
    check = client.get(f"{base}versions/0/check/").content.decode()
    assert "Two weeks." in check.split("One question, two expected answers")[1]
    sent = client.post(f"{base}freeze/", {"note": "May", "nevertheless": "on"})
    assert sent["Location"] == f"{base}versions/1/"
    assert AuditEvent.objects.get(action="dataset.frozen").detail["conflicts"] == 1


def test_rest_lists_the_pairs(api: Any, dataset: Dataset) -> None:
    first, second = put(dataset, "How long?", "Four weeks."), put(dataset, "how long", "Two weeks.")
    one = f"{V1}/datasets/{dataset.pk}/"
    refused = api.post_json(f"{one}versions/", {"note": "May"})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflicts")
    [pair] = refused.json()["conflicts"]
    assert [pair["first"]["id"], pair["second"]["id"]] == [str(first.pk), str(second.pk)]
    assert pair["first"]["page"] == f"/w/acme/evaluate/examples/{first.pk}/"
    assert api.get(f"{one}checks/").json()["num_conflicts"] == 1
    assert api.post_json(f"{one}versions/", {"neverthless": True}).status_code == 400
    frozen = api.post_json(f"{one}versions/", {"nevertheless": True})
    assert (frozen.status_code, frozen.json()["num_examples"]) == (201, 2)
