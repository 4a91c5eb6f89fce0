"""The one retrieval function, against real tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from apps.chunking.models import Chunk, ChunkEdit
from apps.documents.models import Collection, Document
from apps.retrieval.search.pipeline import RetrievalRequest, Retrieved, retrieve
from apps.retrieval.search.profiles import RetrievalProfile
from apps.workspaces.models import Workspace
from tests.retrieval.helpers import add_passages, make_collection

pytestmark = pytest.mark.django_db
FRUIT = ["apple pie", "apple juice and pears", "cherry cake", "banana bread", "apple apple tart"]


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    return make_collection(workspace)


def ask(
    collection: Collection, text: str, also: Sequence[str] = (), explain: bool = False,
    reranker: Any = None, limit: int | None = None, **values: Any,
) -> Retrieved:  # fmt: skip
    request = RetrievalRequest(
        collection.workspace_id, [collection.pk], text, RetrievalProfile(**values), also, limit
    )
    return retrieve(request, reranker=reranker, explain=explain)


def ids(found: Retrieved) -> list[int]:
    return [hit.chunk_id for hit in found.hits]


def test_the_profile_limits_and_the_caller_may_ask_for_more(collection: Collection) -> None:
    add_passages(collection, "fruit.txt", FRUIT)

    assert len(ask(collection, "apple", limit=2).hits) == 2
    request = RetrievalRequest(
        collection.workspace_id, [collection.pk], "apple", RetrievalProfile(limit=1)
    )
    assert len(retrieve(request).hits) == 1
    assert len(retrieve(replace(request, limit=3)).hits) == 3


def test_every_stage_is_told_on_request(collection: Collection) -> None:
    passages = add_passages(collection, "fruit.txt", FRUIT)

    found = ask(collection, "apple", explain=True, rerank="late", diversity=0.1)
    plain = ask(collection, "apple", rerank="late", diversity=0.1)

    assert [stage.name for stage in found.stages] == [
        "lexical", "vector", "hybrid", "rerank", "diversity", "context",
    ]  # fmt: skip
    by_words = found.stages[0].hits
    assert {hit.chunk_id for hit in by_words} == {passages[0], passages[1], passages[4]}
    assert all(stage.duration_ms > 0 for stage in found.stages)
    assert plain.stages == []
    assert ids(plain) == ids(found)
    assert {"terms", "database", "rerank", "diversity"} <= set(plain.timings)


def test_a_reranker_from_outside_decides(collection: Collection) -> None:
    passages = add_passages(collection, "fruit.txt", FRUIT)

    def reranker(question: str, texts: Sequence[str]) -> list[float]:
        return [float(text.startswith("banana")) for text in texts]

    found = ask(collection, "apple", rerank="endpoint", rerank_endpoint="x", reranker=reranker)
    without = ask(collection, "apple", rerank="endpoint", rerank_endpoint="x")

    assert found.hits[0].chunk_id == passages[3]
    assert without.problem == "The reranking model is not there any more."
    assert without.hits[0].chunk_id in (passages[0], passages[4])


def test_further_questions_bring_their_own_passages(collection: Collection) -> None:
    passages = add_passages(collection, "fruit.txt", FRUIT)

    found = ask(collection, "cherry", also=["banana"], limit=2, mode="lexical")

    assert ids(found) == [passages[2], passages[3]]


def test_recent_documents_come_first_where_that_counts(collection: Collection) -> None:
    (old,) = add_passages(collection, "old.txt", ["apple apple pie"])
    (new,) = add_passages(collection, "new.txt", ["apple pie today"])
    Document.objects.filter(name="old.txt").update(source_date=date(2019, 1, 1))

    assert ids(ask(collection, "apple", mode="lexical")) == [old, new]
    # Half of the score: 0.5 x 1 + 0.5 x 0 against 0.5 x 0 + 0.5 x 1 is a tie, so a bit more.
    assert ids(ask(collection, "apple", mode="lexical", recency=0.6)) == [new, old]


def test_neighbours_are_read_with_the_hit(collection: Collection) -> None:
    add_passages(collection, "fruit.txt", FRUIT)

    found = ask(collection, "cherry", mode="lexical", neighbours=1)

    (hit,) = found.hits
    assert hit.text == "apple juice and pears\n\ncherry cake\n\nbanana bread"
    assert hit.end - hit.start == len(hit.text)


def test_neighbours_do_not_repeat_each_other(collection: Collection) -> None:
    """The hits in 1 and 3 are one apart: the better one's stretch takes in the other."""
    add_passages(collection, "fruit.txt", ["nut", "apple", "nut", "apple pear", "nut", "nut"])

    found = ask(collection, "apple", mode="lexical", neighbours=2)

    assert [hit.text for hit in found.hits] == ["nut\n\napple\n\nnut\n\napple pear"]


def test_other_workspaces_stay_unseen(collection: Collection, other_workspace: Workspace) -> None:
    add_passages(collection, "fruit.txt", FRUIT)
    request = RetrievalRequest(
        other_workspace.pk, [collection.pk], "apple",
        RetrievalProfile(neighbours=1, diversity=0.2, recency=0.2),
    )  # fmt: skip

    assert retrieve(request).hits == []


def make_parents(passages: list[int], *spans: tuple[int, int]) -> None:
    for chunk_id, (start, end) in zip(passages, spans, strict=True):
        Chunk.objects.filter(pk=chunk_id).update(parent_start=start, parent_end=end)


def test_a_small_passage_is_read_within_its_parent(collection: Collection) -> None:
    """Pages are "apple pie" (0 to 9), "apple juice and pears" (11 to 32), "cherry cake" (34)."""
    passages = add_passages(collection, "fruit.txt", FRUIT[:3])
    make_parents(passages, (0, 32), (0, 32), (34, 45))

    found = ask(collection, "apple", mode="lexical")
    alone = ask(collection, "apple", mode="lexical", parents=False)

    assert [(hit.text, hit.start, hit.end, hit.page) for hit in found.hits] == [
        ("apple pie\n\napple juice and pears", 0, 32, 1)
    ]
    assert sorted(hit.text for hit in alone.hits) == ["apple juice and pears", "apple pie"]


def test_what_people_hid_does_not_come_back_with_the_parent(collection: Collection) -> None:
    passages = add_passages(collection, "fruit.txt", FRUIT[:3])
    make_parents(passages, (0, 45), (0, 45), (0, 45))
    document = Document.objects.get(name="fruit.txt")
    ChunkEdit.objects.create(
        workspace_id=collection.workspace_id, document=document, start=11, end=32,
        original=FRUIT[1], original_hash="x", is_disabled=True,
    )  # fmt: skip

    found = ask(collection, "cherry", mode="lexical")

    assert [hit.text for hit in found.hits] == ["apple pie\n\n[…]\n\ncherry cake"]
