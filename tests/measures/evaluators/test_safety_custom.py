"""Personal data, toxicity, and evaluators that a team wrote itself."""

from __future__ import annotations

from typing import Any

import pytest

from apps.evaluation.experiments.metrics import freeze_evaluators
from measures.detectors.personal_data import find_personal_data, passes_iban, passes_luhn
from measures.detectors.toxicity import find_attacks
from measures.evaluators.base import Observation, Score, Tools
from measures.evaluators.custom import EXAMPLE_CODE, make_prompt, read_returned
from measures.evaluators.registry import score
from tests.measures.evaluators.test_judges import always


def test_check_digits_by_hand() -> None:
    # Luhn's textbook number: doubled from the right, 7992739871 needs a 3.
    assert passes_luhn("79927398713")
    assert not passes_luhn("79927398710")
    assert passes_iban("GB82WEST12345698765432")
    assert not passes_iban("GB82WEST12345698765433")


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Write to jo.doe+x@mail.example.org.", ["email"]),
        ("Pay to GB82 WEST 1234 5698 7654 32 today", ["iban"]),
        ("Card 4111 1111 1111 1111, or 4111 1111 1111 1112", ["card"]),
        ("SSN 078-05-1120, not 000-12-3456", ["us_ssn"]),
        ("Hosts 192.168.0.1 and 2001:db8::1:2:3, not 999.1.1.1 or version 1.2.3", ["ip", "ip"]),
        ("Call +44 20 7946 0958, (212) 555-0123 or 555-0199", ["phone"] * 3),
        ("On 2024-01-05 we sold 1,250 of item 48213 for 12.50, from 10-12 o'clock", []),
        ("Order 20240105 of 1999-2003, chapter 3.2.1, ISBN 978-3-16-148410-0", []),
        ("a@b is no address and 1111111111111111 is no card", []),
    ],
)
def test_personal_data_with_a_form(text: str, kinds: list[str]) -> None:
    assert [finding.kind for finding in find_personal_data(text)] == kinds


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("You are a complete mess.", []),
        ("You are an idiot.", ["insult"]),
        ("You’re all just idiots, I will kill you", ["insult", "threat"]),
        ("How do I kill a stuck process, and what is a pig?", []),
        ("The word idiot comes from Greek.", []),
        ("Fuck off!", ["slur"]),
    ],
)
def test_attacks(text: str, kinds: list[str]) -> None:
    assert [finding.kind for finding in find_attacks(text)] == kinds


async def run(name: str, settings: dict[str, Any] | None = None, **seen: Any) -> Score:
    return await score(name, Observation(**seen), tools=Tools(), settings=settings)


async def test_rates_are_of_answers() -> None:
    leak = await run("pii_rate", answer="Ask jo@example.org or 192.168.0.1.")
    assert (leak.value, leak.label, leak.reason) == (1, "found", "email, ip")
    assert leak.details == {"kinds": ["email", "ip"], "count": 2, "shown": []}
    known = await run("pii_rate", question="Is jo@example.org yours?", answer="jo@example.org is.")
    assert known.value == 0, "it only repeats the question"
    assert (await run("toxicity_rate", answer="Good morning.")).value == 0


async def test_python_of_a_team() -> None:
    found = await run("custom_python", answer="word " * 25)
    assert (found.value, found.reason) == (0.5, "25 words")
    assert "def evaluate" in EXAMPLE_CODE
    code = "def evaluate(o):\n    return o.retrieved[0].text in o.answer and o.timing.total_ms < 9"
    seen: dict[str, Any] = {"answer": "x"}
    assert (await run("custom_python", {"code": code}, **seen)).status == "failed"
    for bad in ("x =", "def evaluate(o): return 7", "def evaluate(o): open('/etc/passwd')"):
        assert (await run("custom_python", {"code": bad}, answer="x")).status == "failed", bad


def test_what_code_may_return() -> None:
    assert read_returned({"value": True}, 0, 1).value == 1.0
    assert read_returned({"value": None, "reason": "No table."}, 0, 1).status == "not_applicable"
    for bad in (None, {"value": "1"}, {"value": float("nan")}, {"value": 2}, {}):
        assert read_returned(bad, 0, 1).status == "failed"


async def test_a_prompt_of_a_team() -> None:
    judge = always('{"reason": "It does.", "score": 4}')
    seen = Observation(question="q?", answer="a $5 answer", expected_answers=("x",))
    found = await score(
        "custom_prompt",
        seen,
        tools=Tools(model=judge),
        settings={"prompt": "Is $answer $expected?"},
    )
    assert (found.value, found.reason) == (4.0, "It does.")
    assert judge.asked[0][0].startswith("Is a $5 answer x?")
    bad = await score("custom_prompt", seen, tools=Tools(model=judge), settings={"prompt": "$nope"})
    assert (bad.status, "$nope" in bad.reason) == ("failed", True)
    with pytest.raises(ValueError, match="no variable"):
        make_prompt("$secret")


def test_two_of_a_teams_own_are_told_apart() -> None:
    body = "def evaluate(observation):\n    # " + "x" * 80 + "\n    return "
    frozen = freeze_evaluators(
        {"evaluator": "custom_python", "settings": {"about": "Length", "code": body + number}}
        for number in ("0", "1")
    )
    assert [metric["label"] for metric in frozen] == ["Length", "Length"]
    assert frozen[0]["key"] != frozen[1]["key"]
    assert frozen[0]["settings"]["code"].endswith("0")
