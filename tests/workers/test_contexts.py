"""Describing passages with a model: found by what it says, resumable, stoppable, undoable."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.assistants.contexts.services import view_contexts
from apps.chunking.models import Chunk
from apps.core.models import Job, JobKind
from apps.documents.models import Collection
from apps.gateway.models import Endpoint
from apps.gateway.services import EndpointFields, save_endpoint
from apps.retrieval.indexes.invariants import check_index
from apps.retrieval.models import Index, PassageContext
from apps.retrieval.passages import contexts
from apps.retrieval.passages.contexts import MAX_CONTEXT_CHARS, clean_context, compose
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.query import SearchQuery
from apps.workspaces.services import Actor
from inference.stub_server import StubConfig, StubServer, serve_in_thread
from tests.workers.helpers import run_all, upload
from workers.pipelines import contexts as pipeline

SAID = "- This passage of the staff handbook is about holidays.\n\n1. How long is the vacation?\n"


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with serve_in_thread(StubConfig(first_token_ms=0, token_ms=0, tokens=None)) as server:
        yield server


@pytest.fixture
def endpoint(collection: Collection, stub: StubServer) -> Endpoint:
    fields = EndpointFields(
        name="Stub", base_url=stub.base_url, model="stub", input_price=Decimal(2),
        output_price=Decimal(10),
    )  # fmt: skip
    return save_endpoint(collection.workspace, fields=fields, actor=Actor())


@pytest.fixture
def owner_client(collection: Collection, owner: Any, client_for: Any) -> Client:
    return client_for(owner)  # type: ignore[no-any-return]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model says the same of every passage."""
    composed = contexts.compose

    def say(chunk: Chunk) -> Any:
        messages = composed(chunk)
        last = messages[-1]
        return [messages[0], type(last)(last.role, f"[[reply:{SAID}]]")]

    monkeypatch.setattr(contexts, "compose", say)


def url(collection: Collection, name: str) -> str:
    return reverse(f"assistants:{name}", args=[collection.workspace.slug, collection.pk])


def found(collection: Collection, text: str, mode: Any = "lexical") -> list[str]:
    query = SearchQuery(collection.workspace_id, [collection.pk], text, mode=mode)
    return [hit.text for hit in search(query).hits]


def test_passages_are_found_by_what_the_model_says(
    collection: Collection, endpoint: Endpoint, said: None, owner_client: Client
) -> None:
    upload(collection)
    run_all()
    assert found(collection, "vacation") == []
    before = Index.objects.get(collection=collection)

    shown = owner_client.get(url(collection, "contexts")).content.decode()
    assert "Describe the passages" in shown
    assert "about $" in shown
    owner_client.post(url(collection, "contexts_start"), {"endpoint": str(endpoint.pk)})
    run_all()

    hits = found(collection, "vacation")
    assert hits
    assert "vacation" not in "".join(hits)
    view = view_contexts(collection)
    assert (view.estimate.passages, view.described) == (0, Chunk.objects.count())
    assert view.job is not None
    assert (view.job.state, view.job.done) == ("succeeded", view.described)
    context = PassageContext.objects.first()
    assert context is not None
    assert context.text == (
        "This passage of the staff handbook is about holidays.\nHow long is the vacation?"
    )
    assert view.spent_output > 0
    index = Index.objects.get(collection=collection)
    assert check_index(index).is_sound
    assert index.num_chunks == before.num_chunks
    assert index.total_length > before.total_length
    assert "staff handbook" in owner_client.get(url(collection, "contexts")).content.decode()


