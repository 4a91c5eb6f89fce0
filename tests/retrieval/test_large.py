"""Which searches of large collections list what a filter leaves."""

from __future__ import annotations

from uuid import uuid4

import pytest

from apps.retrieval.search.large import SearchedIndexes, _is_quick
from apps.retrieval.search.large_sql import SearchedIndex
from apps.retrieval.vectors.ann_sql import VectorIndex


def part(kind: str = "", precision: str = "") -> SearchedIndex:
    pk = uuid4()
    vectors = VectorIndex(pk, kind, precision, 384) if kind else None
    return SearchedIndex(pk, same_model=True, vectors=vectors)


@pytest.mark.parametrize(
    ("parts", "is_quick"),
    [
        ([part("hnsw", "half")], True),
        ([part("hnsw", "full"), part()], True),
        ([part("hnsw", "binary")], False),
        ([part("ivfflat", "half")], False),
        ([part("hnsw", "half"), part("hnsw", "binary")], False),
    ],
)
def test_only_graphs_of_whole_numbers_are_quick_behind_a_filter(
    parts: list[SearchedIndex], is_quick: bool
) -> None:
    assert (
        _is_quick(SearchedIndexes(tuple(parts), largest=1, chunks=1, mean_length=1.0)) is is_quick
    )
