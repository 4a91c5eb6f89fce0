"""What a search finds: scores against numbers computed by hand, modes, scripts, odd questions."""

from __future__ import annotations

import math
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection, transaction

from apps.documents.models import Collection
from apps.retrieval.models import Embedding, Index
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.hits import Hit, SearchResult, drop_overlaps
from apps.retrieval.search.query import Mode, SearchQuery
from apps.workspaces.models import Workspace
from inference.protocols import Vectors
from tests.retrieval.helpers import (
    add_document,
    add_passages,
    make_collection,
    random_unit_vectors,
)

pytestmark = pytest.mark.django_db
MODES: tuple[Mode, ...] = ("hybrid", "lexical", "vector")


@pytest.fixture
def collection(workspace: Workspace) -> Collection:
    return make_collection(workspace)


def find(
    collection: Collection, text: str, mode: Mode = "hybrid", limit: int = 8, **kwargs: Any
) -> SearchResult:
    query = SearchQuery(collection.workspace_id, [collection.pk], text, limit, mode, **kwargs)
    return search(query)


def axis(*weights: float) -> Vectors:
    """A unit vector in the space of the first few axes."""
    vector = np.zeros(384, np.float32)
    vector[: len(weights)] = weights
    return vector / np.linalg.norm(vector)


def set_vectors(ids: list[int], vectors: list[Vectors]) -> None:
    for chunk_id, vector in zip(ids, vectors, strict=True):
        Embedding.objects.filter(chunk_id=chunk_id).update(vector=vector.tolist())


# Scores


def test_bm25_is_that_of_the_textbook(collection: Collection) -> None:
    """k1 = 1.2, b = 0.75; three passages of 3, 2 and 4 terms, so the mean length is 3."""
    one, two, three = add_passages(
        collection, "fruit.txt",
        ["apple banana apple", "banana cherry", "cherry cherry cherry date"],
    )  # fmt: skip

    result = find(collection, "apple cherry", "lexical")

    idf_apple = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    idf_cherry = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    expected = {
        one: idf_apple * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 3)),  # 1.3486
        three: idf_cherry * 3 * 2.2 / (3 + 1.2 * (0.25 + 0.75 * 4 / 3)),  # 0.6893
        two: idf_cherry * 1 * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 2 / 3)),  # 0.5442
    }
    assert [hit.chunk_id for hit in result.hits] == list(expected)
    assert [hit.score for hit in result.hits] == pytest.approx(list(expected.values()))
    assert [hit.lexical_rank for hit in result.hits] == [1, 2, 3]
    assert [hit.matched_terms for hit in result.hits] == [("appl",), ("cherri",), ("cherri",)]
    assert result.num_searched == 3


def test_a_repeated_word_of_the_question_counts_twice(collection: Collection) -> None:
    add_passages(collection, "fruit.txt", ["apple pie", "cherry pie"])

    once = find(collection, "apple", "lexical").hits[0].score

    assert find(collection, "apple apple", "lexical").hits[0].score == pytest.approx(2 * once)


def test_statistics_are_those_of_all_searched_collections(
    collection: Collection, workspace: Workspace
) -> None:
    second = make_collection(workspace, "Second")
    add_passages(collection, "a.txt", ["apple", "banana"])
    add_passages(second, "b.txt", ["apple", "cherry"])
    query = SearchQuery(workspace.pk, [collection.pk, second.pk], "apple", mode="lexical")

    result = search(query)

    assert result.num_searched == 4
    expected = math.log(1 + (4 - 2 + 0.5) / (2 + 0.5))  # tf = 1 and mean length leave the idf
    assert [hit.score for hit in result.hits] == pytest.approx([expected, expected])


def test_vectors_are_ordered_by_cosine_and_ties_by_id(collection: Collection) -> None:
    ids = add_passages(collection, "a.txt", ["one", "two", "three", "four"])
    set_vectors(ids, [axis(0, 1), axis(3, 4), axis(1), axis(0, 1)])

    result = find(collection, "x", "vector", vector=axis(1))

    assert [hit.chunk_id for hit in result.hits] == [ids[2], ids[1], ids[0], ids[3]]
    assert [hit.similarity for hit in result.hits] == pytest.approx([1, 0.6, 0, 0], abs=1e-3)
    assert [hit.vector_rank for hit in result.hits] == [1, 2, 3, 4]


def test_fusion_adds_the_reciprocal_ranks(collection: Collection) -> None:
    a, b, c = add_passages(collection, "a.txt", ["pear pear", "pear plum fig", "quince"])
    set_vectors([a, b, c], [axis(0, 0, 1), axis(1), axis(1, 1)])

    hits = find(collection, "pear", vector=axis(1)).hits

    assert [(h.chunk_id, h.lexical_rank, h.vector_rank) for h in hits] == [
        (b, 2, 1), (a, 1, 3), (c, None, 2),
    ]  # fmt: skip
    assert [hit.score for hit in hits] == pytest.approx([1 / 62 + 1 / 61, 1 / 61 + 1 / 63, 1 / 62])


def test_the_lists_can_be_weighted(collection: Collection) -> None:
    a, b, c = add_passages(collection, "a.txt", ["pear pear", "pear plum fig", "quince"])
    set_vectors([a, b, c], [axis(0, 0, 1), axis(1), axis(1, 1)])
    place = (collection.workspace_id, [collection.pk], "pear")

    hits = search(SearchQuery(*place, weights=(0.9, 0.1), vector=axis(1))).hits

    expected = [0.9 / 61 + 0.1 / 63, 0.9 / 62 + 0.1 / 61, 0.1 / 62]
    assert [hit.chunk_id for hit in hits] == [a, b, c]
    assert [hit.score for hit in hits] == pytest.approx(expected)


