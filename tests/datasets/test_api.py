"""Datasets over REST."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.django_db
V1 = "/api/v1"


def test_from_an_empty_workspace_to_a_frozen_version(api: Any) -> None:
    made = api.post_json(f"{V1}/datasets/", {"name": "Leave"})
    assert made.status_code == 201
    one = f"{V1}/datasets/{made.json()['id']}/"
    assert api.post_json(f"{V1}/datasets/", {"name": "Leave"}).status_code == 409
    assert api.post_json(f"{one}versions/").status_code == 409
    example = {
        "question": "How long?",
        "expected_answer": "Four weeks.",
        "expected_passages": [{"text": "four weeks", "document_name": "a.md"}],
        "tags": ["Notice"],
        "history": [{"question": "Hi", "answer": "Hello"}],
        "is_answerable": True,
    }
    added = api.post_json(f"{one}examples/", example)
    assert added.status_code == 201
    body = added.json()
    assert (body["tags"], body["language"], body["state"]) == (["notice"], "en", "accepted")
    assert body["expected_passages"][0]["start"] == -1
    frozen = api.post_json(f"{one}versions/", {"note": "first"}).json()
    assert (frozen["number"], frozen["num_examples"]) == (1, 1)
    [kept] = api.get(f"{one}examples/", {"version": 1}).json()["results"]
    assert (kept["key"], kept["question"]) == (body["key"], "How long?")
    assert api.patch_json(f"{V1}/examples/{kept['id']}/", {"question": "?"}).status_code == 409
    assert api.delete(f"{V1}/examples/{kept['id']}/").status_code == 409
    changed = api.patch_json(f"{V1}/examples/{body['id']}/", {"expected_answer": "28 days."})
    assert changed.json()["expected_answer"] == "28 days."
    assert changed.json()["history"] == example["history"]
    assert api.delete(f"{V1}/examples/{body['id']}/").status_code == 204
    assert api.get(f"{one}versions/").json()["results"][0]["number"] == 1
    assert api.delete(one).status_code == 204
    assert api.get(one).status_code == 404


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"question": ""},
        {"question": "a", "expected_passages": [{}]},
        {"question": "a", "expected_passages": [{"text": "x", "start": 9, "end": 3}]},
        {"question": "a", "expected_passages": [{"text": "x", "start": 9}]},
        {"question": "a", "expected_passages": [{"text": "x", "start": 1, "end": 2**40}]},
        {"question": "a", "tags": ["x" * 61]},
        {"question": "a", "state": "odd"},
        {"question": "a" * 4001},
    ],
)
def test_bad_examples_are_refused(api: Any, values: dict[str, Any]) -> None:
    dataset = api.post_json(f"{V1}/datasets/", {"name": "Leave"}).json()["id"]
    response = api.post_json(f"{V1}/datasets/{dataset}/examples/", values)
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"


def test_versions_are_numbers(api: Any) -> None:
    dataset = api.post_json(f"{V1}/datasets/", {"name": "Leave"}).json()["id"]
    for bad, status in (("x", 400), ("-1", 400), ("7", 404), ("9" * 30, 400)):
        path = f"{V1}/datasets/{dataset}/examples/"
        assert api.get(path, {"version": bad}).status_code == status
