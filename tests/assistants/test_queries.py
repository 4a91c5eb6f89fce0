"""What is searched for: by rules, by a model, and as the person says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from apps.assistants.answering.outcome import Turn
from apps.assistants.answering.queries import Ask, Queries, plan_queries, read_list, split_question
from apps.retrieval.search.profiles import RetrievalProfile
from inference.errors import ModelError
from inference.types import ChatMessage

HISTORY = [Turn("How many days of annual leave do employees get?", "25 days [1].")]


def answers(**texts: str) -> Ask:
    """A model that answers each purpose with its text, and fails at the others."""

    async def ask(name: str, messages: Sequence[ChatMessage]) -> str:
        purpose = name.removeprefix("query:")
        if purpose not in texts:
            raise ModelError("unreachable", "Nobody answers.")
        return texts[purpose]

    return ask


async def test_a_question_on_its_own_is_searched_as_it_is() -> None:
    question = "Who approves travel?"

    queries = await plan_queries(question, history=HISTORY, profile=RetrievalProfile())

    assert queries == Queries(question)
    assert not queries.differs_from(question)


async def test_rules_complete_a_follow_up() -> None:
    queries = await plan_queries("And next year?", history=HISTORY, profile=RetrievalProfile())

    assert queries.text == f"{HISTORY[0].question} And next year?"
    off = RetrievalProfile(rewrite="off")
    assert await plan_queries("And next year?", history=HISTORY, profile=off) == Queries(
        "And next year?"
    )


async def test_a_model_rewrites_takes_apart_and_imagines() -> None:
    profile = RetrievalProfile(rewrite="model", decompose="model", expand="model", hyde=True)
    ask = answers(
        rewrite="How much leave\nnext year?", parts='Sure: ["Leave in 2027?", "Who decides?"]',
        words="vacation holiday", passage="Employees get 26 days.",
    )  # fmt: skip

    queries = await plan_queries("And then?", history=HISTORY, profile=profile, ask=ask)

    text = "How much leave next year?"
    assert queries == Queries(
        text,
        ("Leave in 2027?", "Who decides?", f"{text} vacation holiday", "Employees get 26 days."),
    )


async def test_a_model_that_fails_leaves_it_to_the_rules() -> None:
    profile = RetrievalProfile(rewrite="model", hyde=True)

    failed = await plan_queries("Why?", history=HISTORY, profile=profile, ask=answers())
    absent = await plan_queries("Why?", history=HISTORY, profile=profile, ask=None)

    assert failed.text == absent.text == f"{HISTORY[0].question} Why?"
    assert failed.also == ()
    assert failed.note == "The model did not help with the search: Nobody answers."


async def test_what_the_person_gives_is_searched_and_nothing_else() -> None:
    profile = RetrievalProfile(rewrite="model", hyde=True)

    queries = await plan_queries(
        "And then?", history=HISTORY, profile=profile, ask=answers(), chosen="carry-over of leave"
    )

    assert queries == Queries("carry-over of leave")


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("How long is the notice period?", []),
        ("Who was born in Paris and London?", []),
        ("How many days are there? Who approves them?",
         ["How many days are there?", "Who approves them?"]),
        ("Who approves travel and how is it paid?", ["Who approves travel", "how is it paid"]),
        ("Which film came out first, Blade Runner or The Thing?",
         ["Which film came out first Blade Runner", "Which film came out first The Thing"]),
        ("What is the difference between plan A and plan B?", ["plan A", "plan B"]),
        ("休暇は何日ですか？誰が承認しますか？", ["休暇は何日ですか？", "誰が承認しますか？"]),
    ],
)  # fmt: skip
def test_questions_are_taken_apart_by_rules(question: str, parts: list[str]) -> None:
    assert split_question(question) == parts


def test_lists_are_found_in_what_a_model_says() -> None:
    assert read_list('["a", " ", 3, "b"]') == ["a", "b"]
    assert read_list("none") == read_list("[broken") == read_list("[]") == []
    assert read_list('["1","2","3","4","5"]') == ["1", "2", "3", "4"]
