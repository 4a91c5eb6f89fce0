"""Ranking metrics against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest

from measures.ranking import (
    all_found_at,
    average_precision,
    hit_at,
    ndcg_at,
    precision_at,
    precision_of,
    recall_at,
    reciprocal_rank,
    unique,
)

RANKED = ["a", "b", "c", "d", "e"]
RELEVANT = {"b", "d", "x"}


def test_precision_divides_by_k_and_recall_by_all_relevant() -> None:
    assert precision_at(RANKED, RELEVANT, 2) == 0.5
    assert precision_at(RANKED, RELEVANT, 4) == 0.5
    assert precision_at(RANKED, RELEVANT, 10) == pytest.approx(0.2)
    assert recall_at(RANKED, RELEVANT, 2) == pytest.approx(1 / 3)
    assert recall_at(RANKED, RELEVANT, 5) == pytest.approx(2 / 3)


def test_hits() -> None:
    assert hit_at(RANKED, RELEVANT, 1) == 0.0
    assert hit_at(RANKED, RELEVANT, 2) == 1.0
    assert all_found_at(RANKED, {"a", "c"}, 2) == 0.0
    assert all_found_at(RANKED, {"a", "c"}, 3) == 1.0


def test_reciprocal_rank_is_of_the_first_relevant() -> None:
    assert reciprocal_rank(RANKED, RELEVANT) == 0.5
    assert reciprocal_rank(RANKED, {"e"}) == pytest.approx(0.2)
    assert reciprocal_rank(RANKED, {"e"}, 4) == 0.0
    assert reciprocal_rank([], {"e"}) == 0.0


def test_precision_of_a_short_list_divides_by_its_length() -> None:
    # RANKED has five things, two of them relevant.
    assert precision_of(RANKED, RELEVANT, 10) == 0.4
    assert precision_of(RANKED, RELEVANT, 2) == 0.5
    assert precision_of([], RELEVANT, 10) == 0
    assert precision_of(RANKED, set(), 10) is None


def test_average_precision() -> None:
    # Relevant at ranks 2 and 4, a third one was not found: (1/2 + 2/4) / 3.
    assert average_precision(RANKED, RELEVANT) == pytest.approx(1 / 3)
    assert average_precision(RANKED, RELEVANT, 3) == pytest.approx(0.5 / 3)
    assert average_precision(["b", "d", "x"], RELEVANT) == 1.0


def test_ndcg_with_both_gains() -> None:
    grades = {"a": 1, "b": 3, "c": 2}
    ranked = ["a", "b", "z", "c"]
    linear = 1 / 1 + 3 / math.log2(3) + 2 / math.log2(5)
    best = 3 / 1 + 2 / math.log2(3) + 1 / 2
    assert ndcg_at(ranked, grades, 4) == pytest.approx(linear / best)
    exp2 = 1 / 1 + 7 / math.log2(3) + 3 / math.log2(5)
    assert ndcg_at(ranked, grades, 4, gain="exp2") == pytest.approx(
        exp2 / (7 / 1 + 3 / math.log2(3) + 1 / 2)
    )
    assert ndcg_at(ranked, grades, 1) == pytest.approx(1 / 3)
    assert ndcg_at(["b", "c", "a"], grades, 10) == 1.0


def test_what_is_listed_twice_counts_once() -> None:
    assert unique(["b", "b", "a", "b"]) == ["b", "a"]
    assert recall_at(["b", "b", "d"], {"b", "d"}, 2) == 1.0
    assert average_precision(["b", "b"], {"b"}) == 1.0


def test_grades_of_zero_are_not_relevant_and_nothing_relevant_has_no_score() -> None:
    assert precision_at(["a"], {"a": 0, "b": 1}, 1) == 0.0
    for metric in (precision_at, recall_at, hit_at, all_found_at, ndcg_at):
        assert metric(["a"], {"a": 0}, 1) is None
    assert reciprocal_rank(["a"], set()) is None
    assert average_precision(["a"], set()) is None


def test_k_must_be_positive() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        precision_at(RANKED, RELEVANT, 0)
