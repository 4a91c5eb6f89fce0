"""Weighted fusion: both scores of every candidate, brought to 0..1 and added."""

from __future__ import annotations

import math

import numpy as np
import pytest

from apps.documents.models import Collection
from apps.retrieval.models import Embedding
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.hits import Hit
from apps.retrieval.search.query import SPARE_HITS, SearchQuery
from apps.workspaces.models import Workspace
from inference.protocols import Vectors
from tests.retrieval.helpers import add_passages, make_collection

pytestmark = pytest.mark.django_db


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    return make_collection(workspace)


def at_angle(cosine: float) -> Vectors:
    """A unit vector with this cosine to the first axis."""
    vector = np.zeros(384, np.float32)
    vector[:2] = cosine, math.sqrt(1 - cosine**2)
    return vector


def place(ids: list[int], cosines: list[float]) -> None:
    for chunk_id, cosine in zip(ids, cosines, strict=True):
        Embedding.objects.filter(chunk_id=chunk_id).update(vector=at_angle(cosine).tolist())


def find(collection: Collection, text: str, weights: tuple[float, float], limit: int) -> list[Hit]:
    query = SearchQuery(
        collection.workspace_id, [collection.pk], text, limit=limit, weights=weights,
        candidates=1, fusion="weighted", vector=at_angle(1.0),
    )  # fmt: skip
    return search(query).hits


def test_every_candidate_has_both_scores(collection: Collection) -> None:
    """Fourteen passages: the shorter, the better by words; the later, the better by meaning.

    Each list names only its first 11, so that three passages of each have the other's score only
    because it was looked up.
    """
    texts = [" ".join(["apple"] + ["pear"] * n) for n in range(14)]
    ids = add_passages(collection, "fruit.txt", texts)
    cosines = [0.3 + 0.05 * n for n in range(14)]
    place(ids, cosines)

    hits = find(collection, "apple", (0.5, 0.5), limit=50 - SPARE_HITS)
    hits_few = find(collection, "apple", (0.5, 0.5), limit=1)

    # All passages have the term: idf = ln(1 + 0.5 / 14.5).
    lengths = [1 + n for n in range(14)]
    mean = sum(lengths) / 14
    bm25 = [math.log(1 + 0.5 / 14.5) * 2.2 / (1 + 0.3 + 0.9 * length / mean) for length in lengths]
    least, most = bm25[-1], bm25[0]
    expected = {
        ids[n]: 0.5 * (bm25[n] - least) / (most - least) + 0.5 * (cosines[n] - 0.3) / 0.65
        for n in range(14)
    }
    assert {hit.chunk_id: hit.score for hit in hits} == pytest.approx(expected, abs=2e-3)
    assert hits_few[0].chunk_id == max(expected, key=lambda key: expected[key])
    by_id = {hit.chunk_id: hit for hit in hits}
    assert by_id[ids[13]].lexical_score == pytest.approx(bm25[13])


def test_what_only_the_other_list_named_is_scored_too(collection: Collection) -> None:
    texts = [" ".join(["apple"] + ["pear"] * n) for n in range(14)]
    ids = add_passages(collection, "fruit.txt", texts)
    place(ids, [0.3 + 0.05 * n for n in range(14)])

    # A limit of 1 asks each list for its first 11.
    hits = find(collection, "apple", (0.0, 1.0), limit=1)
    last_by_words = find(collection, "apple", (1.0, 0.0), limit=1)

    assert (hits[0].chunk_id, hits[0].lexical_rank, hits[0].vector_rank) == (ids[13], None, 1)
    assert hits[0].lexical_score is not None
    assert hits[0].matched_terms == ("appl",)
    assert (last_by_words[0].chunk_id, last_by_words[0].vector_rank) == (ids[0], None)
    assert last_by_words[0].similarity == pytest.approx(0.3, abs=1e-3)


def test_words_that_nobody_has_leave_the_order_to_the_vectors(collection: Collection) -> None:
    ids = add_passages(collection, "fruit.txt", ["apple", "banana", "cherry"])
    place(ids, [0.2, 0.9, 0.5])

    hits = find(collection, "zebra", (0.5, 0.5), limit=3)

    assert [hit.chunk_id for hit in hits] == [ids[1], ids[2], ids[0]]
    assert [hit.score for hit in hits] == pytest.approx([0.5, 0.5 * 0.3 / 0.7, 0], abs=1e-3)


def test_the_only_passage_is_as_good_as_can_be(collection: Collection) -> None:
    (only,) = add_passages(collection, "fruit.txt", ["apple"])
    place([only], [0.4])

    (hit,) = find(collection, "apple", (0.25, 0.75), limit=3)

    assert (hit.chunk_id, round(hit.score, 6)) == (only, 1.0)
