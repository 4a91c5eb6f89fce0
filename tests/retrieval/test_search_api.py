"""POST /api/v1/search/."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from apps.documents.models import Collection
from apps.retrieval.search.query import MAX_QUESTION
from apps.workspaces.models import User, Workspace
from inference.errors import ModelFilesError
from tests.factories import make_api
from tests.retrieval.helpers import add_document, make_collection

pytestmark = pytest.mark.django_db
URL = "/api/v1/search/"


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    collection = make_collection(workspace)
    add_document(collection, "leave.txt", "Title page.", "Employees get 25 days of paid leave.")
    add_document(collection, "travel.txt", "Trains are preferred to planes.")
    return collection


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "vector"])
def test_hits_have_their_place_score_and_reasons(
    api: Any, collection: Collection, mode: str
) -> None:
    asked = {"collection": str(collection.pk), "query": "paid leave", "limit": 1, "mode": mode}
    response = api.post_json(URL, asked)

    assert response.status_code == 200
    body = response.json()
    (hit,) = body["hits"]
    full = "Title page.\n\nEmployees get 25 days of paid leave."
    assert hit["document"] == str(collection.documents.get(name="leave.txt").pk)
    assert hit["document_name"] == "leave.txt"
    assert hit["text"] == full[hit["start"] : hit["end"]]
    assert hit["page"] == 1
    assert hit["score"] > 0
    assert hit["why"]["lexical_rank"] == (None if mode == "vector" else 1)
    assert hit["why"]["vector_rank"] == (None if mode == "lexical" else 1)
    assert hit["why"]["matched_terms"] == ([] if mode == "vector" else ["paid", "leav"])
    assert body["searched"] == 2


def test_defaults_are_hybrid_and_eight(api: Any, collection: Collection) -> None:
    body = api.post_json(URL, {"collection": str(collection.pk), "query": "leave"}).json()

    assert len(body["hits"]) == 2
    # First by words (weight 0.5) and by meaning (weight 0.5) of what was found.
    assert body["hits"][0]["score"] == pytest.approx(1.0)
    assert (body["notice"], body["stages"]) == ("", [])


def test_a_profile_says_how_to_search(api: Any, collection: Collection) -> None:
    asked = {"collection": str(collection.pk), "query": "leave"}

    by_rank = api.post_json(URL, {**asked, "profile": {"fusion": "rrf"}}).json()
    varied = api.post_json(URL, {**asked, "profile": {"diversity": 0.3}, "explain": True}).json()
    filtered = api.post_json(URL, {**asked, "profile": {"filters": "name:travel*"}}).json()

    assert by_rank["hits"][0]["score"] == pytest.approx(0.5 / 61 + 0.5 / 61)
    assert [stage["name"] for stage in varied["stages"]] == [
        "lexical", "vector", "hybrid", "diversity", "context",
    ]  # fmt: skip
    assert varied["stages"][0]["hits"][0]["document_name"] == "leave.txt"
    assert [hit["document_name"] for hit in filtered["hits"]] == ["travel.txt"]


@pytest.mark.parametrize(
    "profile",
    ["hybrid", {"fusion": "magic"}, {"surprise": 1}, {"diversity": 2},
     {"rerank": "endpoint", "rerank_endpoint": "5b0b2a52-0000-4000-8000-000000000000"}],
)  # fmt: skip
def test_a_profile_that_makes_no_sense_is_refused(
    api: Any, collection: Collection, profile: Any
) -> None:
    asked = {"collection": str(collection.pk), "query": "leave", "profile": profile}

    response = api.post_json(URL, asked)

    assert response.status_code == 400
    assert "profile" in str(response.json())


def test_several_collections_can_be_named(
    api: Any, collection: Collection, workspace: Workspace
) -> None:
    other = make_collection(workspace, "Other")
    add_document(other, "other.txt", "Leave it.")

    body = api.post_json(
        URL, {"collections": [str(collection.pk), str(other.pk)], "query": "leave"}
    ).json()

    assert {hit["document_name"] for hit in body["hits"]} == {
        "leave.txt", "travel.txt", "other.txt",
    }  # fmt: skip


def test_unknown_and_foreign_collections_look_alike(
    api: Any, other_api: Any, collection: Collection
) -> None:
    foreign = other_api.post_json(URL, {"collection": str(collection.pk), "query": "leave"})
    unknown = other_api.post_json(URL, {"collection": str(uuid4()), "query": "leave"})

    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json() == unknown.json()


@pytest.mark.parametrize(
    "wrong",
    [{"collection": "x"}, {"query": None}, {"limit": 0}, {"limit": 51}, {"mode": "magic"}],
)
def test_wrong_fields_are_named(api: Any, collection: Collection, wrong: dict[str, Any]) -> None:
    response = api.post_json(URL, {"collection": str(collection.pk), "query": "leave", **wrong})

    assert response.status_code == 400
    assert list(response.json()["errors"]) == list(wrong)


def test_where_to_search_must_be_said_once(api: Any, collection: Collection) -> None:
    pk = str(collection.pk)

    assert api.post_json(URL, {"query": "leave"}).status_code == 400
    both = {"query": "leave", "collection": pk, "collections": [pk]}
    assert api.post_json(URL, both).status_code == 400


def test_an_empty_question_finds_nothing(api: Any, collection: Collection) -> None:
    body = api.post_json(URL, {"collection": str(collection.pk), "query": "  "}).json()

    assert body["hits"] == []


def test_a_text_is_refused_where_the_chat_refuses_it(api: Any, collection: Collection) -> None:
    def search(length: int) -> Any:
        body = {"collection": str(collection.pk), "query": "x" * length, "mode": "lexical"}
        return api.post_json(URL, body)

    assert search(MAX_QUESTION).status_code == 200
    refused = search(MAX_QUESTION + 1)
    assert refused.status_code == 400
    assert refused.json()["errors"]["query"] == ["At most 32,000 characters can be searched."]


def test_reading_is_the_scope_it_takes(
    collection: Collection, workspace: Workspace, owner: User
) -> None:
    asked = {"collection": str(collection.pk), "query": "leave"}

    assert make_api(workspace, owner, ["read"]).post_json(URL, asked).status_code == 200
    assert make_api(workspace, owner, ["write"]).post_json(URL, asked).status_code == 403


def test_without_the_model_the_answer_says_what_works(
    api: Any, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ModelFilesError("not built")

    monkeypatch.setattr("apps.retrieval.search.query.get_embedder", fail)
    asked = {"collection": str(collection.pk), "query": "leave"}

    refused = api.post_json(URL, asked)
    assert (refused.status_code, refused.json()["code"]) == (503, "model_not_ready")
    assert api.post_json(URL, {**asked, "mode": "lexical"}).status_code == 200
