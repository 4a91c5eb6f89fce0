"""Multiple choice, formats, speed, cost and perplexity."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from measures.evaluators.base import Observation, Score, Timing, Tools
from measures.evaluators.choices import find_option, read_choice
from measures.evaluators.perplexity import bits_per_byte, cross_entropy, perplexity
from measures.evaluators.registry import all_evaluators, score
from measures.evaluators.speed import time_per_output_token

ROOT = Path(__file__).resolve().parents[3]
OPTIONS = ["Paris", "Rome", "New York", "York"]


@pytest.mark.parametrize(
    ("answer", "index"),
    [
        ("B", 1),
        ("(b)", None),
        ("The answer is (B).", 1),
        ("First I thought the answer is A, but the answer is: **C**", 2),
        (r"So \boxed{D}", 3),
        ("B) Rome", 1),
        ("A. Paris is wrong.\nB. Rome is right.", None),
        ("It must be Rome, of course.", 1),
        ("New York", 2),
        ("york", 3),
        ("Paris or Rome", None),
        ("The answer is a matter of taste", None),
        ("I do not know", None),
    ],
)
def test_the_choice_that_an_answer_takes(answer: str, index: int | None) -> None:
    assert read_choice(answer, OPTIONS) == index


def test_the_expected_option() -> None:
    assert [find_option(text, OPTIONS) for text in ("b", "rome", "2", "9", "x")] == [
        1, 1, 1, None, None,
    ]  # fmt: skip


async def run(name: str, settings: dict[str, Any] | None = None, **seen: Any) -> Score:
    return await score(name, Observation(**seen), tools=Tools(), settings=settings)


async def test_multiple_choice() -> None:
    seen: dict[str, Any] = {"expected_answers": ("B",), "extra": {"choices": OPTIONS}}
    assert (await run("multiple_choice", answer="Answer: B", **seen)).value == 1
    assert (await run("multiple_choice", answer="Answer: A", **seen)).label == "fail"
    lost = await run("multiple_choice", answer="Who knows", **seen)
    assert (lost.value, lost.label) == (0, "no choice")
    assert (await run("multiple_choice", answer="B")).status == "not_applicable"


async def test_json() -> None:
    assert (await run("json_valid", answer='```json\n{"a": [1, null]}\n```')).value == 1
    for wrong in ("{'a': 1}", '{"a": NaN}', 'Here: {"a": 1}', ""):
        assert (await run("json_valid", answer=wrong)).value == 0, wrong
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    fits = await run("json_schema", {"schema": schema}, answer='{"n": 1}')
    assert fits.label == "pass"
    wrong_type = await run("json_schema", {"schema": schema}, answer='{"n": "1"}')
    assert wrong_type.value == 0
    assert "$.n" in wrong_type.reason
    own = await run("json_schema", {"schema": schema}, answer="1", extra={"schema": {"const": 1}})
    assert own.value == 1, "the example's own schema comes first"
    assert (await run("json_schema", answer="1")).status == "not_applicable"
    broken = await run("json_schema", {"schema": {"type": "nonsense"}}, answer="1")
    assert broken.status == "failed"
    remote = await run("json_schema", {"schema": {"$ref": "http://127.0.0.1:1/s"}}, answer="1")
    assert remote.status == "failed", "nothing is fetched"


async def test_patterns() -> None:
    assert (await run("regex", {"pattern": r"\d{3}"}, answer="call 123")).value == 1
    whole = {"pattern": r"\d{3}", "whole": True}
    assert (await run("regex", whole, answer="call 123")).value == 0
    assert (await run("regex", {"pattern": "("}, answer="x")).status == "failed"
    assert (await run("regex", answer="x")).status == "not_applicable"
    slow = await run("regex", {"pattern": r"^(\w+\s?)*$"}, answer="a" * 60 + "!")
    assert slow.status == "failed" or slow.value == 0


async def test_length() -> None:
    assert (await run("length", {"most": 3}, answer="one two three")).value == 1
    assert (await run("length", {"most": 2}, answer="one two three")).value == 0
    assert (await run("length", {"least": 4}, answer="one two three")).value == 0
    assert (await run("length", answer="one")).status == "not_applicable"


async def test_speed_and_cost() -> None:
    timing = Timing(first_token_ms=200, total_ms=1200, output_tokens=21)
    assert time_per_output_token(timing) == 50
    values = {name: (await run(name, timing=timing)).value for name in ("ttft", "tpot", "latency")}
    assert values == {"ttft": 200, "tpot": 50, "latency": 1200}
    assert (await run("tpot", timing=Timing(200, 1200, 1))).status == "not_applicable"
    assert (await run("cost", cost=0.002)).value == 0.002
    assert (await run("cost")).status == "not_applicable"


async def test_cross_entropy_and_bits_per_byte() -> None:
    """Tokens of 1 and of 3 bits: 2 bits each on average, 4 in all, over the 4 bytes of " aé"."""
    logprobs = (math.log(0.5), math.log(0.125))
    assert cross_entropy(logprobs) == pytest.approx(2 * math.log(2))
    assert math.exp(2 * math.log(2)) == pytest.approx(perplexity(logprobs))
    assert bits_per_byte(logprobs, " aé") == pytest.approx(1)
    assert cross_entropy([]) is None
    assert cross_entropy([1.0]) is None
    assert bits_per_byte(logprobs, "") is None
    seen: dict[str, Any] = {"prompt_logprobs": logprobs, "expected_answers": ("aé",)}
    assert (await run("bits_per_byte", **seen)).value == pytest.approx(1)
    assert (await run("cross_entropy", **seen)).value == pytest.approx(2 * math.log(2))
    assert (await run("bits_per_byte", expected_answers=("a",))).status == "not_applicable"
    assert (await run("cross_entropy", **seen | {"prompt_logprobs": (3.0,)})).status == "failed"


async def test_perplexity() -> None:
    # Every token had a chance of one in eight.
    assert perplexity([math.log(1 / 8)] * 5) == pytest.approx(8)
    assert perplexity([math.log(0.5), math.log(0.125)]) == pytest.approx(4)
    assert perplexity([]) is None
    assert perplexity([-5_000.0]) is None
    assert (await run("perplexity", prompt_logprobs=(math.log(0.25),))).value == pytest.approx(4)
    assert (await run("perplexity", prompt_logprobs=(3.0,))).status == "failed"


def test_every_evaluator_describes_itself() -> None:
    for name, evaluator in all_evaluators().items():
        assert evaluator.name == name
        assert evaluator.label
        assert evaluator.explanation.endswith("."), name
        assert evaluator.source, name
        assert evaluator.needs, name
        assert evaluator.fill({}) == {s.name: s.default for s in evaluator.settings}


async def test_an_empty_observation_breaks_nothing() -> None:
    for name in all_evaluators():
        found = await run(name)
        assert found.value is None or math.isfinite(found.value), name
        assert "Error" not in found.reason, (name, found.reason)


def test_a_score_is_finite_or_says_why_not() -> None:
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="finite"):
            Score(value)
    with pytest.raises(ValueError, match="cannot have"):
        Score(None)
    with pytest.raises(ValueError, match="cannot have"):
        Score(1.0, status="failed")


async def test_form_is_checked_as_it_was_written() -> None:
    seen: dict[str, Any] = {"answer": "[, 2]", "raw_answer": "[[1], 2]"}
    assert (await run("json_valid", **seen)).value == 1


def test_listing_evaluators_loads_no_heavy_library() -> None:
    code = (
        "import sys\n"
        "from measures.evaluators.registry import all_evaluators\n"
        "assert len(all_evaluators()) > 40\n"
        "heavy = {'django', 'jsonschema', 'rapidfuzz', 'regex', 'sacrebleu', 'scipy', 'sklearn'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
