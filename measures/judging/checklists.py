"""Checklists: yes/no questions about an answer, each decided by itself, and the share of yes.

Small questions that can be checked agree better with people than one grade (Lin et al., 2024,
WildBench; Cook et al., 2024, TICKing All the Boxes).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from inference.protocols import ChatModel
from measures.judging.prompts import CHECKLIST
from measures.judging.verdicts import VerdictError, ask, split_verdicts

MAX_QUESTIONS = 20
MAX_REASON = 300


@dataclass(frozen=True, slots=True)
class CheckedQuestion:
    """A question of a checklist: how often the judge said yes, 0 to 1, and its first reason."""

    question: str
    yes: float
    reason: str

    @property
    def answer(self) -> str:
        """What it said more often; "no" where it is even."""
        return "yes" if self.yes > 0.5 else "no"


def read_questions(text: str) -> list[str]:
    """One question a line, without numbering or bullets. Raises ValueError for none or too many."""
    lines = (line.strip().lstrip("-*•0123456789.) ").strip() for line in text.splitlines())
    questions = [line for line in lines if line]
    if not 1 <= len(questions) <= MAX_QUESTIONS:
        raise ValueError(
            f"A checklist has 1 to {MAX_QUESTIONS} questions, one a line, not {len(questions)}."
        )
    return questions


async def check_answer(
    model: ChatModel, questions: Sequence[str], values: Mapping[str, str], *, repeat: int = 1
) -> tuple[list[CheckedQuestion], list[float], list[str]]:
    """Ask all questions at once, ``repeat`` times side by side.

    Returns each question, the share of yes in each round that could be read, and why others are
    missing. The questions are empty when no round could be read.
    """
    numbered = "\n".join(f"{n}. {question}" for n, question in enumerate(questions, 1))
    prompt = replace(CHECKLIST, max_tokens=256 + 128 * len(questions))

    async def one(seed: int) -> list[tuple[bool, str]]:
        verdict = await ask(model, prompt, {**values, "questions": numbered}, seed=seed)
        return read_answers(verdict, len(questions))

    rounds, failures = split_verdicts(
        await asyncio.gather(*map(one, range(repeat)), return_exceptions=True)
    )
    if not rounds:
        return [], [], failures
    checked = [
        CheckedQuestion(question, fmean(answers[n][0] for answers in rounds), rounds[0][n][1])
        for n, question in enumerate(questions)
    ]
    shares = [fmean(is_yes for is_yes, _ in answers) for answers in rounds]
    return checked, shares, failures


def read_answers(verdict: Mapping[str, Any], count: int) -> list[tuple[bool, str]]:
    """(yes, reason) by the questions' numbers; raises ``VerdictError`` unless all are there."""
    rows = verdict.get("answers")
    answers: dict[int, tuple[bool, str]] = {}
    for row in rows if isinstance(rows, list) else []:
        said = str(row.get("answer", "")).strip().lower() if isinstance(row, dict) else ""
        number = row.get("number") if isinstance(row, dict) else None
        if said in ("yes", "no") and isinstance(number, int) and 1 <= number <= count:
            answers[number] = said == "yes", str(row.get("reason") or "")[:MAX_REASON]
    if missing := [str(n) for n in range(1, count + 1) if n not in answers]:
        raise VerdictError(f"The judge left questions open: {', '.join(missing)}.")
    return [answers[number] for number in range(1, count + 1)]
