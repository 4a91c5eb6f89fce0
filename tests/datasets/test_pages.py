"""Datasets over HTTP: the list, a dataset, its examples and versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.test import Client

from apps.datasets.examples import ExampleFields, ExpectedPassage
from apps.datasets.models import Dataset, Example, ReviewState
from apps.datasets.services import add_example, create_dataset, freeze
from apps.workspaces.services import Actor

pytestmark = pytest.mark.django_db
ROOT = "/w/acme/evaluate/datasets/"


@pytest.fixture
def client(editor: Any, client_for: Callable[[Any], Client]) -> Client:
    return client_for(editor)


@pytest.fixture
def dataset(workspace: Any) -> Dataset:
    return create_dataset(workspace, name="Leave", actor=Actor())


def put(dataset: Dataset, question: str, **values: Any) -> Example:
    return add_example(dataset, fields=ExampleFields(question, **values), actor=Actor())


def text_of(response: Any) -> str:
    return str(response.content.decode())


def test_viewers_stay_outside(viewer: Any, client_for: Callable[[Any], Client]) -> None:
    assert client_for(viewer).get(ROOT).status_code == 403


def test_a_dataset_is_made_once(client: Client, workspace: Any) -> None:
    assert "No dataset yet" in text_of(client.get(ROOT))
    made = client.post(ROOT, {"name": "Leave", "description": "Days off"})
    dataset = Dataset.objects.get(workspace=workspace)
    assert made["Location"] == f"{ROOT}{dataset.pk}/"
    again = client.post(ROOT, {"name": "Leave"})
    assert again.status_code == 422
    assert "already" in text_of(again)


def test_an_example_is_written_changed_and_removed(client: Client, dataset: Dataset) -> None:
    address = f"{ROOT}{dataset.pk}/"
    values = {
        "question": "How long is the notice period?",
        "expected_answer": "Four weeks.",
        "other_answers": "4 weeks\n\n28 days",
        "is_answerable": "on",
        "new_passages": "The notice period is four weeks.\n\nDuring probation, two weeks.",
        "tags": "Notice, contract ,notice",
    }
    assert client.post(f"{address}examples/new/", values)["Location"] == address
    example = Example.objects.get()
    assert example.tags == ["notice", "contract"]
    assert example.other_answers == ["4 weeks", "28 days"]
    assert example.language == "en"
    assert [p["text"] for p in example.expected_passages] == [
        "The notice period is four weeks.",
        "During probation, two weeks.",
    ]
    one = f"/w/acme/evaluate/examples/{example.pk}/"
    assert "Four weeks." in text_of(client.get(one))
    changed = values | {"new_passages": "", "keep": ["1"], "is_answerable": ""}
    assert client.post(one, changed)["Location"] == address
    example.refresh_from_db()
    assert [p["text"] for p in example.expected_passages] == ["During probation, two weeks."]
    assert not example.is_answerable
    assert client.post(f"{one}remove/")["Location"] == address
    assert not Example.objects.exists()


def test_what_is_missing_is_said(client: Client, dataset: Dataset) -> None:
    response = client.post(f"{ROOT}{dataset.pk}/examples/new/", {"question": " "})
    assert response.status_code == 422
    assert "required" in text_of(response)
    long = client.post(f"{ROOT}{dataset.pk}/examples/new/", {"question": "Why?", "tags": "x" * 61})
    assert "at most 60 characters" in text_of(long)
    assert not Example.objects.exists()


def test_history_survives_an_edit(client: Client, dataset: Dataset) -> None:
    example = put(dataset, "And contractors?", history=(("How long?", "Four weeks."),))
    client.post(f"/w/acme/evaluate/examples/{example.pk}/", {"question": "And interns?"})
    example.refresh_from_db()
    assert example.question == "And interns?"
    assert example.history == [{"question": "How long?", "answer": "Four weeks."}]


def test_the_table_is_narrowed(client: Client, dataset: Dataset) -> None:
    put(dataset, "How long is it?", tags=("notice",))
    put(dataset, "Wie viele Tage sind das?", is_answerable=False)
    address = f"{ROOT}{dataset.pk}/"

    def shown(**query: str) -> tuple[bool, bool]:
        text = text_of(client.get(address, query))
        return "How long is it?" in text, "Wie viele Tage" in text

    assert shown() == (True, True)
    assert shown(tag="notice") == shown(language="en") == shown(q="LONG") == (True, False)
    assert shown(language="de") == shown(answerable="no") == (False, True)
    assert shown(length="short") == (True, True)
    assert shown(length="long") == (False, False)
    assert shown(state="odd") == (True, True)


def test_freezing_and_reading_a_version(client: Client, dataset: Dataset) -> None:
    address = f"{ROOT}{dataset.pk}/"
    assert client.post(f"{address}freeze/")["Location"] == address
    example = put(dataset, "How long?", expected_answer="Four weeks.")
    frozen = client.post(f"{address}freeze/", {"note": "first"})
    assert frozen["Location"] == f"{address}versions/1/"
    page = text_of(client.get(f"{address}versions/1/"))
    assert "version 1" in page
    assert "first" in page
    copy = Example.objects.exclude(pk=example.pk).get()
    one = f"/w/acme/evaluate/examples/{copy.pk}/"
    assert '<form method="post" class="panel' not in text_of(client.get(one))
    assert client.post(one, {"question": "Longer?"}).status_code == 400
    assert client.post(f"{one}remove/").status_code == 400
    assert client.get(f"{address}versions/2/").status_code == 404


def test_several_at_once(client: Client, dataset: Dataset) -> None:
    first, second, third = put(dataset, "A?"), put(dataset, "B?"), put(dataset, "C?")
    address = f"{ROOT}{dataset.pk}/examples/bulk/"
    chosen = {"chosen": [str(first.pk), str(second.pk), "nonsense"]}
    moved = client.post(f"{address}?state=accepted", chosen | {"action": "rejected"})
    assert moved["Location"] == f"{ROOT}{dataset.pk}/?state=accepted"
    first.refresh_from_db()
    assert (first.state, first.reviewed_by_id is not None) == ("rejected", True)
    client.post(address, {"chosen": [str(first.pk)], "action": "remove"})
    assert set(Example.objects.values_list("pk", flat=True)) == {second.pk, third.pk}
    assert client.post(address, chosen | {"action": "explode"}).status_code == 400


def test_exports_hold_everything_and_no_formula(client: Client, dataset: Dataset) -> None:
    passage = ExpectedPassage("25 days", "", "a.md", 3, 10)
    put(dataset, "=1+1", expected_answer="25", expected_passages=(passage,), tags=("a", "b"))
    address = f"{ROOT}{dataset.pk}/versions/0/export"
    lines = client.get(f"{address}.jsonl")
    assert 'filename="leave-draft.jsonl"' in lines["Content-Disposition"]
    row = orjson.loads(b"".join(lines.streaming_content))  # type: ignore[attr-defined]
    assert row["question"] == "=1+1"
    assert row["expected_passages"][0]["start"] == 3
    sheet = b"".join(client.get(f"{address}.csv").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert sheet.splitlines()[1] == '\'=1+1,25,yes,,"a, b",25 days,a.md,,manual,,accepted'
    assert client.get(f"{address}.exe").status_code == 400


def test_a_dataset_is_renamed_and_deleted(client: Client, dataset: Dataset) -> None:
    put(dataset, "A?")
    freeze(dataset, actor=Actor())
    address = f"{ROOT}{dataset.pk}/"
    client.post(f"{address}edit/", {"edit-name": "Absence", "edit-description": ""})
    dataset.refresh_from_db()
    assert dataset.name == "Absence"
    assert client.post(f"{address}edit/", {"edit-name": ""}).status_code == 422
    client.post(f"{address}delete/")
    assert not Dataset.objects.exists()


def test_the_number_of_proposals_opens_the_review(client: Client, dataset: Dataset) -> None:
    put(dataset, "How many days?")
    Example.objects.update(state=ReviewState.PROPOSED)
    assert f'href="{ROOT}{dataset.pk}/review/"' in text_of(client.get(ROOT))
