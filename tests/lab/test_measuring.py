"""Metrics of a list of hits against a labelled case, by hand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from apps.lab.measuring import find_expected, hit_evidence, measure_hits
from apps.retrieval.search.hits import Hit

DOCUMENT = UUID(int=1)


def hit(number: int, start: int, end: int, *, document: UUID = DOCUMENT, text: str = "") -> Hit:
    return Hit(
        chunk_id=number, document_id=document, document_name="a.md", version_id=UUID(int=9),
        page=1, start=start, end=end, text=text, heading="", score=1.0, lexical_score=None,
        lexical_rank=None, matched_terms=(), similarity=None, vector_rank=None,
    )  # fmt: skip


def wanted(start: int, end: int, **values: Any) -> dict[str, Any]:
    passage = {"document_id": str(DOCUMENT), "document_name": "a.md", "text": ""}
    return passage | {"start": start, "end": end} | values


def test_ranks_and_characters() -> None:
    hits = [hit(1, 200, 300), hit(2, 0, 100), hit(3, 100, 200)]
    expected = [wanted(0, 100), wanted(150, 200)]
    assert find_expected(hits, expected) == [2, 3]
    values = measure_hits(hits, expected, k=4)
    # Wanted: ranks 2 and 3. DCG = 1/log2(3) + 1/log2(4) = .63093 + .5; the best is 1 + .63093.
    assert values == pytest.approx(
        {
            "hit_rate": 1.0,
            "recall": 1.0,
            "precision": 2 / 4,
            "mrr": 1 / 2,
            "map": (1 / 2 + 2 / 3) / 2,
            "ndcg": 1.1309297535714575 / 1.6309297535714575,
            "char_recall": 1.0,
            "char_precision": 150 / 300,
        }
    )


def test_a_passage_known_by_its_words_or_its_document() -> None:
    by_text = wanted(-1, -1, document_id="", text="25 days")
    hits = [hit(1, 0, 9, text="Nothing"), hit(2, 9, 40, text="Employees  get 25\ndays of leave")]
    assert find_expected(hits, [by_text]) == [2]
    by_name = wanted(-1, -1, document_id="", text="")
    assert hit_evidence(hits[0], [by_name]).document == "a.md"
    assert find_expected(hits, [by_name]) == [1, 2]
    assert "char_recall" not in measure_hits(hits, [by_text], k=2)


def test_words_that_have_moved_are_found_where_they_are_now() -> None:
    expected = [wanted(0, 7, text="25 days")]
    moved = [hit(1, 0, 7, text="Preface"), hit(2, 50, 66, text="They get 25 days")]
    assert find_expected(moved, expected) == [2]
    assert measure_hits(moved, expected, k=2)["mrr"] == 0.5
    still = [hit(1, 0, 16, text="25 days they get"), hit(2, 50, 57, text="Nothing")]
    assert find_expected(still, expected) == [1]
    assert "char_recall" in measure_hits(still, expected, k=2)
    assert "char_recall" not in measure_hits(moved, expected, k=2)


def test_without_expectations_there_is_nothing_to_measure() -> None:
    assert measure_hits([hit(1, 0, 9)], [], k=3) == {}
