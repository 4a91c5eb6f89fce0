"""Multiple choice: which option did the answer take, and is it the right one?"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

from measures.evaluators.base import (
    Evaluator,
    Need,
    Observation,
    Score,
    Tools,
    not_applicable,
)
from measures.evaluators.matching import normalise

_LETTERS = string.ascii_uppercase
_SAID = re.compile(
    # A small "a" is a word, and so is "i".
    r"(?i:answer|choice|option)(?i:\s+(?:is|would be|should be))?\s*:?\s*[\s*_(\[\"']*"
    r"([A-Zb-hj-z])(?![A-Za-z'’])",
)
_BOXED = re.compile(r"\\boxed\{\s*(?:\\text\{)?\s*([A-Z])\b")
_ALONE = re.compile(r"^[\s*_(\[]*([A-Z])(?:[)\].:*_]|\s*$)", re.MULTILINE)


def read_choice(answer: str, choices: Sequence[str]) -> int | None:
    """Return the index of the option that the answer takes; ``None`` when it cannot be told.

    In this order: a boxed letter, the last "answer is B", a letter at the start of a line, an
    option's whole text. Two different options at one of these steps are no answer.
    """
    for pattern in (_BOXED, _SAID, _ALONE):
        letters = [match.upper() for match in pattern.findall(answer)]
        places = [_LETTERS.index(c) for c in letters if _LETTERS.index(c) < len(choices)]
        if places and (pattern is not _ALONE or len(set(places)) == 1):
            return places[-1]
    words = f" {normalise(answer)} "
    named = [i for i, text in enumerate(choices) if normalise(text) and
             f" {normalise(text)} " in words]  # fmt: skip
    # "Not A" holds "A": the longest option that holds the others is meant.
    named = [i for i in named if not any(
        i != j and normalise(choices[i]) in normalise(choices[j]) for j in named
    )]  # fmt: skip
    return named[0] if len(named) == 1 else None


def find_option(expected: str, choices: Sequence[str]) -> int | None:
    """The option that is expected, given as its letter, number from 1 or text."""
    text = expected.strip()
    for index, choice in enumerate(choices):
        if normalise(choice) == normalise(text):
            return index
    if len(text) == 1 and text.upper() in _LETTERS[: len(choices)]:
        return _LETTERS.index(text.upper())
    if text.isascii() and text.isdigit() and 1 <= int(text) <= len(choices):
        return int(text) - 1
    return None


def _score(observation: Observation, tools: Tools) -> Score:
    choices = observation.extra.get("choices")
    if not isinstance(choices, list) or not 2 <= len(choices) <= len(_LETTERS):
        return not_applicable("The example has no list of choices.")
    options = [str(choice) for choice in choices]
    places = [find_option(text, options) for text in observation.expected_answers]
    right = {index for index in places if index is not None}
    if not right:
        return not_applicable("The expected answer is none of the choices.")
    taken = read_choice(observation.answer, options)
    if taken is None:
        return Score(0.0, label="no choice", reason="The answer takes none of the options.")
    return Score(
        float(taken in right),
        label="pass" if taken in right else "fail",
        details={"taken": _LETTERS[taken], "expected": sorted(_LETTERS[i] for i in right)},
    )


EVALUATORS = (
    Evaluator(
        "multiple_choice", "Multiple choice",
        "The answer takes the right one of the given options; taking none is wrong.",
        "answer", frozenset({Need.ANSWER, Need.EXPECTED_ANSWER, Need.CHOICES}),
        "Accuracy as in Hendrycks et al., 2021 (MMLU), by the generated text", _score,
    ),
)  # fmt: skip
