"""What of a conversation and its passages fits into a model's context window.

The newest turns and the best passages are kept. What is left out is counted, and the trace says
so; nothing is cut in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.assistants.answering.outcome import Turn
from inference.errors import ModelError
from inference.token_estimate import MESSAGE_TOKENS, estimate_tokens
from inference.types import Sampling

HISTORY_SHARE = 0.4
"""Of the room that instructions, question and answer leave, earlier turns take this at most: an
answer without its passages is worse than one that has forgotten how the conversation began."""
LEAST_PASSAGE_TOKENS = 200
"""Room for less than this is no room for a passage."""
MIN_ANSWER_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Fit:
    """The turns that are sent, how many were left out, and what is left for passages."""

    history: tuple[Turn, ...]
    dropped_turns: int
    passage_tokens: int


def fit_history(
    history: Sequence[Turn], *, window: int, answer_tokens: int, fixed_tokens: int
) -> Fit:
    """Fit the newest turns and say what passages may take, all in tokens.

    `fixed_tokens` are instructions and question, which cannot be left out. Raises ModelError of
    kind "too_long" where even they do not fit.
    """
    room = window - answer_tokens - fixed_tokens
    if room < LEAST_PASSAGE_TOKENS:
        # A short answer is better than none.
        room = window - min(answer_tokens, MIN_ANSWER_TOKENS) - fixed_tokens
    if room < LEAST_PASSAGE_TOKENS:
        raise ModelError(
            "too_long",
            f"The question and the assistant's instructions take about {fixed_tokens:,} tokens, "
            f"and this model reads {window:,} at a time. Ask in fewer words, or choose a model "
            "with a larger context window.",
        )
    kept: list[Turn] = []
    spent = 0
    for turn in reversed(history):
        cost = sum(estimate_tokens(text) + MESSAGE_TOKENS for text in (turn.question, turn.answer))
        if spent + cost > room * HISTORY_SHARE:
            break
        kept.append(turn)
        spent += cost
    kept.reverse()
    return Fit(tuple(kept), len(history) - len(kept), room - spent)


class Limit:
    """Holds text that is not a model's to the length and the stops of a sampling."""

    def __init__(self, sampling: Sampling) -> None:
        self._stops = sampling.stop
        self._max_tokens = sampling.max_tokens
        self._text = ""
        self.reason = ""
        """stop or length, once there must be no more."""

    def take(self, text: str) -> str:
        """As much of the next text as may be shown, cut at a word."""
        before, whole = len(self._text), self._text + text
        if ends := [end for stop in self._stops if (end := whole.find(stop)) != -1]:
            whole, self.reason = whole[: min(ends)], "stop"
        if self._max_tokens is not None and estimate_tokens(whole) > self._max_tokens:
            self.reason = "length"
            while " " in whole.strip() and estimate_tokens(whole) > self._max_tokens:
                whole = whole[: whole.rstrip().rfind(" ")]
        self._text = whole
        return whole[before:]
