"""Asking a model for a verdict and reading what comes back: grades, and preferences of two."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

from inference.errors import ModelError
from inference.protocols import ChatModel
from inference.types import Sampling
from measures.judging.prompts import PAIR, JudgePrompt

MAX_ANSWER = 20_000
Winner = Literal["first", "second", "tie"]
_THINKING = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_PLACES: dict[str, Winner] = {"A": "first", "B": "second", "TIE": "tie"}


class VerdictError(Exception):
    """The judge could not be asked, or its answer is no verdict; the message is for people."""


class UndecidedError(VerdictError):
    """The judge was asked twice, and the token limit cut both verdicts off."""


CUT_OFF = (
    "Undecided: the token limit cut the judge's verdict off, also with twice the room. Its reason "
    "or its thinking is too long."
)


@dataclass(frozen=True, slots=True)
class Grade:
    """1 to 5, with the reason that the judge gave."""

    score: int
    reason: str


@dataclass(frozen=True, slots=True)
class Preference:
    """The better of two answers, in the order that the judge saw, with its reason."""

    winner: Winner
    reason: str


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """The outcome of all rounds. ``value`` is 1 if the first won, 0 if the second did.

    In between, rounds disagree: .5 is a tie. ``consistent`` is whether swapping the order left
    every verdict as it was, ``None`` where it was not tried. ``took_first`` is how often the
    answer shown first was preferred, of all verdicts that had a winner.
    """

    value: float
    winner: Winner
    consistent: bool | None
    took_first: float | None
    rounds: int
    failures: tuple[str, ...]
    reasons: tuple[str, ...]


async def ask(
    model: ChatModel, prompt: JudgePrompt, values: Mapping[str, str], *, seed: int | None = None
) -> dict[str, Any]:
    """Ask and return the JSON object of the answer; raises ``VerdictError``.

    A verdict that the token limit cuts off is asked for once more with twice the room: what was
    written until then is no verdict, even where part of it reads like one.
    """
    for room in (prompt.max_tokens, 2 * prompt.max_tokens):
        text, is_whole = await _ask_once(model, prompt, values, seed=seed, room=room)
        if is_whole:
            return read_object(text)
    raise UndecidedError(CUT_OFF)


async def _ask_once(
    model: ChatModel,
    prompt: JudgePrompt,
    values: Mapping[str, str],
    *,
    seed: int | None,
    room: int,
) -> tuple[str, bool]:
    """What the judge wrote, and whether it came to its end."""
    sampling = Sampling(temperature=0.0, max_tokens=room, seed=seed, response_schema=prompt.schema)
    parts: list[str] = []
    finish = ""
    try:
        stream = model.stream(prompt.render(values), sampling=sampling)
        async with aclosing(stream) as deltas:  # type: ignore[type-var]
            async for delta in deltas:
                if delta.restart:
                    parts.clear()
                parts.append(delta.text)
                finish = delta.finish_reason or finish
                if sum(map(len, parts)) > MAX_ANSWER:
                    return "", False
    except ModelError as error:
        raise VerdictError(f"The judge could not be asked: {error}") from error
    return "".join(parts), finish != "length"


def read_object(text: str) -> dict[str, Any]:
    """Return the last JSON object in a model's answer; raises ``VerdictError``.

    Thinking, fences and surrounding words are ignored: not every server can enforce a schema.
    """
    text = _THINKING.sub("", text)
    verdict: dict[str, Any] | None = None
    position = text.find("{")
    while position >= 0:
        value, end = _read_value(text, position)
        verdict = value if value is not None else verdict
        position = text.find("{", end)
    if verdict is None:
        raise VerdictError(f"The judge gave no verdict: {text.strip()[:120]!r}")
    return verdict


def _read_value(text: str, start: int) -> tuple[dict[str, Any] | None, int]:
    from json import JSONDecodeError, JSONDecoder

    try:
        value, end = JSONDecoder(strict=False).raw_decode(text, start)
    except (JSONDecodeError, RecursionError):
        return None, start + 1
    return (value if isinstance(value, dict) else None), end


def read_grade(answer: Mapping[str, Any], *, low: int = 1, high: int = 5) -> Grade:
    """Take a whole number in range from a verdict; raises ``VerdictError``."""
    score = answer.get("score")
    if isinstance(score, str) and re.fullmatch(r"\s*\d{1,3}(?:\.0+)?\s*(?:/\s*\d+)?\s*", score):
        score = float(score.split("/")[0])
    if isinstance(score, bool) or not isinstance(score, int | float) or score != score // 1:
        raise VerdictError(f"The judge's grade is no whole number: {str(score)[:60]!r}")
    if not low <= score <= high:
        raise VerdictError(f"The judge's grade {score:g} is not between {low} and {high}.")
    return Grade(int(score), str(answer.get("reason") or "")[:2_000])


def read_preference(answer: Mapping[str, Any]) -> Preference:
    """Take the winner from a verdict; raises ``VerdictError``."""
    named = str(answer.get("winner", "")).strip().upper().removeprefix("ANSWER").strip(" _.")
    if named not in _PLACES:
        raise VerdictError(f"The judge named no winner: {named[:60]!r}")
    return Preference(_PLACES[named], str(answer.get("reason") or "")[:2_000])


async def grade(
    model: ChatModel, prompt: JudgePrompt, values: Mapping[str, str], *, repeat: int = 1
) -> tuple[list[Grade], list[str]]:
    """Ask ``repeat`` times side by side; return the grades, and why others are missing."""

    async def one(seed: int) -> Grade:
        return read_grade(await ask(model, prompt, values, seed=seed))

    answers = await asyncio.gather(*map(one, range(repeat)), return_exceptions=True)
    return split_verdicts(answers)


async def compare_answers(
    model: ChatModel,
    question: str,
    first: str,
    second: str,
    *,
    swap: bool = True,
    repeat: int = 1,
    prompt: JudgePrompt = PAIR,
) -> PairVerdict:
    """Which answer is better? With ``swap`` each round is asked in both orders.

    A judge that goes by the order answers A both times; its two verdicts then cancel out to a tie,
    so order cannot decide anything (Wang et al., 2023; Zheng et al., 2023). A round only counts
    if both of its verdicts could be read. Raises ``VerdictError`` if no round counts.
    """

    async def ask_in_order(seed: int, swapped: bool) -> Preference:
        pair = (second, first) if swapped else (first, second)
        values = {"question": question, "first": pair[0], "second": pair[1]}
        return read_preference(await ask(model, prompt, values, seed=seed))

    orders = (False, True) if swap else (False,)
    orderings = [(seed, swapped) for seed in range(repeat) for swapped in orders]
    answers = await asyncio.gather(
        *(ask_in_order(*one) for one in orderings), return_exceptions=True
    )
    size = len(orders)
    rounds = [answers[start : start + size] for start in range(0, len(answers), size)]
    return summarise_rounds(rounds)


def summarise_rounds(rounds: Sequence[Sequence[Preference | BaseException]]) -> PairVerdict:
    """Combine rounds of one verdict, or of two, the second with the answers swapped."""
    readable, failures = [], []
    for answers in rounds:
        kept, missing = split_verdicts(answers)
        failures += missing
        if not missing:
            readable.append(kept)
    if not readable:
        reason = failures[0] if failures else "The judge was not asked."
        raise UndecidedError(reason) if reason == CUT_OFF else VerdictError(reason)
    points = [_points(answers) for answers in readable]
    seen = Counter(answer.winner for answers in readable for answer in answers)
    decided = seen["first"] + seen["second"]
    value = sum(map(sum, points)) / sum(map(len, points))
    swapped = len(readable[0]) == 2
    return PairVerdict(
        value=value,
        winner="tie" if value == 0.5 else "first" if value > 0.5 else "second",
        consistent=all(a == b for a, b in points) if swapped else None,
        took_first=seen["first"] / decided if decided else None,
        rounds=len(readable),
        failures=tuple(failures),
        reasons=tuple(answer.reason for answers in readable for answer in answers),
    )


def _points(answers: Sequence[Preference]) -> list[float]:
    """The first answer's points in each order; the second verdict saw it as B."""
    table = {"first": 1.0, "tie": 0.5, "second": 0.0}
    return [abs(swapped - table[answer.winner]) for swapped, answer in enumerate(answers)]


def split_verdicts(answers: Sequence[Any]) -> tuple[list[Any], list[str]]:
    """Separate verdicts from failures; raise anything that is not a ``VerdictError``."""
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, VerdictError):
            raise answer
    kept = [answer for answer in answers if not isinstance(answer, BaseException)]
    return kept, [str(answer) for answer in answers if isinstance(answer, BaseException)]
