"""Ratings against numbers worked out by hand and against choix."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measures.ratings import (
    Game,
    expected_result,
    fit_strengths,
    rate_bradley_terry,
    rate_elo,
)


def test_elo_by_hand() -> None:
    # Equal at first: 8 points change hands. Then 1008 against 992 expects .523 and wins.
    ratings = rate_elo([Game("a", "b", 1), Game("a", "b", 1)])
    expected = 1 / (1 + 10 ** (-16 / 400))
    assert expected_result(1008, 992) == pytest.approx(expected)
    assert ratings["a"] == pytest.approx(1008 + 16 * (1 - expected))
    assert ratings["a"] + ratings["b"] == pytest.approx(2000)
    assert rate_elo([Game("a", "b", 0.5)]) == {"a": 1000, "b": 1000}
    assert expected_result(1400, 1000) == pytest.approx(10 / 11)


def test_bradley_terry_by_hand() -> None:
    # Three wins, one loss and a fifth of a drawn game: odds of 3.1 to 1.1.
    games = [Game("a", "b", 1)] * 3 + [Game("a", "b", 0)]
    first, second = rate_bradley_terry(games)
    assert (first.player, first.games) == ("a", 4)
    assert first.value == pytest.approx(1000 + 200 * math.log10(3.1 / 1.1))
    assert second.value == pytest.approx(1000 - 200 * math.log10(3.1 / 1.1))


def test_ties_are_half_a_win_for_each() -> None:
    games = [Game("a", "b", 0.5)] * 2 + [Game("a", "b", 1)] * 2
    rated = rate_bradley_terry(games, resamples=1)
    assert rated[0].value == pytest.approx(1000 + 200 * math.log10(3.1 / 1.1))


def test_who_never_lost_has_a_rating_and_more_games_a_narrower_interval() -> None:
    few = rate_bradley_terry([Game("a", "b", 1)] * 3)
    assert few[0].player == "a"
    assert 1000 < few[0].value < 2000
    mixed = [Game("a", "b", 1), Game("b", "a", 1), Game("a", "b", 1)]
    wide, narrow = rate_bradley_terry(mixed * 5)[0], rate_bradley_terry(mixed * 100)[0]
    assert wide.low < wide.value < wide.high
    assert narrow.high - narrow.low < (wide.high - wide.low) / 3


def below(chance: float, wins: int) -> float:
    """P(p < chance) for p ~ Beta(wins + 1/2, 1/2), by its closed form for 0 and 1 wins."""
    arc = math.asin(math.sqrt(chance))
    return 2 / math.pi * (arc - wins * math.sqrt(chance * (1 - chance)))


def test_one_vote_says_little_and_its_interval_is_the_exact_posterior() -> None:
    """Resampling one game gave both bounds the rating itself."""
    best, other = rate_bradley_terry([Game("a", "b", 1)])
    assert best.low < 1000 < best.value < best.high
    assert best.high - best.low > 500
    assert other.low == pytest.approx(2000 - best.high)
    # The rating's distance from 1000 is half of the difference; 400 points are odds of ten.
    for bound, share in ((best.low, 0.025), (best.high, 0.975)):
        chance = 1 / (1 + 10 ** (-(bound - 1000) / 200))
        assert below(chance, 1) == pytest.approx(share, abs=0.02)


def test_groups_that_never_met_each_have_the_mean() -> None:
    games = [Game("a", "b", 1), Game("a", "b", 0), Game("c", "d", 1), Game("c", "d", 1)]
    values = {rating.player: rating.value for rating in rate_bradley_terry(games)}
    assert values["a"] == values["b"] == pytest.approx(1000)
    assert values["c"] + values["d"] == pytest.approx(2000)
    assert rate_bradley_terry([]) == []


def test_a_game_has_two_players_and_a_result() -> None:
    with pytest.raises(ValueError, match="no game"):
        Game("a", "a", 1)
    with pytest.raises(ValueError, match="no game"):
        Game("a", "b", 2)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
@settings(max_examples=40, deadline=None)
def test_strengths_are_those_of_choix(pairs: list[tuple[int, int]]) -> None:
    import choix

    pairs = [(winner, loser) for winner, loser in pairs if winner != loser]
    # A round of everybody against everybody, both ways, makes sure that there is an answer.
    pairs += [(i, j) for i in range(5) for j in range(5) if i != j]
    wins = np.zeros((5, 5))
    for winner, loser in pairs:
        wins[winner, loser] += 1
    expected = choix.ilsr_pairwise(5, pairs)
    assert fit_strengths(wins) == pytest.approx(expected - expected.mean(), abs=1e-5)


@given(
    st.lists(
        st.tuples(
            st.permutations([0, 1, 2]).map(lambda p: (p[0], p[1])), st.sampled_from([0.0, 0.5, 1.0])
        ),
        min_size=1,
        max_size=40,
    )
)
@settings(max_examples=40, deadline=None)
def test_elo_moves_points_from_one_to_the_other(
    games: list[tuple[tuple[int, int], float]],
) -> None:
    ratings = {player: 1000.0 for pair, _ in games for player in pair}
    for (first, second), result in games:
        # Elo's own table: a logistic curve, 400 points for ten to one.
        chance = 10 ** (ratings[first] / 400) / (
            10 ** (ratings[first] / 400) + 10 ** (ratings[second] / 400)
        )
        ratings[first] += 16 * (result - chance)
        ratings[second] -= 16 * (result - chance)
    found = rate_elo([Game(*pair, result) for pair, result in games])
    assert found == pytest.approx(ratings)
    assert sum(found.values()) == pytest.approx(1000 * len(found))
