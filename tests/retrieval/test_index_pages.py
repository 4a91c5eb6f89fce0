"""The pages and the API of indexes, through HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from apps.core.embedder import list_embedders
from apps.documents.models import Collection
from apps.retrieval.models import Index, IndexState, SavedQuery
from apps.workspaces.models import Workspace
from tests.factories import ApiClient
from tests.workers.helpers import make_collection, run_all, upload
from tests.workers.test_index_build import LONG, small_profile

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    made = make_collection(workspace)
    upload(made, LONG.encode(), "long.md")
    run_all()
    return made


@pytest.fixture
def client(editor: Any, client_for: Callable[[Any], Client]) -> Client:
    return client_for(editor)


def page_of(collection: Collection) -> str:
    return f"/w/{collection.workspace.slug}/collections/{collection.pk}/indexes/"


def build(client: Client, collection: Collection, **values: Any) -> Any:
    form = {
        "profile": values.get("profile") or small_profile(collection).pk,
        "model": list_embedders(collection.workspace_id)[0].name,
        "vector_index": "hnsw",
        "precision": "half",
        **values,
    }
    return client.post(page_of(collection), form)


def test_build_compare_swap_roll_back_and_throw_away(
    client: Client, collection: Collection
) -> None:
    live = Index.objects.get()
    text = client.get(page_of(collection)).content.decode()
    assert "Standard" in text
    assert "Build it beside the live one" in text
    assert build(client, collection).status_code == 302
    text = client.get(page_of(collection)).content.decode()
    assert "Being built" in text
    assert "every 1s" in text
    assert build(client, collection, profile=live.profile_id).status_code == 422
    run_all()
    text = client.get(f"{page_of(collection)}progress/").content.decode()
    assert "Ready to compare" in text
    assert "every 1s" not in text
    new = Index.objects.get(state=IndexState.BUILDING)
    base = f"/w/{collection.workspace.slug}/indexes/{new.pk}/"
    assert "No question yet" in client.get(f"{base}compare/").content.decode()
    assert client.post(f"{base}compare/", {"text": "Subject 7"}).status_code == 302
    text = client.get(f"{base}compare/").content.decode()
    assert "Subject 7" in text
    assert "% the same" in text
    lab = (
        f"/w/{collection.workspace.slug}/evaluate/lab/?collection={collection.pk}&b-index={new.pk}"
    )
    assert f'href="{escape(lab)}"' in text
    assert client.get(lab).status_code == 200
    assert client.post(f"{base}swap/").status_code == 302
    assert Index.objects.get(state=IndexState.LIVE) == new
    text = client.get(page_of(collection)).content.decode()
    assert "Roll back" in text
    assert client.post(f"/w/{collection.workspace.slug}/indexes/{live.pk}/swap/").status_code == 302
    assert Index.objects.get(state=IndexState.LIVE) == live
    assert client.post(f"{base}delete/").status_code == 302
    run_all()
    assert list(Index.objects.all()) == [live]


def test_a_saved_question_can_be_forgotten(client: Client, collection: Collection) -> None:
    build(client, collection)
    run_all()
    new = Index.objects.get(state=IndexState.BUILDING)
    base = f"/w/{collection.workspace.slug}/indexes/{new.pk}/"
    client.post(f"{base}compare/", {"text": "Subject 7"})
    client.post(f"{base}compare/", {"text": "Subject 7"})
    query = SavedQuery.objects.get()
    client.post(f"{base}questions/{query.pk}/delete/")
    assert not SavedQuery.objects.exists()


def test_a_viewer_looks_and_touches_nothing(
    viewer: Any, client_for: Callable[[Any], Client], client: Client, collection: Collection
) -> None:
    build(client, collection)
    run_all()
    index = Index.objects.get(state=IndexState.BUILDING)
    onlooker = client_for(viewer)
    text = onlooker.get(page_of(collection)).content.decode()
    assert "Ready to compare" in text
    assert "Swap" not in text
    assert build(onlooker, collection, profile=index.profile_id).status_code in (403, 422)
    base = f"/w/{collection.workspace.slug}/indexes/{index.pk}/"
    for action in ("swap", "stop", "continue", "delete"):
        assert onlooker.post(f"{base}{action}/").status_code == 403
    index.refresh_from_db()
    assert (index.state, index.discarded_at) == (IndexState.BUILDING, None)


def test_the_same_over_rest(api: ApiClient, collection: Collection) -> None:
    path = f"/api/v1/collections/{collection.pk}/indexes/"
    [live] = api.get(path).json()
    assert (live["state"], live["chunking"], live["missing"]) == ("live", "Standard", 0)
    assert live["bytes"] > 0
    asked = {"strategy": "sentences", "params": {"size": 1, "overlap": 0}}
    response = api.post_json(path, asked)
    assert response.status_code == 201, response.content
    made = response.json()
    assert (made["state"], made["build"]["state"]) == ("building", "queued")
    assert api.post_json(path, asked).json()["code"] == "build_running"
    one = f"/api/v1/indexes/{made['id']}/"
    assert api.post_json(f"{one}stop/").json()["build"]["state"] == "cancelled"
    assert api.post_json(f"{one}continue/").json()["build"]["state"] == "queued"
    run_all()
    assert api.get(one).json()["build"]["percent"] == 100
    compared = api.get(f"{one}comparison/", {"question": ["Subject 7", "item 3"]}).json()
    assert [item["text"] for item in compared["questions"]] == ["Subject 7", "item 3"]
    assert 0 <= compared["overlap"] <= 1
    swapped = api.post_json(f"{one}swap/")
    assert (swapped.status_code, swapped.json()["state"]) == (200, "live")
    assert api.post_json(f"{one}swap/").status_code == 409
    assert api.delete(one).status_code == 409
    assert api.delete(f"/api/v1/indexes/{live['id']}/").status_code == 204
    run_all()
    assert [index["id"] for index in api.get(path).json()] == [made["id"]]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"strategy": "nonsense"}, 400),
        ({"strategy": "sentences", "params": {"size": 0}}, 400),
        ({"embedding_model": "nonsense"}, 400),
        ({"precision": "nonsense"}, 400),
        ({"profile": "01890000-0000-7000-8000-000000000000"}, 404),
    ],
)
def test_a_wrong_wish_is_refused(
    api: ApiClient, collection: Collection, body: dict[str, Any], status: int
) -> None:
    response = api.post_json(f"/api/v1/collections/{collection.pk}/indexes/", body)
    assert response.status_code == status, response.content
    assert Index.objects.count() == 1
