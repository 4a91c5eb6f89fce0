from __future__ import annotations

import pytest

from apps.assistants.answering.rewriting import leans_on_history, rewrite_question


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("And for contractors?", True),
        ("What about it?", True),
        ("Why?", True),
        ("Can they carry it over?", True),
        ("How many days of annual leave does a full-time employee get?", False),
        ("Who approves travel?", False),
    ],
)
def test_follow_ups_are_recognised(question: str, expected: bool) -> None:
    assert leans_on_history(question) is expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        # An opening word: 8 words and 9.
        ("And who approves the travel of our contractors?", True),
        ("And who approves the travel of our foreign contractors?", False),
        # A pronoun: 14 words and 15.
        ("Which of the people in the Berlin office may carry their unused leave over?", True),
        ("Which of all the people in the Berlin office may carry their unused leave over?", False),
        # One word that says something: 4 words and 5; and two such words.
        ("What is the deadline?", True),
        ("What is the deadline for?", False),
        ("What is travel leave?", False),
    ],
)
def test_a_long_question_stands_on_its_own(question: str, expected: bool) -> None:
    assert leans_on_history(question) is expected


def test_a_follow_up_is_searched_with_its_topic() -> None:
    previous = ["How many days of annual leave do employees get?", "And for contractors?"]
    assert rewrite_question("Can they carry it over?", previous) == (
        "How many days of annual leave do employees get? Can they carry it over?"
    )


def test_a_full_question_is_left_alone() -> None:
    assert rewrite_question("Who approves travel?", ["How many days?"]) == "Who approves travel?"
    assert rewrite_question("Why?", []) == "Why?"