def test_a_hit_says_where_it_stands(collection: Collection) -> None:
    pages = ["First page.", "The zebra is on page two. " * 60]
    document = add_document(collection, "guide.txt", *pages)

    hit = find(collection, "zebra").hits[0]

    assert "\n\n".join(pages)[hit.start : hit.end] == hit.text
    assert (hit.document_id, hit.document_name) == (document.pk, "guide.txt")
    assert hit.version_id == document.current_id


@pytest.mark.parametrize("mode", MODES)
def test_the_limit_holds_and_timings_are_given(collection: Collection, mode: Mode) -> None:
    add_passages(collection, "a.txt", [f"apple number{n}" for n in range(20)])

    result = find(collection, "apple", mode, limit=5)

    assert len(result.hits) == 5
    assert "database" in result.timings


# Languages and odd questions


UNSPACED = ["東京は日本の首都です。", "文書を検索する方法", "한국어 문서", "english"]


@pytest.mark.parametrize(("question", "found"), [("首都", 0), ("検索", 1), ("한국어", 2)])
def test_unspaced_scripts_are_found_by_words(
    collection: Collection, question: str, found: int
) -> None:
    add_passages(collection, "cjk.txt", UNSPACED)

    assert [hit.text for hit in find(collection, question, "lexical").hits] == [UNSPACED[found]]


ODD = [
    "",
    "  \n ",
    "\x00",
    "the of and",
    "?!",
    "' OR 1=1 --",
    "%s %(x)s $1",
    '"open (',
    "\ud800",
    "😀",
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("text", [*ODD, "apple " * 30_000], ids=range(len(ODD) + 1))
def test_no_question_breaks_the_search(collection: Collection, mode: Mode, text: str) -> None:
    add_passages(collection, "a.txt", ["apple pie", "cherry pie"])

    assert find(collection, text, mode).num_searched in (0, 2)


def test_only_stop_words_find_nothing_by_words(collection: Collection) -> None:
    add_passages(collection, "a.txt", ["what is it to be"])

    assert find(collection, "what is it to be", "lexical").hits == []
    assert len(find(collection, "what is it to be").hits) == 1


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_collection_is_no_error(collection: Collection, mode: Mode) -> None:
    assert find(collection, "anything", mode).hits == []


def test_no_collections_find_nothing(workspace: Workspace) -> None:
    assert search(SearchQuery(workspace.pk, [], "apple")).hits == []
    assert search(SearchQuery(workspace.pk, [uuid4()], "apple")).hits == []


def test_vectors_of_another_model_are_never_compared(collection: Collection) -> None:
    add_passages(collection, "a.txt", ["apple pie"])
    Index.objects.update(embedding_model="another")

    assert find(collection, "apple", "vector").hits == []
    hit = find(collection, "apple").hits[0]
    assert (hit.lexical_rank, hit.vector_rank) == (1, None)


# Overlaps


def make_hit(chunk_id: int, start: int, end: int, version: Any = None) -> Hit:
    return Hit(
        chunk_id=chunk_id, document_id=uuid4(), document_name="", version_id=version, page=1,
        start=start, end=end, text="", heading="", score=1 / chunk_id, lexical_score=None,
        lexical_rank=None, matched_terms=(), similarity=None, vector_rank=None,
    )  # fmt: skip


def test_of_passages_that_overlap_by_more_than_half_the_better_stays() -> None:
    version = uuid4()
    best = make_hit(1, 0, 100, version)
    half = make_hit(2, 50, 150, version)
    more = make_hit(3, 49, 149, version)
    inside = make_hit(4, 90, 99, version)
    elsewhere = make_hit(5, 0, 100, uuid4())

    assert drop_overlaps([best, half, more, inside, elsewhere]) == [best, half, elsewhere]


# Large collections


def replan(*settings: str) -> None:
    """Make the planner choose anew; a few hundred rows it would rather read one by one."""
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")
        for setting in settings:
            cursor.execute(f"SET LOCAL {setting} = off")


def test_hnsw_finds_what_the_exact_scan_finds(collection: Collection, settings: Any) -> None:
    vectors = random_unit_vectors(300, seed=1)
    ids = add_passages(collection, "a.txt", [f"apple{n}" for n in range(300)])
    set_vectors(ids, list(vectors))
    question = axis(*(vectors[7] + vectors[123]))
    exact = find(collection, "x", "vector", limit=20, vector=question).hits
    settings.EXACT_SCAN_CHUNKS = 299

    with transaction.atomic():
        replan("enable_seqscan", "enable_sort")
        large = find(collection, "x", "vector", limit=20, vector=question).hits

    assert {hit.chunk_id for hit in exact[:2]} == {ids[7], ids[123]}
    assert [hit.chunk_id for hit in large[:10]] == [hit.chunk_id for hit in exact[:10]]


def test_nearer_passages_of_others_do_not_hide_ones_own(
    collection: Collection, other_workspace: Workspace, settings: Any
) -> None:
    """The trap of a filtered HNSW scan: the nearest rows all belong to somebody else."""
    crowd = make_collection(other_workspace)
    near = random_unit_vectors(400, seed=2) * 0.02 + axis(1)
    ids = add_passages(crowd, "crowd.txt", [f"word{n}" for n in range(400)])
    set_vectors(ids, list(near / np.linalg.norm(near, axis=1, keepdims=True)))
    own = add_passages(collection, "own.txt", [f"word{n}" for n in range(30)])
    set_vectors(own, list(random_unit_vectors(30, seed=3)))
    settings.EXACT_SCAN_CHUNKS = 0

    with transaction.atomic():
        replan("enable_seqscan", "enable_sort")
        hits = find(collection, "x", "vector", limit=20, vector=axis(1)).hits

    assert len(hits) == 20
    assert {hit.chunk_id for hit in hits} <= set(own)
