"""Statistics against numbers worked out by hand and against scikit-learn and SciPy."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measures.paired import (
    correlate,
    mean_by_example,
    mean_spread,
    share_unstable,
)
from measures.statistics import (
    auroc,
    bootstrap_mean,
    bootstrap_quantile,
    cohen_kappa,
    mean_ranks,
    paired_bootstrap,
    pareto_front,
    pearson,
    spearman,
    wilson_interval,
)

LEVELS = st.integers(-4, 4).map(float)


def test_wilson_against_the_published_example() -> None:
    # Newcombe (1998), table I: 81 of 263 has .2553 to .3662, 0 of 20 has 0 to .1611.
    interval = wilson_interval(81, 263)
    assert interval is not None
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)
    nothing = wilson_interval(0, 20)
    assert nothing is not None
    assert (nothing.low, round(nothing.high, 4)) == (0.0, 0.1611)
    everything = wilson_interval(29, 29)
    assert everything is not None
    assert everything.high == 1.0
    assert wilson_interval(0, 0) is None
    with pytest.raises(ValueError, match="no rate"):
        wilson_interval(3, 2)


def test_bootstrap_of_a_mean_is_near_the_formula() -> None:
    values = np.random.default_rng(1).normal(10, 2, 400)
    interval = bootstrap_mean(values)
    assert interval is not None
    margin = 1.96 * values.std() / math.sqrt(400)
    assert interval.estimate == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - margin, abs=0.03)
    assert interval.high == pytest.approx(values.mean() + margin, abs=0.03)
    assert interval == bootstrap_mean(values), "the seed is fixed"
    assert bootstrap_mean([]) is None
    with pytest.raises(ValueError, match="finite"):
        bootstrap_mean([1.0, math.nan])


def test_a_paired_difference_is_surer_than_two_means() -> None:
    hard = np.random.default_rng(2).normal(0, 10, 200)
    better = paired_bootstrap(hard, hard + 1 + np.random.default_rng(3).normal(0, 1, 200))
    assert better is not None
    assert better.is_significant
    assert better.p_better == 1.0
    assert 0.8 < better.low < 1 < better.high < 1.3
    same = paired_bootstrap(hard, hard)
    assert same is not None
    assert (same.estimate, same.low, same.high, same.p_better) == (0, 0, 0, 0.5)
    assert not same.is_significant
    with pytest.raises(ValueError, match="same length"):
        paired_bootstrap([1.0], [1.0, 2.0])


def test_many_values_do_not_take_much_memory_and_all_resamples_are_drawn() -> None:
    interval = bootstrap_mean(np.arange(30_000.0), resamples=70)
    assert interval is not None
    assert interval.low < 14_999.5 < interval.high


def test_bootstrap_of_a_quantile() -> None:
    interval = bootstrap_quantile(list(range(1, 101)), 0.5)
    assert interval is not None
    assert interval.estimate == 50.5
    # The order statistics of a binomial: about 50 plus and minus 10.
    assert 39 <= interval.low <= 43
    assert 58 <= interval.high <= 62


def test_kappa_of_the_textbook_table() -> None:
    # 20 both yes, 15 both no, 5 and 10 apart: po = .7, pe = .5 * .6 + .5 * .4 = .5.
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohen_kappa(first, second) == pytest.approx(0.4)
    assert cohen_kappa(["a", "b"], ["b", "a"]) == pytest.approx(-1.0)
    assert cohen_kappa(["a"], ["a"]) is None
    assert cohen_kappa([], []) is None


def test_correlations_by_hand() -> None:
    assert pearson([1, 2, 3], [2, 4, 6]) == pytest.approx(1.0)
    # Deviations (-1, 0, 1) and (-1, 1, 0): 1 / 2.
    assert pearson([1, 2, 3], [1, 3, 2]) == pytest.approx(0.5)
    assert spearman([1, 2, 3], [1, 100, 1000]) == pytest.approx(1.0)
    assert mean_ranks(np.array([3.0, 1.0, 3.0])).tolist() == [2.5, 1.0, 2.5]
    assert pearson([1, 1], [1, 2]) is None
    assert pearson([1], [2]) is None


def test_auroc_by_hand() -> None:
    # Pairs won: .9 beats both, .4 beats .1 and ties with .4.
    assert auroc([True, True, False, False], [0.9, 0.4, 0.4, 0.1]) == pytest.approx(3.5 / 4)
    assert auroc([True], [1.0]) is None


def test_pareto_front() -> None:
    points = [(1.0, 0.5), (2.0, 0.4), (3.0, 0.9), (0.5, 0.1), (3.0, 0.8), (1.0, 0.5)]
    assert pareto_front(points) == [3, 0, 5, 2]
    assert pareto_front([]) == []


@given(st.lists(st.tuples(LEVELS, LEVELS), min_size=2, max_size=40))
@settings(max_examples=60, deadline=None)
def test_correlations_and_kappa_are_those_of_scipy_and_scikit_learn(
    pairs: list[tuple[float, float]],
) -> None:
    from scipy import stats
    from sklearn.metrics import cohen_kappa_score

    x, y = [a for a, _ in pairs], [b for _, b in pairs]
    if len(set(x)) > 1 and len(set(y)) > 1:
        assert pearson(x, y) == pytest.approx(stats.pearsonr(x, y)[0], abs=1e-9)
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y)[0], abs=1e-9)
        assert cohen_kappa(x, y) == pytest.approx(cohen_kappa_score(x, y), abs=1e-9)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=50))
@settings(max_examples=60, deadline=None)
def test_auroc_is_that_of_scikit_learn(items: list[tuple[bool, int]]) -> None:
    from sklearn.metrics import roc_auc_score

    labels, scores = [label for label, _ in items], [float(score) for _, score in items]
    if len(set(labels)) == 1:
        assert auroc(labels, scores) is None
    else:
        assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))


@given(st.integers(0, 60), st.integers(1, 60), st.sampled_from([0.8, 0.95, 0.99]))
@settings(max_examples=60, deadline=None)
def test_wilson_is_that_of_scipy(successes: int, extra: int, confidence: float) -> None:
    from scipy.stats import binomtest

    trials = successes + extra
    interval = wilson_interval(successes, trials, confidence=confidence)
    expected = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(
    st.lists(st.dictionaries(st.integers(0, 12), st.integers(0, 4)), min_size=2, max_size=4),
)
@settings(deadline=None, max_examples=60)
def test_correlations_of_metrics_are_over_the_items_that_both_have(
    columns: list[dict[int, int]],
) -> None:
    from scipy import stats

    table = correlate([{key: float(value) for key, value in c.items()} for c in columns])
    for row, first in enumerate(columns):
        for column, second in enumerate(columns):
            shared = sorted(set(first) & set(second))
            x, y = [first[key] for key in shared], [second[key] for key in shared]
            found = table[row][column]
            assert found == table[column][row]
            if len(set(x)) < 2 or len(set(y)) < 2:
                assert found is None
            else:
                assert found == pytest.approx(stats.spearmanr(x, y).statistic)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12))
@settings(deadline=None, max_examples=60)
def test_the_front_is_what_nothing_else_beats(points: list[tuple[int, int]]) -> None:
    def beats(one: tuple[int, int], other: tuple[int, int]) -> bool:
        return one[0] <= other[0] and one[1] >= other[1] and one != other

    expected = {n for n, point in enumerate(points) if not any(beats(o, point) for o in points)}
    front = pareto_front(points)
    assert set(front) == expected
    assert [points[n][0] for n in front] == sorted(points[n][0] for n in front)


@given(st.dictionaries(st.integers(0, 5), st.lists(st.integers(0, 4), min_size=1, max_size=5)))
@settings(deadline=None, max_examples=60)
def test_repetitions_are_joined_and_their_spread_is_the_standard_deviation(
    groups: dict[int, list[int]],
) -> None:
    values = [(key, float(value)) for key, found in groups.items() for value in found]
    assert mean_by_example(values) == pytest.approx(
        {key: statistics.mean(found) for key, found in groups.items()}
    )
    spreads = [statistics.stdev(found) for found in groups.values() if len(found) > 1]
    expected = statistics.mean(spreads) if spreads else None
    assert mean_spread(values) == (expected if expected is None else pytest.approx(expected))
    repeated = [found for found in groups.values() if len(found) > 1]
    unstable = sum(len(set(found)) > 1 for found in repeated)
    assert share_unstable(values) == (unstable, len(repeated))


@given(st.integers(0, 10_000), st.integers(20, 60))
@settings(deadline=None, max_examples=12)
def test_intervals_are_those_of_scipys_percentile_bootstrap(seed: int, size: int) -> None:
    from scipy import stats

    chance = np.random.default_rng(seed)
    before = chance.gamma(2, 3, size)
    after = before + chance.normal(0.5, 2, size)
    for ours, values in (
        (paired_bootstrap(before, after, resamples=4_000), after - before),
        (bootstrap_mean(before, resamples=4_000), before),
    ):
        theirs = stats.bootstrap(
            (values,), np.mean, method="percentile", n_resamples=4_000, rng=1
        ).confidence_interval
        assert ours is not None
        assert ours.estimate == pytest.approx(float(values.mean()))
        # Both draw at random: bounds differ by a part of the spread of the mean.
        slack = 0.25 * float(values.std()) / math.sqrt(size)
        assert (ours.low, ours.high) == pytest.approx(tuple(theirs), abs=slack)
