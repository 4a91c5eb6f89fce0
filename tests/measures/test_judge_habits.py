"""A judge's habits, worked out by hand: spread, position bias against ties, length."""

from __future__ import annotations

import math
from typing import Any

import pytest

from measures.judging.habits import Verdict, bin_by_length, goes_by_order, measure_habits
from measures.judging.self_preference import is_same_model
from measures.judging.verdicts import Preference, summarise_rounds
from measures.statistics import spearman_interval


def pair(first: str, second: str) -> Verdict:
    """A pair shown in both orders; what the judge said each time, A being what it saw first."""
    places: dict[str, Any] = {"A": "first", "B": "second", "tie": "tie"}
    verdict = summarise_rounds([[Preference(places[first], ""), Preference(places[second], "")]])
    stored = {"consistent": verdict.consistent, "took_first": verdict.took_first}
    return Verdict(verdict.value, 0, stored)


def test_position_bias_is_told_from_a_tie() -> None:
    """A, A and B, B go by the order; tie, tie is a tie; A, B is one answer in both orders."""
    habits = measure_habits(
        [pair("A", "A"), pair("B", "B"), pair("tie", "tie"), pair("A", "B"), pair("A", "tie")]
    )
    assert habits.swapped == 5
    assert habits.ties == 1
    assert habits.position_bias is not None
    assert habits.position_bias.estimate == pytest.approx(2 / 5)
    assert habits.consistent is not None
    assert habits.consistent.estimate == pytest.approx(2 / 5)
    # 1, 0 and 1/2 of the choices; the tie chose nothing, and of A, tie the one choice was A.
    assert habits.took_first == pytest.approx((1 + 0 + 0.5 + 1) / 4)
    assert goes_by_order(0.5, False)
    assert not goes_by_order(0.5, True)
    assert not goes_by_order(0.75, False)
    assert not goes_by_order(0.5, None), "it was asked in one order only"


def test_spread_is_over_answers_that_were_graded_again() -> None:
    verdicts = [
        Verdict(4, 9, {"grades": [3, 5], "spread": 1.0}),
        Verdict(4, 9, {"grades": [4, 4], "spread": 0.0}),
        Verdict(4, 9, {"grades": [4], "spread": 0.0}),
        Verdict(None, 9, {}),
    ]
    habits = measure_habits(verdicts)
    assert (habits.spread, habits.repeated) == (0.5, 2)
    assert (habits.verdicts, habits.undecided) == (4, 1)
    assert measure_habits([]).spread is None


def test_length_against_score_has_an_interval() -> None:
    # Ranks 1 2 3 4 5 against 1 3 2 5 4: differences 0 1 1 1 1, so r = 1 - 6 * 4 / (5 * 24) = .8.
    interval = spearman_interval([10, 20, 30, 40, 50], [1, 3, 2, 5, 4])
    assert interval is not None
    assert interval.estimate == pytest.approx(0.8)
    # atanh(.8) = 1.0986; the standard error is sqrt((1 + .64 / 2) / 2) = .8124.
    margin = 1.959964 * math.sqrt(1.32 / 2)
    assert interval.low == pytest.approx(math.tanh(1.098612 - margin), abs=1e-5)
    assert interval.high == pytest.approx(math.tanh(1.098612 + margin), abs=1e-5)
    perfect = spearman_interval([1, 2, 3, 4], [1, 2, 3, 4])
    assert perfect is not None
    assert perfect.low <= perfect.estimate <= perfect.high
    assert spearman_interval([1, 2, 3], [1, 2, 3]) is None
    assert spearman_interval([1, 2, 3, 4], [5, 5, 5, 5]) is None


def test_answers_are_grouped_by_length() -> None:
    lengths = [float(n) for n in range(8, 0, -1)]
    short, long = bin_by_length(lengths, [1.0] * 4 + [0.0] * 4)
    assert (short.shortest, short.longest, short.middle) == (1, 4, 2.5)
    assert (short.score.estimate, long.score.estimate, long.score.count) == (0, 1, 4)
    assert bin_by_length([1.0] * 7, [1.0] * 7) == []


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("gpt-4o", "GPT-4o ", True),
        ("meta-llama/Llama-3.1-8B", "llama-3.1-8b:latest", True),
        ("llama3:8b", "llama3:70b", False),
        ("gpt-4o", "gpt-4o-mini", False),
        ("", "", False),
    ],
)
def test_a_model_is_known_by_its_name(first: str, second: str, same: bool) -> None:
    assert is_same_model(first, second) is same
