"""Packed postings say the same as the postings, whatever happens after the packing."""

from __future__ import annotations

from typing import Any

import pytest

from apps.chunking.models import Chunk
from apps.documents.models import Collection, Document
from apps.retrieval.indexes.services import forget_document
from apps.retrieval.models import FrequentTerm, Index, LatePassage, TermLists
from apps.retrieval.postings import packing
from apps.retrieval.postings.packed_terms import unpack_numbers
from apps.retrieval.postings.services import copy_postings, remove_postings
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.query import SearchQuery
from apps.workspaces.models import Workspace
from tests.retrieval.helpers import add_passages, make_collection

pytestmark = pytest.mark.django_db

WORDS = ["common", "often often", "often rare", "common often", "seldom common"]


@pytest.fixture
def packed(workspace: Workspace, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Index:
    monkeypatch.setattr(packing, "FREQUENT_AT_LEAST", 20)
    collection = make_collection(workspace)
    texts = [f"{WORDS[n % 5]} {'filler ' * (n % 7)}" for n in range(100)]
    add_passages(collection, "first.txt", texts[:50])
    add_passages(collection, "second.txt", texts[50:])
    settings.EXACT_SCAN_CHUNKS = 10
    index = Index.objects.get(collection=collection)
    packing.pack(index)
    return index


def scores(index: Index, settings: Any, *, exact: bool, text: str = "common rare often") -> Any:
    """Passages by id. Statistics are the same either way."""
    settings.EXACT_SCAN_CHUNKS = 10_000 if exact else 10
    asked = SearchQuery(index.workspace_id, [index.collection_id], text, limit=50, mode="lexical")
    return sorted(round(hit.score, 3) for hit in search(asked).hits)


def both(index: Index, settings: Any, **kwargs: Any) -> tuple[Any, Any]:
    packed_scores = scores(index, settings, exact=False, **kwargs)
    return packed_scores, scores(index, settings, exact=True, **kwargs)


def test_frequent_terms_are_packed_and_the_rest_is_not(packed: Index, settings: Any) -> None:
    found = {term.term: term for term in FrequentTerm.objects.filter(index=packed)}

    assert set(found) == {"common", "often", "rare", "seldom", "filler"}
    assert found["common"].num_chunks == 60
    ids = unpack_numbers(bytes(found["common"].chunk_ids), count=60)
    lists = TermLists.objects.get(index=packed)
    expected = Chunk.objects.filter(text__contains="common").order_by("pk")
    assert (ids + lists.base).tolist() == list(expected.values_list("pk", flat=True))
    ours, exact = both(packed, settings)
    assert ours == pytest.approx(exact, abs=2e-3)


def test_what_comes_after_the_packing_is_found(packed: Index, settings: Any) -> None:
    add_passages(packed.collection, "third.txt", ["common rare often rare", "brandnew common"])

    ours, exact = both(packed, settings)

    # The packed ones still go by the mean length of before.
    assert ours == pytest.approx(exact, rel=1e-2)
    assert len(scores(packed, settings, exact=False, text="brandnew")) == 1
    assert not LatePassage.objects.exists()


def test_a_passage_that_changes_is_found_by_its_new_words_only(
    packed: Index, settings: Any
) -> None:
    """Its place in the packed postings was passed, so it is noted and read as it is now."""
    chunk = Chunk.objects.filter(text__contains="seldom").order_by("pk")[0]
    before = len(scores(packed, settings, exact=False, text="seldom"))
    remove_postings([chunk.pk])
    copy_postings([(chunk.pk, "rare rare rare changed", "")], index=packed)
    Index.objects.filter(pk=packed.pk).update(num_chunks=100)

    assert [late.chunk_id for late in LatePassage.objects.all()] == [chunk.pk]
    assert len(scores(packed, settings, exact=False, text="seldom")) == before - 1
    assert len(scores(packed, settings, exact=False, text="changed")) == 1
    ours, exact = both(packed, settings, text="rare changed")
    assert max(ours) == pytest.approx(max(exact), abs=2e-3)

    packing.pack(packed)

    assert not LatePassage.objects.exists()
    assert len(scores(packed, settings, exact=False, text="seldom")) == before - 1


def test_what_is_deleted_is_gone_at_once(packed: Index, settings: Any) -> None:
    document = Document.objects.get(name="first.txt")
    forget_document(document)

    settings.EXACT_SCAN_CHUNKS = 10
    query = SearchQuery(
        packed.workspace_id, [packed.collection_id], "common rare", limit=50, mode="lexical"
    )
    found = search(query).hits

    assert found
    assert {hit.document_name for hit in found} == {"second.txt"}


def test_nothing_of_another_workspace_is_read(
    packed: Index, other_workspace: Workspace, settings: Any
) -> None:
    other: Collection = make_collection(other_workspace)
    query = SearchQuery(other.workspace_id, [packed.collection_id], "common", mode="lexical")

    assert search(query).hits == []
