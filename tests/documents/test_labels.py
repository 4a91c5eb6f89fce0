"""Tags, metadata and dates: set over REST, found by filters at once."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from apps.documents.models import Document
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.query import SearchQuery
from apps.workspaces.models import AuditEvent, Workspace
from tests.retrieval.helpers import add_passages, make_collection

pytestmark = pytest.mark.django_db


def test_labels_are_set_and_searched_by(api: Any, workspace: Workspace) -> None:
    collection = make_collection(workspace)
    add_passages(collection, "a.txt", ["apple pie"])
    add_passages(collection, "b.txt", ["apple tart"])
    document = Document.objects.get(name="a.txt")

    answer = api.patch_json(
        f"/api/v1/documents/{document.pk}/",
        {"tags": ["Dessert", " dessert "], "metadata": {"Team": "Kitchen"},
         "source_date": "2024-05-06"},
    )  # fmt: skip

    assert answer.status_code == 200
    assert answer.json()["tags"] == ["dessert"]
    assert answer.json()["metadata"] == {"team": "Kitchen"}
    for text in ("tag:dessert", "team:kitchen", "date:2024-05"):
        query = SearchQuery(workspace.pk, [collection.pk], "apple", filters=text)
        assert [hit.document_name for hit in search(query).hits] == ["a.txt"]
    assert AuditEvent.objects.filter(action="document.labelled").count() == 1


def test_what_is_left_out_stays(api: Any, workspace: Workspace) -> None:
    add_passages(make_collection(workspace), "a.txt", ["apple pie"])
    document = Document.objects.get(name="a.txt")
    address = f"/api/v1/documents/{document.pk}/"
    api.patch_json(address, {"tags": ["x"], "source_date": "2024-05-06"})

    api.patch_json(address, {"source_date": None})

    document.refresh_from_db()
    assert (document.tags, document.source_date) == (["x"], None)


@pytest.mark.parametrize(
    "labels",
    [{"tags": ["x" * 81]}, {"tags": "x"}, {"metadata": {"two words": "x"}}, {"source_date": "May"}],
)
def test_labels_that_no_filter_could_name_are_refused(
    api: Any, workspace: Workspace, labels: dict[str, Any]
) -> None:
    add_passages(make_collection(workspace), "a.txt", ["apple pie"])
    document = Document.objects.get(name="a.txt")

    assert api.patch_json(f"/api/v1/documents/{document.pk}/", labels).status_code == 400


def test_another_workspaces_document_is_not_there(other_api: Any, workspace: Workspace) -> None:
    add_passages(make_collection(workspace), "a.txt", ["apple pie"])
    document = Document.objects.get(name="a.txt")

    for pk in (document.pk, uuid4()):
        answer = other_api.patch_json(f"/api/v1/documents/{pk}/", {"tags": ["x"]})
        assert answer.status_code == 404
