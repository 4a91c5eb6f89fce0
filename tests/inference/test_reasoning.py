"""Reasoning is told from the answer however the stream is cut."""

from __future__ import annotations

import pytest

from inference.openai.reasoning import ReasoningSplitter, split_reasoning

ANSWER = "The valve opens at 7 bar [1]."
CASES = [
    (f"<think>\nWell [2]\n</think>\n\n{ANSWER}", ANSWER, True),
    (f"<THINKING>Well</THINKING>{ANSWER}", ANSWER, True),
    (f"Well, the user asks\n</think>\n\n{ANSWER}", ANSWER, True),
    ("<think>Well, it never", "", True),
    (
        "<|channel|>analysis<|message|>Well<|end|><|start|>assistant<|channel|>final<|message|>"
        f"{ANSWER}<|return|>",
        ANSWER,
        True,
    ),
    (f"analysisWe wellassistantfinal{ANSWER}", ANSWER, True),
    (f"[THINK]Well[/THINK]{ANSWER}", ANSWER, True),
    (f"◁think▷Well◁/think▷{ANSWER}", ANSWER, True),
    ("First.\n<think>Well</think>\nSecond [1].", "First.\n\nSecond [1].", True),
    ("The pump <think>Well</think>needs 12 [1].", "The pump needs 12 [1].", True),
    (f"<unused94>thought\nWell<unused95>{ANSWER}", ANSWER, True),
    (f"Here is my thought process: Well. Here is my response: {ANSWER}", ANSWER, True),
    (f"<|START_RESPONSE|>{ANSWER}<|END_RESPONSE|>", ANSWER, False),
    (f"{ANSWER}<|eot_id|></s>", ANSWER, False),
    # What only looks like it.
    (
        "It writes <think> before and </think> after its thought.",
        "It writes <think> before and </think> after its thought.",
        False,
    ),
    ("```xml\n<think>x</think>\n```", "```xml\n<think>x</think>\n```", False),
    ("<s>old</s>", "<s>old</s>", False),
    ("Tags: `<think>` and `</think>`.", "Tags: `<think>` and `</think>`.", False),
    ("```\n<think>\n</think>\n```\nSo.", "```\n<think>\n</think>\n```\nSo.", False),
    ("analysis of the valve", "analysis of the valve", False),
    ("7 < 9 [1] and x[0] <|end", "7 < 9 [1] and x[0] <|end", False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "answer", "has_reasoning"), CASES)
@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_streams(text: str, answer: str, has_reasoning: bool, size: int) -> None:
    splitter, said, thought = ReasoningSplitter(), "", ""
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    for piece in [*map(splitter.feed, pieces), splitter.finish()]:
        said = piece.answer if piece.restart else said + piece.answer
        thought += piece.reasoning
    assert (said.strip(), bool(thought.strip())) == (answer, has_reasoning)


@pytest.mark.parametrize(("text", "answer", "has_reasoning"), CASES)
def test_whole_replies(text: str, answer: str, has_reasoning: bool) -> None:
    said, thought = split_reasoning(text)
    assert (said.strip(), bool(thought)) == (answer, has_reasoning)


def test_spaces_at_the_start_of_an_answer_stay() -> None:
    assert split_reasoning(" three, four") == (" three, four", "")
