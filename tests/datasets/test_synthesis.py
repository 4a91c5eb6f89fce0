"""Questions made from documents by a job, and the queue where people review them."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from apps.chunking.models import Chunk
from apps.core.models import Job, JobKind, JobState
from apps.datasets.models import Dataset, Example, Synthesis
from apps.datasets.services import create_dataset
from apps.datasets.synthesis import services as synthesis
from apps.datasets.synthesis.services import NoPassagesError, choose_passages, start_synthesis
from apps.gateway.services import EndpointFields, save_endpoint
from apps.workspaces.services import Actor
from tests.factories import add_documents
from workers.pipelines import synthesis as pipeline
from workers.runner import drain

pytestmark = pytest.mark.django_db
FILLER = "Nobody needs to ask before that, and nobody minds when it is done in another order."
TEXTS = {
    "leave.md": f"# Leave\n\nEmployees get 25 days of annual leave a year. {FILLER}\n",
    "notice.md": f"# Notice\n\nThe notice period is four weeks to the end of a month. {FILLER}\n",
}


@pytest.fixture
def collection(workspace: Any) -> Any:
    return add_documents(workspace, TEXTS)


@pytest.fixture
def dataset(workspace: Any) -> Dataset:
    return create_dataset(workspace, name="Made", actor=Actor())


def start(dataset: Dataset, collection: Any, *, endpoint: Any = None) -> Synthesis:
    return start_synthesis(
        dataset, collection_ids=[collection.pk], count=9, endpoint=endpoint, actor=Actor()
    )


def test_without_a_model_and_only_once(dataset: Dataset, collection: Any) -> None:
    made = start(dataset, collection)
    drain(JobKind.SYNTHESISE)
    made.refresh_from_db()
    assert (made.num_made, made.position, made.cost) == (2, 2, Decimal(0))
    leave = Example.objects.get(question__startswith="How many")
    assert (leave.state, leave.source_kind, leave.tags) == ("proposed", "synthesis", ["generated"])
    assert leave.source_note == "from headings and sentences, without a model"
    [passage] = leave.expected_passages
    assert passage["document_name"] == "leave.md"
    assert TEXTS["leave.md"][passage["start"] : passage["end"]] == passage["text"]
    assert passage["text"] == "Employees get 25 days of annual leave a year."
    with pytest.raises(NoPassagesError):
        start(dataset, collection)


def test_passages_are_spread_over_documents(
    dataset: Dataset, workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synthesis, "LEAST_TOKENS", 1)
    long = "\n\n".join(f"# Part {n}\n\n" + f"Sentence {n} of the long one. " * 40 for n in range(8))
    collection = add_documents(workspace, TEXTS | {"long.md": long})
    chosen = choose_passages(dataset, [collection.pk], count=3, seed=1)
    names = Chunk.objects.filter(pk__in=chosen).values_list("version__document__name", flat=True)
    assert sorted(names) == ["leave.md", "long.md", "notice.md"]
    assert chosen == choose_passages(dataset, [collection.pk], count=3, seed=1)


def with_model(workspace: Any) -> Any:
    fields = EndpointFields(
        name="Model", base_url="http://127.0.0.1:9/v1", model="m", api_key="k",
        input_price=Decimal(10), output_price=Decimal(20),
    )  # fmt: skip
    return save_endpoint(workspace, fields=fields, actor=Actor())


class Replies:
    """Stands in for the endpoint's client."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails, self.asked = fails, 0
        self.prompts: list[str] = []

    async def stream(self, messages: Any, *, sampling: Any) -> Any:
        from inference.errors import ModelError
        from inference.types import ChatDelta, Usage

        self.asked += 1
        self.prompts += [message.content for message in messages]
        if self.fails:
            raise ModelError("auth", "The key was refused.")
        assert sampling.response_schema is not None
        yield ChatDelta(
            '{"question": "How long is it?", "answer": "Long.", "quote": "nobody minds"}'
        )
        yield ChatDelta("", usage=Usage(1_000, 100))


