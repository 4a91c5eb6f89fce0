"""AI judges as evaluators: by a rubric, against a reference, and against the expected answer.

A judge's score says what that model thinks. How far it can be trusted is measured beside it, by
``agreement.py``, on answers that people have labelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean, pstdev
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
from measures.judging.checklists import check_answer, read_questions
from measures.judging.habits import goes_by_order
from measures.judging.prompts import (
    CHECKLIST,
    NO_EXAMPLE,
    PAIR,
    REFERENCE,
    RUBRIC,
    TASK,
    JudgePrompt,
)
from measures.judging.verdicts import VerdictError, ask, compare_answers, grade

MAX_REPEAT = 9
MAX_PASSAGES = 12_000
CRITERION = "Helpfulness: does the answer give the person what they asked for?"
SCALE = """1 does not address the question, or is harmful
2 addresses it, but most of what matters is missing or wrong
3 is of use, with a gap or an error that matters
4 answers the question; small things could be better
5 answers the question fully, correctly and to the point"""
GROUNDED = "Groundedness: does every statement of the answer follow from the passages?"
GROUNDED_SCALE = """1 states what contradicts the passages
2 most statements are not in the passages
3 some statements are in the passages, some are not
4 all that matters is in the passages; a side remark is not
5 every statement follows from the passages, or the answer rightly says that they do not tell"""


def show_passages(observation: Observation) -> str:
    """The retrieved passages, numbered, as far as they fit."""
    texts = [f"[{n}] {passage.text}" for n, passage in enumerate(observation.retrieved, 1)]
    return "\n\n".join(texts)[:MAX_PASSAGES] or "(none)"


def undecided(reason: str, **details: Any) -> Score:
    """The judge gave no verdict; that is said in words, and counts neither way."""
    return Score(None, "undecided", reason, details, status="failed")


async def _grade(tools: Tools, prompt: JudgePrompt, values: dict[str, str]) -> Score:
    if tools.model is None:
        return failed("No model was given to judge.")
    repeat = min(MAX_REPEAT, tools.settings.get("repeat", 1))
    grades, failures = await grade(tools.model, prompt, values, repeat=repeat)
    details: dict[str, Any] = {"prompt": prompt.label, "failures": failures}
    if not grades:
        return undecided(failures[0], **details)
    numbers = [one.score for one in grades]
    details |= {"grades": numbers, "spread": round(pstdev(numbers), 3)}
    return Score(fmean(numbers), label=f"{fmean(numbers):.2g} of 5", reason=grades[0].reason,
                 details=details)  # fmt: skip


async def _by_rubric(observation: Observation, tools: Tools) -> Score:
    return await _grade(tools, RUBRIC, {
        "criterion": tools.settings["criterion"],
        "rubric": tools.settings["rubric"],
        "good_example": tools.settings["good_example"] or NO_EXAMPLE,
        "bad_example": tools.settings["bad_example"] or NO_EXAMPLE,
        "question": observation.question,
        "passages": show_passages(observation) if tools.settings["passages"] else "(not shown)",
        "answer": observation.answer,
    })  # fmt: skip


async def _by_grounding(observation: Observation, tools: Tools) -> Score:
    if not observation.retrieved:
        return not_applicable("No passages were retrieved.")
    return await _grade(tools, RUBRIC, {
        "criterion": GROUNDED,
        "rubric": GROUNDED_SCALE,
        "good_example": NO_EXAMPLE,
        "bad_example": NO_EXAMPLE,
        "question": observation.question,
        "passages": show_passages(observation),
        "answer": observation.answer,
    })  # fmt: skip


async def _by_reference(observation: Observation, tools: Tools) -> Score:
    if not observation.expected_answers:
        return not_applicable("No expected answer.")
    return await _grade(tools, REFERENCE, {
        "question": observation.question,
        "reference": "\nor: ".join(observation.expected_answers),
        "answer": observation.answer,
    })  # fmt: skip


async def _by_checklist(observation: Observation, tools: Tools) -> Score:
    if tools.model is None:
        return failed("No model was given to judge.")
    values = {
        "question": observation.question,
        "passages": show_passages(observation) if tools.settings["passages"] else "(not shown)",
        "answer": observation.answer,
    }
    questions = read_questions(tools.settings["questions"])
    repeat = min(MAX_REPEAT, tools.settings["repeat"])
    checked, shares, failures = await check_answer(tools.model, questions, values, repeat=repeat)
    details: dict[str, Any] = {"prompt": CHECKLIST.label, "failures": failures}
    if not checked:
        return undecided(failures[0], **details)
    details |= {
        "answers": [
            {"question": one.question, "answer": one.answer, "yes": one.yes, "reason": one.reason}
            for one in checked
        ],
        "grades": shares,
        "spread": round(pstdev(shares), 3),
    }
    number = sum(one.answer == "yes" for one in checked)
    lost = next((one for one in checked if one.answer == "no"), None)
    reason = f"No: {lost.question} {lost.reason}" if lost else ""
    return Score(fmean(shares), f"{number} of {len(checked)} yes", reason, details)


async def _by_task(observation: Observation, tools: Tools) -> Score:
    """1 if the person's task is done at the end; the number of turns stands beside it."""
    if tools.model is None:
        return failed("No model was given to judge.")
    turns = [*observation.earlier, (observation.question, observation.answer)]
    values = {
        "conversation": "\n\n".join(f"Person: {q}\nAssistant: {a}" for q, a in turns),
        "expected": "\nor: ".join(observation.expected_answers) or "(nobody wrote it down)",
    }
    details: dict[str, Any] = {"prompt": TASK.label, "turns": len(turns)}
    try:
        verdict = await ask(tools.model, TASK, values, seed=0)
    except VerdictError as error:
        return undecided(str(error), **details)
    said = str(verdict.get("done", "")).strip().lower()
    if said not in ("yes", "no"):
        return undecided(f"The judge did not say whether it is done: {said[:60]!r}", **details)
    noun = "turn" if len(turns) == 1 else "turns"
    label = f"{'done' if said == 'yes' else 'not done'} after {len(turns)} {noun}"
    return Score(float(said == "yes"), label, str(verdict.get("reason") or "")[:2_000], details)


