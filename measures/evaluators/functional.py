"""Functional correctness: does the code in an answer work? Python with tests, SQL with data."""

from __future__ import annotations

import re
from collections.abc import Callable
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
from measures.sandbox.runner import SandboxError, run_sandboxed

_BLOCK = re.compile(r"```([\w+-]*)[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)
_NEEDS = frozenset({Need.ANSWER, Need.TESTS, Need.SANDBOX})
MAX_SAMPLES = 50


def pass_at_k(samples: int, correct: int, k: int) -> float | None:
    """Chance that one of k samples is right: 1 - C(n - c, k) / C(n, k) (Chen et al., 2021).

    Unbiased, unlike 1 - (1 - c/n)^k. ``None`` when there are fewer than k samples.
    """
    if not 0 <= correct <= samples or k < 1:
        raise ValueError(f"{correct} of {samples} samples, k = {k}")
    if samples < k:
        return None
    missed = 1.0
    for index in range(samples - correct + 1, samples + 1):
        missed *= 1 - k / index
    return 1 - missed if samples - correct >= k else 1.0


def extract_code(answer: str, *, languages: tuple[str, ...]) -> str:
    """The last fenced block in one of the languages, else the last without one, else all of it."""
    blocks = [(language.lower(), code) for language, code in _BLOCK.findall(answer)]
    for kinds in (languages, ("",)):
        for language, code in reversed(blocks):
            if language in kinds:
                return str(code)
    return answer


def _score_samples(
    observation: Observation, tools: Tools, run: Callable[[str], dict[str, Any]]
) -> Score:
    more = observation.extra.get("samples")
    samples = [observation.verbatim, *(str(text) for text in more or [])][:MAX_SAMPLES]
    # A sample alone is one repetition of an experiment, which joins them to pass@k.
    k = tools.settings["k"] if len(samples) > 1 else 1
    if len(samples) < k:
        return not_applicable(f"There are only {len(samples)} samples.")
    outcomes = []
    for sample in samples:
        try:
            outcomes.append(run(sample))
        except SandboxError as error:
            if "safely" in str(error):
                return failed(str(error))
            outcomes.append({"passed": False, "error": str(error)})
    if any(outcome.get("where") == "expected" for outcome in outcomes):
        return failed(f"The example itself does not run: {outcomes[0].get('error')}")
    correct = sum(outcome.get("passed") is True for outcome in outcomes)
    value = pass_at_k(len(samples), correct, k)
    assert value is not None
    errors = [str(outcome["error"]) for outcome in outcomes if outcome.get("error")]
    label = ("fail", "pass")[int(correct > 0)] if len(samples) == 1 else ""
    return Score(value, label, errors[0] if errors else "", {
        "samples": len(samples), "correct": correct, "printed": outcomes[0].get("printed", ""),
    })  # fmt: skip


def _python(observation: Observation, tools: Tools) -> Score:
    tests = observation.extra.get("tests")
    if not isinstance(tests, str) or not tests.strip():
        return not_applicable("The example has no tests.")

    def run(answer: str) -> dict[str, Any]:
        code = extract_code(answer, languages=("python", "py", "python3"))
        return run_sandboxed("python", {"code": code, "tests": tests})

    return _score_samples(observation, tools, run)


def _sql(observation: Observation, tools: Tools) -> Score:
    setup = observation.extra.get("setup")
    if not isinstance(setup, str) or not observation.expected_answers:
        return not_applicable("The example has no tables or no expected query.")
    expected = observation.expected_answers

    def run(answer: str) -> dict[str, Any]:
        query = extract_code(answer, languages=("sql", "sqlite"))
        outcomes = [
            run_sandboxed("sql", {"setup": setup, "query": query, "expected": text})
            for text in expected
        ]
        return next((outcome for outcome in outcomes if outcome.get("passed")), outcomes[0])

    return _score_samples(observation, tools, run)


_SETTINGS = (
    Option("k", "Tries of which one must be right (k): repeats, or samples", "whole", 1, minimum=1),
)
EVALUATORS = (
    Evaluator(
        "python_tests", "Python tests, pass@k",
        "The Python in the answer passes the example's tests, run in a sandbox.",
        "answer", _NEEDS, "Chen et al., 2021 (HumanEval)", _python, settings=_SETTINGS,
        version=2,
    ),
    Evaluator(
        "sql_execution", "SQL execution, pass@k",
        "The query in the answer gives the same rows as the expected one, on the example's "
        "tables, run by SQLite in a sandbox.",
        "answer", _NEEDS | {Need.EXPECTED_ANSWER}, "Execution accuracy: Zhong et al., 2017; "
        "pass@k: Chen et al., 2021", _sql, settings=_SETTINGS, version=2,
    ),
)  # fmt: skip