def test_a_model_makes_them_and_the_cost_is_kept(
    dataset: Dataset, collection: Any, workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "make_client", lambda endpoint: Replies())
    made = start(dataset, collection, endpoint=with_model(workspace))
    drain(JobKind.SYNTHESISE)
    made.refresh_from_db()
    # Two passages: 2,000 tokens at $10 and 200 at $20 a million.
    assert (made.num_made, made.cost) == (2, Decimal("0.024"))
    assert {e.expected_passages[0]["text"] for e in Example.objects.all()} == {"nobody minds"}
    assert Example.objects.first().source_note == "by m"  # type: ignore[union-attr]


def test_a_model_sees_rows_under_the_header_of_their_table(
    dataset: Dataset, collection: Any, workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = "| Depot | Pallets |\n| --- | --- |\n"
    Chunk.objects.filter(text__contains="annual leave").update(table_head=head)
    replies = Replies()
    monkeypatch.setattr(pipeline, "make_client", lambda endpoint: replies)
    start(dataset, collection, endpoint=with_model(workspace))
    drain(JobKind.SYNTHESISE)
    [asked] = [prompt for prompt in replies.prompts if "annual leave" in prompt]
    text = Chunk.objects.get(text__contains="annual leave").text
    assert f"{head}{text}" in asked


def test_a_model_that_refuses_ends_the_job_with_its_reason(
    dataset: Dataset, collection: Any, workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "make_client", lambda endpoint: Replies(fails=True))
    start(dataset, collection, endpoint=with_model(workspace))
    drain(JobKind.SYNTHESISE)
    job = Job.objects.get(kind=JobKind.SYNTHESISE)
    assert (job.state, job.reason) == (JobState.FAILED, "The key was refused.")


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_cost_is_shown_before_a_model_is_asked(
    dataset: Dataset, collection: Any, workspace: Any, editor: Any,
    client_for: Callable[[Any], Client],
) -> None:  # fmt: skip
    client, endpoint = client_for(editor), with_model(workspace)
    address = f"/w/acme/evaluate/datasets/{dataset.pk}/synthesis/"
    values = {"collections": [str(collection.pk)], "count": 10, "endpoint": str(endpoint.pk)}
    shown = text_of(client.post(address, values))
    assert "This will cost about" in shown
    assert not Synthesis.objects.exists()
    client.post(address, values | {"confirmed": "1"})
    assert Synthesis.objects.get().model_name == "m"
    assert client.post(address, {"count": 10}).status_code == 422


def test_the_review_queue(
    dataset: Dataset, collection: Any, editor: Any, client_for: Callable[[Any], Client]
) -> None:
    start(dataset, collection)
    drain(JobKind.SYNTHESISE)
    client = client_for(editor)
    address = f"/w/acme/evaluate/datasets/{dataset.pk}/review/"
    first, second = Example.objects.order_by("position")
    page = text_of(client.get(address))
    assert "2 to review" in page
    assert 'data-key="a"' in page
    kept = {"keep": ["0"], "is_answerable": "on", "tags": "generated"}
    sent = {"example": str(first.pk), "action": "accept", "question": "Corrected?"} | kept
    moved = client.post(address, sent)
    assert moved["Location"] == f"{address}?after={first.position}"
    first.refresh_from_db()
    assert (first.state, first.question, first.reviewed_by) == ("accepted", "Corrected?", editor)
    assert len(first.expected_passages) == 1
    assert client.post(address, sent | {"question": ""}).status_code == 422
    later = client.post(address, {"example": str(second.pk), "action": "skip"})
    assert second.question in client.get(later["Location"]).content.decode().replace("&#x27;", "'")
    client.post(address, {"example": str(second.pk), "action": "reject"})
    second.refresh_from_db()
    assert second.state == "rejected"
    assert client.get(address)["Location"].endswith(f"/datasets/{dataset.pk}/")
    assert client.post(address, {"example": "x"}).status_code == 302
