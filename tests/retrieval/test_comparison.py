"""Two rankings beside each other, counted by hand."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from apps.retrieval.indexes.comparison import compare_hits
from apps.retrieval.search.fusion import fuse_by_rank
from apps.retrieval.search.hits import Hit

VERSION = uuid4()


def hit(chunk_id: int, start: int, end: int, version: UUID = VERSION, **values: Any) -> Hit:
    given = {
        "chunk_id": chunk_id, "document_id": version, "document_name": "a", "version_id": version,
        "page": 1, "start": start, "end": end, "text": "", "heading": "", "score": 0.0,
        "lexical_score": None, "lexical_rank": None, "matched_terms": (), "similarity": None,
        "vector_rank": None,
    }  # fmt: skip
    return Hit(**{**given, **values})


def test_the_same_places_are_found_by_their_text() -> None:
    before = [hit(1, 0, 100), hit(2, 100, 200), hit(3, 200, 300)]
    # The second's half, the first whole, and something from elsewhere.
    after = [hit(11, 150, 200), hit(12, 0, 100), hit(13, 0, 100, uuid4())]
    compared = compare_hits(before, after)
    assert [placed.other_rank for placed in compared.before] == [2, 1, None]
    assert [placed.other_rank for placed in compared.after] == [2, 1, None]
    assert [placed.moved for placed in compared.after] == [1, -1, None]
    assert compared.overlap == 2 / 3
    assert (compared.num_moved, compared.num_new) == (2, 1)


def test_half_of_a_passage_is_not_enough() -> None:
    assert compare_hits([hit(1, 0, 100)], [hit(2, 50, 150)]).overlap == 0.0
    assert compare_hits([hit(1, 0, 100)], [hit(2, 49, 149)]).overlap == 1.0


def test_two_small_ones_in_a_large_one_count_once() -> None:
    compared = compare_hits([hit(1, 0, 100)], [hit(2, 0, 50), hit(3, 50, 100)])
    assert compared.overlap == 0.5


def test_nothing_agrees_with_nothing_and_with_nothing_else() -> None:
    assert compare_hits([], []).overlap == 1.0
    assert compare_hits([], [hit(1, 0, 10)]).overlap == 0.0


def test_lists_are_fused_by_rank() -> None:
    words = [hit(1, 0, 1, lexical_rank=1, lexical_score=7.0), hit(2, 1, 2, lexical_rank=2)]
    one = [hit(2, 1, 2, vector_rank=1, similarity=0.9)]
    other = [hit(3, 2, 3, vector_rank=1, similarity=0.1)]
    fused = fuse_by_rank([words, one, other], weights=[1.0, 1.0, 1.0])
    assert [item.chunk_id for item in fused] == [2, 1, 3]
    assert [item.score for item in fused] == [1 / 62 + 1 / 61, 1 / 61, 1 / 61]
    assert (fused[0].lexical_rank, fused[0].vector_rank, fused[0].similarity) == (2, 1, 0.9)