def _check_questions(settings: Mapping[str, Any]) -> dict[str, str]:
    try:
        read_questions(settings["questions"])
    except ValueError as error:
        return {"questions": str(error)}
    return {}


async def _by_pair(observation: Observation, tools: Tools) -> Score:
    other = observation.extra.get("other_answer") or next(iter(observation.expected_answers), "")
    if not other:
        return not_applicable("There is no other answer to compare with.")
    if tools.model is None:
        return failed("No model was given to judge.")
    try:
        verdict = await compare_answers(
            tools.model, observation.question, observation.answer, str(other),
            swap=tools.settings["swap"], repeat=min(MAX_REPEAT, tools.settings["repeat"]),
        )  # fmt: skip
    except VerdictError as error:
        return undecided(str(error), prompt=PAIR.label)
    labels = {"first": "win", "second": "loss", "tie": "tie"}
    by_order = goes_by_order(verdict.value, verdict.consistent)
    label = "undecided: position bias" if by_order else labels[verdict.winner]
    return Score(verdict.value, label, verdict.reasons[0], {
        "prompt": PAIR.label,
        "consistent": verdict.consistent,
        "took_first": verdict.took_first,
        "position_bias": by_order,
        "rounds": verdict.rounds,
        "failures": list(verdict.failures),
    })  # fmt: skip


CHECKS = """Does the answer address the question that was asked?
Does the answer say only what the passages say?
Could the person act on the answer without asking again?"""
_REPEAT = Option("repeat", "Times to ask", "whole", 1, minimum=1)
_TITLE = Option("about", "Its name on pages", "text", "")
_ANSWERED = frozenset({Need.QUESTION, Need.ANSWER, Need.MODEL})
_JUDGE = "Zheng et al., 2023 (MT-Bench)"
EVALUATORS = (
    Evaluator(
        "judge_rubric", "Judge: rubric",
        "A model grades the answer from 1 to 5 by a criterion and a rubric.",
        "judge", _ANSWERED, f"{_JUDGE}; Liu et al., 2023 (G-Eval)", judge=_by_rubric,
        low=1.0, high=5.0, version=2,
        settings=(
            _TITLE,
            Option("criterion", "Criterion", "text", CRITERION),
            Option("rubric", "Rubric, 1 to 5", "text", SCALE),
            Option("good_example", "A good answer", "text", ""),
            Option("bad_example", "A bad answer", "text", ""),
            Option("passages", "Show the passages", "flag", False),
            _REPEAT,
        ),
    ),
    Evaluator(
        "judge_groundedness", "Judge: groundedness",
        "A model grades from 1 to 5 whether the answer follows from the retrieved passages.",
        "judge", _ANSWERED | {Need.RETRIEVED}, "Es et al., 2023 (Ragas), as a rubric",
        judge=_by_grounding, low=1.0, high=5.0, settings=(_REPEAT,), version=2,
    ),
    Evaluator(
        "judge_checklist", "Judge: checklist",
        "A model answers your yes/no questions about the answer; the score is the share of yes.",
        "judge", _ANSWERED, "Lin et al., 2024 (WildBench); Cook et al., 2024 (TICK)",
        judge=_by_checklist, check=_check_questions,
        settings=(
            _TITLE,
            Option("questions", "Questions, one a line", "text", CHECKS, maximum=6_000),
            Option("passages", "Show the passages", "flag", True),
            _REPEAT,
        ),
    ),
    Evaluator(
        "judge_task", "Judge: task completed",
        "A model says whether the person's task is done at the end of the conversation; beside it "
        "stands after how many turns.",
        "judge", _ANSWERED, "Walker et al., 1997 (PARADISE); Yao et al., 2024 (τ-bench)",
        judge=_by_task,
    ),
    Evaluator(
        "judge_reference", "Judge: against the expected answer",
        "A model grades from 1 to 5 whether the answer says what the expected one says.",
        "judge", _ANSWERED | {Need.EXPECTED_ANSWER}, _JUDGE, judge=_by_reference,
        low=1.0, high=5.0, settings=(_REPEAT,), version=2,
    ),
    Evaluator(
        "judge_pair", "Judge: preferred to another answer",
        "A model says which is better, this answer or another one (the expected one, if the "
        "example has no other), in both orders: 1 is a win, 0.5 a tie.",
        "judge", _ANSWERED, f"{_JUDGE}; swap: Wang et al., 2023", judge=_by_pair,
        settings=(Option("swap", "Ask in both orders", "flag", True), _REPEAT),
        version=2,
    ),
)  # fmt: skip
