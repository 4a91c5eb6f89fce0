"""What of a conversation fits into a window: the newest turns, and room for passages."""

from __future__ import annotations

import pytest

from apps.assistants.answering.fitting import Limit, fit_history
from apps.assistants.answering.outcome import Turn
from inference.errors import ModelError
from inference.token_estimate import MESSAGE_TOKENS, estimate_tokens
from inference.types import Sampling

TURN = Turn("why " * 40, "so " * 60)
COST = estimate_tokens(TURN.question) + estimate_tokens(TURN.answer) + 2 * MESSAGE_TOKENS


def test_the_newest_turns_are_kept() -> None:
    turns = [Turn(f"{number} {TURN.question}", TURN.answer) for number in range(8)]
    # 40 % of 1,000 tokens hold three turns of about 120 each.
    fit = fit_history(turns, window=1300, answer_tokens=200, fixed_tokens=100)
    assert 3 * COST < 400 < 4 * COST
    assert [turn.question.split()[0] for turn in fit.history] == ["5", "6", "7"]
    assert fit.dropped_turns == 5
    assert 1000 - 3 * (COST + 2) <= fit.passage_tokens <= 1000 - 3 * COST


def test_a_short_answer_is_better_than_none() -> None:
    fit = fit_history([TURN], window=1000, answer_tokens=900, fixed_tokens=100)
    assert fit.passage_tokens > 0


def test_what_cannot_fit_is_refused_in_words() -> None:
    with pytest.raises(ModelError, match=r"about 900 tokens.*reads 1,000") as raised:
        fit_history([], window=1000, answer_tokens=200, fixed_tokens=900)
    assert raised.value.kind == "too_long"


def test_text_that_is_no_models_is_held_to_a_sampling() -> None:
    limit = Limit(Sampling(stop=("days",)))
    assert limit.take("Twenty ") + limit.take("days of leave") == "Twenty "
    assert limit.reason == "stop"
    limit = Limit(Sampling(max_tokens=3))
    assert limit.take("One two three four") == "One two"
    assert limit.reason == "length"
    limit = Limit(Sampling())
    assert (limit.take("All of it."), limit.reason) == ("All of it.", "")
