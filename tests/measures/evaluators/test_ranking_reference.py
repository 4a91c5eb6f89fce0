"""Ranking metrics against trec_eval and scikit-learn on random rankings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measures.ranking import (
    average_precision,
    hit_at,
    ndcg_at,
    precision_at,
    recall_at,
    reciprocal_rank,
)

ITEMS = "abcdefghijkl"
RANKINGS = st.permutations(ITEMS).flatmap(lambda p: st.integers(1, 12).map(lambda n: p[:n]))
GRADES = st.dictionaries(st.sampled_from(ITEMS), st.integers(0, 3), min_size=1)


@given(RANKINGS, GRADES)
@settings(max_examples=150, deadline=None)
def test_as_trec_eval_counts(ranked: list[str], grades: dict[str, int]) -> None:
    import pytrec_eval

    measures = {"P_5", "recall_5", "success_5", "recip_rank", "map", "map_cut_5", "ndcg_cut_5"}
    judge = pytrec_eval.RelevanceEvaluator({"q": grades}, measures)
    run = {item: float(len(ranked) - place) for place, item in enumerate(ranked)}
    expected = judge.evaluate({"q": run})["q"]
    ours = {
        "P_5": precision_at(ranked, grades, 5),
        "recall_5": recall_at(ranked, grades, 5),
        "success_5": hit_at(ranked, grades, 5),
        "recip_rank": reciprocal_rank(ranked, grades),
        "map": average_precision(ranked, grades),
        "map_cut_5": average_precision(ranked, grades, 5),
        "ndcg_cut_5": ndcg_at(ranked, grades, 5),
    }
    if not any(grades.values()):
        assert set(ours.values()) == {None}
    else:
        assert ours == pytest.approx(expected)


@given(st.permutations(ITEMS), GRADES.filter(lambda grades: any(grades.values())))
@settings(max_examples=60, deadline=None)
def test_exponential_gain_is_scikit_learns_over_two_to_the_grade(
    ranked: list[str], grades: dict[str, int]
) -> None:
    from sklearn.metrics import ndcg_score

    gains = np.array([[2.0 ** grades.get(item, 0) - 1 for item in ranked]])
    order = np.array([[float(len(ranked) - place) for place in range(len(ranked))]])
    ours = ndcg_at(ranked, grades, 7, gain="exp2")
    assert ours == pytest.approx(ndcg_score(gains, order, k=7))
