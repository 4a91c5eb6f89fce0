"""Passages beside their source in the browser, and through the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.chunking.models import Chunk, ChunkEdit
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import Document
from apps.retrieval.passages.refresh import refresh_chunks
from apps.workspaces.models import User, Workspace
from tests.factories import ApiClient, make_api
from tests.retrieval.helpers import add_document, make_collection

pytestmark = pytest.mark.django_db

TEXT = "Leave is 25 days. It must be asked for early. Nobody may take more."


@pytest.fixture
def document(workspace: Workspace) -> Document:
    return add_document(make_collection(workspace), "rules.md", TEXT)


@pytest.fixture
def passage(document: Document) -> Chunk:
    return Chunk.objects.get()


@pytest.fixture
def browser(client_for: Callable[[User], Client], editor: User) -> Client:
    return client_for(editor)


@pytest.fixture
def api(workspace: Workspace, owner: User) -> ApiClient:
    return make_api(workspace, owner)


def page_of(browser: Client, document: Document, query: str = "") -> str:
    return browser.get(f"/w/acme/documents/{document.pk}/{query}").content.decode()


def end_jobs(**values: Any) -> None:
    values = {"state": JobState.SUCCEEDED, **values}
    Job.objects.filter(kind=JobKind.REINDEX_PASSAGES).update(**values)


def test_an_edit_is_shown_at_once_and_marked_until_it_can_be_found(
    browser: Client, document: Document, passage: Chunk
) -> None:
    response = browser.post(
        f"/w/acme/passages/{passage.pk}/edit/", {"text": "Leave is 30 days.", "tags": "hr, 2026"}
    )
    assert response.status_code == 302
    assert response["Location"] == f"/w/acme/documents/{document.pk}/?start=0&end=67#highlight"

    page = page_of(browser, document)
    for text in ("Leave is 30 days.", "edited", "being made searchable", "hr", "2026"):
        assert text in page
    assert 'hx-trigger="every 2s"' in page

    refresh_chunks(document.pk)
    end_jobs()
    page = page_of(browser, document, "?start=0&end=67")
    assert "being made searchable" not in page
    assert "every 2s" not in page
    assert "This passage was edited." in page
    assert TEXT in page  # the source stays as it is


def test_the_source_beside_a_chat_shows_what_was_quoted(
    browser: Client, document: Document, passage: Chunk
) -> None:
    browser.post(f"/w/acme/passages/{passage.pk}/edit/", {"text": "Leave is 30 days.", "tags": ""})
    refresh_chunks(document.pk)

    panel = browser.get(f"/w/acme/documents/{document.pk}/source/?start=0&end=67").content.decode()

    assert "This passage was edited." in panel
    assert "Leave is 30 days." in panel
    assert "Leave is 25 days." in panel


def test_what_cannot_be_saved_is_shown_again(browser: Client, passage: Chunk) -> None:
    response = browser.post(
        f"/w/acme/passages/{passage.pk}/edit/", {"text": "word " * 300, "tags": "kept"}
    )

    assert response.status_code == 422
    page = response.content.decode()
    assert "the embedding model reads 254" in page
    assert 'value="kept"' in page
    assert ChunkEdit.objects.count() == 0


def test_the_editor_offers_the_sentences_to_split_at(browser: Client, passage: Chunk) -> None:
    page = browser.get(f"/w/acme/passages/{passage.pk}/").content.decode()
    assert 'value="18" required' in page
    assert 'value="46" required' in page

    browser.post(f"/w/acme/passages/{passage.pk}/split/", {"at": "18"})
    refresh_chunks(passage.version.document_id)

    texts = list(Chunk.objects.order_by("position").values_list("text", flat=True))
    assert texts == [TEXT[:17], TEXT[18:]]


def test_a_disabled_passage_is_listed_and_enabled_again(
    browser: Client, document: Document, passage: Chunk
) -> None:
    browser.post(f"/w/acme/passages/{passage.pk}/disable/")
    refresh_chunks(document.pk)
    page = page_of(browser, document)
    assert "is-disabled" in page
    assert Chunk.objects.count() == 0

    edit = ChunkEdit.objects.get()
    assert f"/w/acme/passage-edits/{edit.pk}/revert/" in page
    browser.post(f"/w/acme/passage-edits/{edit.pk}/revert/")
    refresh_chunks(document.pk)
    assert Chunk.objects.get().text == TEXT


def test_a_change_that_lost_its_place_is_said(
    browser: Client, document: Document, passage: Chunk
) -> None:
    browser.post(f"/w/acme/passages/{passage.pk}/edit/", {"text": "Leave is 30 days.", "tags": ""})
    refresh_chunks(document.pk)
    add_document(document.collection, "rules.md", "Everything is new here.")

    page = page_of(browser, document)

    assert "1 change could not be placed" in page
    assert "Forget this change" in page


def test_a_job_that_failed_says_why(browser: Client, document: Document, passage: Chunk) -> None:
    browser.post(f"/w/acme/passages/{passage.pk}/merge/")
    assert Job.objects.filter(kind=JobKind.REINDEX_PASSAGES).count() == 0
    browser.post(f"/w/acme/passages/{passage.pk}/edit/", {"text": "New.", "tags": ""})
    end_jobs(state=JobState.FAILED, reason="The model is gone.")

    assert "The model is gone." in page_of(browser, document)


def test_viewers_read_and_do_not_change(
    client_for: Callable[[User], Client], viewer: User, document: Document, passage: Chunk
) -> None:
    client = client_for(viewer)

    assert "Change passage" not in page_of(client, document)
    assert client.get(f"/w/acme/passages/{passage.pk}/").status_code == 403
    for action in ("edit", "split", "merge", "disable"):
        assert client.post(f"/w/acme/passages/{passage.pk}/{action}/").status_code == 403


def test_the_api_reads_and_changes_passages(
    api: ApiClient, document: Document, passage: Chunk
) -> None:
    [listed] = api.get(f"/api/v1/documents/{document.pk}/passages/").json()["results"]
    assert listed["text"] == TEXT
    assert (listed["start"], listed["end"], listed["edit"]) == (0, 67, None)

    change = {"text": "Leave is 30 days.", "tags": ["hr"]}
    changed = api.patch(f"/api/v1/passages/{passage.pk}/", change, content_type="application/json")
    assert changed.status_code == 202
    [edit] = changed.json()
    assert (edit["original"], edit["text"], edit["tags"]) == (TEXT, "Leave is 30 days.", ["hr"])
    refresh_chunks(document.pk)

    read = api.get(f"/api/v1/passages/{passage.pk}/").json()
    assert (read["text"], read["tags"], read["edit"]) == ("Leave is 30 days.", ["hr"], edit["id"])
    merged = api.post(f"/api/v1/passages/{passage.pk}/merge/")
    assert merged.status_code == 409
    assert "last passage" in merged.json()["detail"]
    assert api.get(f"/api/v1/documents/{document.pk}/passage-edits/").json() == [
        {**edit, "updated_at": edit["updated_at"]}
    ]
    assert api.delete(f"/api/v1/passage-edits/{edit['id']}/").status_code == 204
    refresh_chunks(document.pk)
    assert api.get(f"/api/v1/passages/{passage.pk}/").json()["text"] == TEXT


def test_the_api_splits_and_disables(api: ApiClient, document: Document, passage: Chunk) -> None:
    path = f"/api/v1/passages/{passage.pk}"
    made = api.post(f"{path}/split/", {"at": 18}, content_type="application/json")
    assert [edit["original"] for edit in made.json()] == [TEXT[:17], TEXT[18:]]
    refresh_chunks(document.pk)

    first = Chunk.objects.order_by("position").first()
    assert first is not None
    assert api.post(f"/api/v1/passages/{first.pk}/disable/").status_code == 202
    assert Chunk.objects.count() == 1
