"""Indexes of several embedding models: each is asked with vectors of its own, and never others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from apps.core.embedder import EmbeddingChoice, get_embedder, list_embedders
from apps.documents.models import Collection
from apps.gateway.embedding_models import MODELS
from apps.gateway.embedding_services import (
    EmbeddingModelFields,
    InUseError,
    add_model,
    delete_model,
)
from apps.gateway.models import EmbeddingModel
from apps.retrieval.indexes import builds
from apps.retrieval.models import Embedding, Index, IndexState
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.query import SearchQuery
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor
from tests.embedding_server import EmbeddingServer, serve_embeddings
from tests.workers.helpers import make_collection, run_all, upload

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with serve_embeddings() as running:
        yield running


@pytest.fixture
def model(workspace: Workspace, server: EmbeddingServer) -> EmbeddingModel:
    server.key = "k"
    fields = EmbeddingModelFields(
        "Small", base_url=server.base_url, model="m", api_key="k", query_prefix="query: "
    )
    return add_model(workspace, fields=fields, actor=Actor())


def rebuild(collection: Collection, model: EmbeddingModel) -> Index:
    live = Index.objects.get(collection=collection, state=IndexState.LIVE)
    choice = EmbeddingChoice(model.name_in_index, model.name, model.dimensions)
    index = builds.start_build(
        collection, profile=live.profile, model=choice, actor=Actor(), goes_live=True
    )
    run_all()
    index.refresh_from_db()
    assert index.state == IndexState.LIVE
    return index


def find(workspace: Workspace, *collections: Collection, mode: Any = "hybrid") -> Any:
    return search(
        SearchQuery(workspace.pk, [c.pk for c in collections], "notice period", mode=mode)
    )


def test_a_model_is_asked_before_it_is_kept(model: EmbeddingModel, server: EmbeddingServer) -> None:
    assert model.dimensions == 16
    assert [choice.label for choice in list_embedders(model.workspace_id)][1:] == ["Small"]
    server.key = "another"
    with pytest.raises(Exception, match="refused the API key"):
        add_model(
            model.workspace,
            fields=EmbeddingModelFields("Other", base_url=server.base_url, model="m"),
            actor=Actor(),
        )
    assert EmbeddingModel.objects.count() == 1


def test_an_index_of_another_model_is_built_searched_and_added_to(
    workspace: Workspace, model: EmbeddingModel, server: EmbeddingServer
) -> None:
    collection = make_collection(workspace)
    upload(collection, b"# Leave\n\nThe notice period is three months.", "a.md")
    run_all()
    index = rebuild(collection, model)
    [embedding] = Embedding.objects.filter(index=index)
    assert len(embedding.vector) == index.dimensions == 16
    upload(collection, b"# Rent\n\nThe notice period of flats is one month.", "b.md")
    run_all()
    result = find(workspace, collection, mode="vector")
    assert [hit.vector_rank for hit in result.hits] == [1, 2]
    assert server.inputs[-1] == ["query: notice period"]
    assert Embedding.objects.filter(index=index).count() == 2


def test_collections_of_two_models_are_searched_together(
    workspace: Workspace, model: EmbeddingModel
) -> None:
    ours, theirs = make_collection(workspace, "Ours"), make_collection(workspace, "Theirs")
    upload(ours, b"# Ours\n\nThe notice period is three months.", "a.md")
    upload(theirs, b"# Theirs\n\nThe notice period is one month.", "b.md")
    run_all()
    rebuild(theirs, model)
    result = find(workspace, ours, theirs)
    assert {hit.document_name for hit in result.hits} == {"a.md", "b.md"}
    # Each is the first of its model's list, and words have ranked both.
    assert [hit.vector_rank for hit in result.hits] == [1, 1]
    assert {hit.lexical_rank for hit in result.hits} == {1, 2}
    assert result.num_searched == 2
    by_meaning = find(workspace, ours, theirs, mode="vector")
    assert [hit.score for hit in by_meaning.hits] == [1 / 61, 1 / 61]


def test_a_server_that_is_away_leaves_the_words(
    workspace: Workspace, model: EmbeddingModel, server: EmbeddingServer
) -> None:
    collection = make_collection(workspace)
    upload(collection, b"# Leave\n\nThe notice period is three months.", "a.md")
    run_all()
    rebuild(collection, model)
    server.failures = [500] * 10
    result = find(workspace, collection)
    assert [hit.lexical_rank for hit in result.hits] == [1]
    assert "by words only" in result.notice
    assert find(workspace, collection, mode="vector").hits == []


def test_a_build_waits_for_its_server_and_says_so(
    workspace: Workspace, model: EmbeddingModel, server: EmbeddingServer
) -> None:
    from apps.core.models import Job, JobKind, JobState

    collection = make_collection(workspace)
    upload(collection)
    run_all()
    live = Index.objects.get()
    server.failures = [500] * 3
    choice = EmbeddingChoice(model.name_in_index, model.name, model.dimensions)
    builds.start_build(collection, profile=live.profile, model=choice, actor=Actor())
    run_all()
    job = Job.objects.get(kind=JobKind.BUILD_INDEX)
    assert (job.state, "Trying again" in job.reason) == (JobState.QUEUED, True)
    server.failures = []
    Job.objects.update(available_at="2020-01-01T00:00:00Z")
    run_all()
    job.refresh_from_db()
    assert job.state == JobState.SUCCEEDED


def test_a_model_that_indexes_need_cannot_be_deleted(
    workspace: Workspace, model: EmbeddingModel
) -> None:
    collection = make_collection(workspace)
    upload(collection)
    run_all()
    rebuild(collection, model)
    with pytest.raises(InUseError):
        delete_model(model, actor=Actor())


def test_the_hot_path_asks_nobody_else(workspace: Workspace) -> None:
    assert get_embedder() is get_embedder(get_embedder().name)
    assert MODELS.list(workspace.pk) == []
