"""Agreement of an answer with what comes when the question is asked again, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from measures.evaluators.base import Observation, Tools
from measures.evaluators.registry import score
from measures.evaluators.self_agreement import measure_agreement


def test_agreement_is_the_mean_over_all_pairs() -> None:
    # "red blue" and "red green" share one word of two: F1 1/2. Both share nothing with "black".
    assert measure_agreement(["red blue", "red green", "black"]) == pytest.approx(0.5 / 3)
    assert measure_agreement(["red", "red"]) == 1
    assert measure_agreement([None, None, "red"]) == pytest.approx(1 / 3)
    assert measure_agreement(["red"]) is None


@pytest.mark.parametrize(
    ("fields", "value", "label"),
    [
        ({"answer": "red", "answers_again": ("red", "blue")}, 1 / 3, "1 of 2 say the same"),
        ({"answer": "red", "declined": True, "answers_again": (None,)}, 1, "1 of 1 say the same"),
        ({"answer": "red"}, None, ""),
    ],
)
async def test_it_compares_with_the_answer_that_was_given(
    fields: dict[str, Any], value: float | None, label: str
) -> None:
    outcome = await score("self_agreement", Observation(**fields), tools=Tools())
    assert outcome.value == (None if value is None else pytest.approx(value))
    assert outcome.label == label