def test_it_goes_on_where_it_stopped_and_pays_nothing_twice(
    collection: Collection, endpoint: Endpoint, said: None, owner_client: Client, stub: StubServer
) -> None:
    upload(collection)
    run_all()
    owner_client.post(url(collection, "contexts_start"), {"endpoint": str(endpoint.pk)})
    run_all()
    asked = len(stub.seen)

    upload(collection, b"# Parking\n\nThe garage opens at seven.\n", "parking.md")
    run_all()
    owner_client.post(url(collection, "contexts_start"), {"endpoint": str(endpoint.pk)})
    run_all()

    assert len(stub.seen) - asked == 1
    assert len(found(collection, "vacation")) == Chunk.objects.count()


def test_contexts_can_be_taken_away(
    collection: Collection, endpoint: Endpoint, said: None, owner_client: Client
) -> None:
    upload(collection)
    run_all()
    before = Index.objects.values("num_chunks", "total_length").get()
    owner_client.post(url(collection, "contexts_start"), {"endpoint": str(endpoint.pk)})
    run_all()
    owner_client.post(url(collection, "contexts_remove"))
    run_all()

    assert found(collection, "vacation") == []
    assert found(collection, "leave")
    assert PassageContext.objects.count() == 0
    assert Index.objects.values("num_chunks", "total_length").get() == before


def test_a_stopped_job_keeps_what_it_has(
    collection: Collection, endpoint: Endpoint, said: None, owner_client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    upload(collection, b"\n".join(b"# Part %d\n\nSubject %d is here.\n" % (n, n) * 9
                                  for n in range(9)))  # fmt: skip
    run_all()
    number = Chunk.objects.count()
    assert number > 1
    monkeypatch.setattr(pipeline, "AT_ONCE", 1)
    stored = contexts.store_contexts

    def store_one(*args: Any, **kwargs: Any) -> int:
        count = stored(*args, **kwargs)
        Job.objects.filter(kind=JobKind.ADD_CONTEXTS).update(cancel_requested=True)
        return int(count)

    monkeypatch.setattr(contexts, "store_contexts", store_one)
    owner_client.post(url(collection, "contexts_start"), {"endpoint": str(endpoint.pk)})
    run_all()

    view = view_contexts(collection)
    assert view.job is not None
    assert (view.job.state, view.described) == ("cancelled", 1)
    assert view.estimate.passages == number - 1


def test_a_model_that_refuses_fails_the_job_with_its_reason(
    collection: Collection, endpoint: Endpoint, owner_client: Client
) -> None:
    upload(collection)
    run_all()
    Endpoint.objects.update(model="stub-auth")
    owner_client.post(url(collection, "contexts_start"), {"endpoint": str(endpoint.pk)})
    run_all()

    job = Job.objects.get(kind=JobKind.ADD_CONTEXTS)
    assert job.state == "failed"
    assert job.reason
    assert job.reason in owner_client.get(url(collection, "contexts")).content.decode()


def test_contexts_go_with_their_passages(
    collection: Collection, endpoint: Endpoint, said: None, owner_client: Client
) -> None:
    upload(collection)
    run_all()
    owner_client.post(url(collection, "contexts_start"), {"endpoint": str(endpoint.pk)})
    run_all()

    upload(collection, b"# Leave\n\nNow it is 30 days.\n")
    run_all()

    assert found(collection, "vacation") == []
    assert PassageContext.objects.count() == 0


def test_the_model_reads_the_passage_within_its_document(collection: Collection) -> None:
    upload(collection)
    run_all()
    chunk = Chunk.objects.select_related("version__document").order_by("position").first()
    assert chunk is not None

    _, asked = compose(chunk)

    assert "Document: leave.md" in asked.content
    assert f"<passage>{chunk.text}</passage>" in asked.content
    assert asked.content.count("Trains are preferred.") == 1


def test_what_models_add_is_cleaned() -> None:
    assert clean_context("* One.\n\n  2) Two?\n") == "One.\nTwo?"
    assert clean_context(" \n ") == ""
    assert clean_context("word " * 400 + "\nnext") == ("word " * 400)[:MAX_CONTEXT_CHARS]
    assert clean_context("a" * 600 + "\n" + "b" * 600) == "a" * 600
