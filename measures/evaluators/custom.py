"""Evaluators that a team writes itself: a prompt for a judge, or Python in the sandbox.

Both are chosen like any other, with the prompt or the code as a setting, so that an experiment's
frozen plan holds exactly what was run.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from functools import lru_cache
from statistics import fmean, pstdev
from string import Template
from typing import Any

from apps.core.options import Option
from measures.evaluators.base import (
    Evaluator,
    Need,
    Observation,
    Score,
    Tools,
    failed,
    not_applicable,
)
from measures.evaluators.judges import MAX_REPEAT, show_passages, undecided
from measures.judging.prompts import RUBRIC, JudgePrompt
from measures.judging.verdicts import grade
from measures.sandbox.runner import SandboxError, run_sandboxed

EXAMPLE_CODE = '''def evaluate(observation):
    """Return a number, or {"value": ..., "label": ..., "reason": ...}."""
    words = observation.answer.split()
    return {"value": min(1, len(words) / 50), "reason": f"{len(words)} words"}
'''
EXAMPLE_PROMPT = """Does the answer name the section of the handbook that it comes from?
1 means it does not, 5 means that it names it exactly.

<question>
$question
</question>
<answer>
$answer
</answer>"""
_ASK = '\n\nReply with JSON only: {"reason": "...", "score": 1 to 5}'
VARIABLES = ("question", "answer", "expected", "passages")
MAX_TEXT = 20_000


def as_plain(observation: Observation) -> dict[str, Any]:
    """The observation as values that go through JSON: what the code gets to see."""
    plain = asdict(observation)
    plain["extra"] = {str(key): value for key, value in observation.extra.items()}
    return plain


def read_returned(returned: Any, low: float | None, high: float | None) -> Score:
    """Turn what the code returned into a score; a failed one when it is none."""
    if not isinstance(returned, dict):
        return failed("evaluate() returned nothing that can be read.")
    value = returned.get("value")
    if value is None and "reason" in returned:
        return not_applicable(str(returned["reason"])[:300])
    if not isinstance(value, int | float) or not math.isfinite(value):
        return failed(f"evaluate() returned {str(value)[:60]!r}, which is no number.")
    if (low is not None and value < low) or (high is not None and value > high):
        return failed(f"evaluate() returned {value:g}, which is not between {low:g} and {high:g}.")
    label, reason = (str(returned.get(name) or "") for name in ("label", "reason"))
    return Score(float(value), label[:60], reason[:2_000])


def _by_code(observation: Observation, tools: Tools) -> Score:
    request = {"code": tools.settings["code"], "observation": as_plain(observation)}
    try:
        answer = run_sandboxed("evaluate", request)
    except SandboxError as error:
        return failed(str(error))
    if "error" in answer:
        return failed(str(answer["error"]), printed=answer.get("printed", ""))
    return read_returned(answer.get("returned"), 0.0, 1.0)


@lru_cache(maxsize=64)
def make_prompt(text: str) -> JudgePrompt:
    """A judge's prompt from a team's own text; raises ``ValueError`` for an unknown variable."""
    names = set(Template(text).get_identifiers())
    if unknown := names - set(VARIABLES):
        raise ValueError(f"There is no variable ${min(unknown)} in prompts of judges.")
    return JudgePrompt("custom", 2, RUBRIC.system, text[:MAX_TEXT] + _ASK, RUBRIC.schema)


async def _by_prompt(observation: Observation, tools: Tools) -> Score:
    if tools.model is None:
        return failed("No model was given to judge.")
    try:
        prompt = make_prompt(tools.settings["prompt"])
    except ValueError as error:
        return failed(str(error))
    values = {
        "question": observation.question,
        "answer": observation.answer,
        "expected": "\nor: ".join(observation.expected_answers) or "(none)",
        "passages": show_passages(observation),
    }
    repeat = min(MAX_REPEAT, tools.settings["repeat"])
    grades, failures = await grade(tools.model, prompt, values, repeat=repeat)
    if not grades:
        return undecided(failures[0], failures=failures)
    numbers = [one.score for one in grades]
    spread = round(pstdev(numbers), 3)
    details = {"grades": numbers, "spread": spread, "failures": failures}
    return Score(fmean(numbers), f"{fmean(numbers):.2g} of 5", grades[0].reason, details)


_TITLE = Option("about", "Its name on pages", "text", "")
EVALUATORS = (
    Evaluator(
        "custom_python", "Your own, in Python",
        "Runs evaluate(observation) of your code in a sandbox without files or network; it "
        "returns a number from 0 to 1.",
        "custom", frozenset({Need.ANSWER, Need.SANDBOX}), "Written by the team", _by_code,
        settings=(_TITLE, Option("code", "Code", "text", EXAMPLE_CODE)),
    ),
    Evaluator(
        "custom_prompt", "Your own, by a prompt",
        "A model grades from 1 to 5 as your prompt tells it to.",
        "custom", frozenset({Need.ANSWER, Need.MODEL}), "Written by the team", judge=_by_prompt,
        low=1.0, high=5.0, version=2,
        settings=(
            _TITLE,
            Option("prompt", "Prompt", "text", EXAMPLE_PROMPT),
            Option("repeat", "Times to ask", "whole", 1, minimum=1),
        ),
    ),
)  # fmt: skip
