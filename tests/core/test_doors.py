"""Doors: who answers, in the right types, and what the system check says of those that do not."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import pytest

import apps.assistants.doors
import apps.documents.doors
import apps.gateway.doors
import apps.prompts.doors
import apps.retrieval.doors
import apps.traces.doors
import apps.workspaces.doors
from apps.assistants.selectors import list_endpoint_uses, list_prompt_uses, name_assistants
from apps.chat.asking.files import owns_files
from apps.chat.selectors import count_citations, list_recent_questions
from apps.chat.traced import describe_answer, may_read_answer
from apps.chunking.selectors import locate_passage
from apps.core import doors
from apps.core.doors import DOORS, Door, DoorError, SharedDoor, check_doors, door, fits, shared_door
from apps.documents.storage import remove_workspace_blobs
from apps.evaluation.gates.rules import check_release
from apps.gateway.embedding_models import list_embedding_models, open_embedding_model
from apps.guide.steps import choose_start_page
from apps.retrieval.indexes.selectors import count_model_uses
from apps.retrieval.passages.relabel import follow_labels
from workers.dispatch import send_jobs

P = ParamSpec("P")
R = TypeVar("R")
HERE = "tests.core.test_doors"


def leads_to(known: Door[P, R] | SharedDoor[P, R], answer: Callable[P, R]) -> str:
    """The door's name, if it leads there; that the types agree, mypy sees."""
    return known.name if answer in known.list_answers() else f"{known.name} leads elsewhere"


def test_every_door_leads_where_it_should() -> None:
    names = {
        leads_to(doors.send_jobs, send_jobs),
        leads_to(doors.open_embedding_model, open_embedding_model),
        leads_to(doors.list_embedding_models, list_embedding_models),
        leads_to(apps.workspaces.doors.remove_workspace_files, remove_workspace_blobs),
        leads_to(apps.workspaces.doors.choose_start_page, choose_start_page),
        leads_to(apps.documents.doors.count_citations, count_citations),
        leads_to(apps.documents.doors.name_assistants, name_assistants),
        leads_to(apps.documents.doors.locate_passage, locate_passage),
        leads_to(apps.documents.doors.follow_labels, follow_labels),
        leads_to(apps.documents.doors.owns_files, owns_files),
        leads_to(apps.prompts.doors.list_prompt_uses, list_prompt_uses),
        leads_to(apps.gateway.doors.count_model_uses, count_model_uses),
        leads_to(apps.gateway.doors.list_endpoint_uses, list_endpoint_uses),
        leads_to(apps.retrieval.doors.list_recent_questions, list_recent_questions),
        leads_to(apps.traces.doors.describe_subject, describe_answer),
        leads_to(apps.traces.doors.may_read_subject, may_read_answer),
        leads_to(apps.assistants.doors.check_release, check_release),
    }
    assert names == set(DOORS)
    assert check_doors() == []


def test_every_door_says_what_it_is_for() -> None:
    for name, known in DOORS.items():
        assert known.purpose.endswith("."), name
        assert known.signature.return_annotation is not inspect.Signature.empty, name


# Doors of the tests' own


def double(number: int) -> int:
    return 2 * number


def triple(number: int, *, more: int = 0) -> int:
    return 3 * number + more


def shout(text: str) -> str:
    return text.upper()


@pytest.fixture
def one() -> Iterator[Door[[int], int]]:
    @door(answered_by="tests")
    def ask_one(number: int) -> int:
        """What becomes of a number."""
        raise NotImplementedError

    yield ask_one
    del DOORS[ask_one.name]


@pytest.fixture
def many() -> Iterator[SharedDoor[[int], int]]:
    @shared_door(answered_by=("tests",))
    def ask_many(number: int) -> int:
        """What may become of a number."""
        raise NotImplementedError

    yield ask_many
    del DOORS[ask_many.name]


def faults() -> list[tuple[str | None, str]]:
    return [(fault.id, fault.msg) for fault in check_doors()]


def test_an_empty_door_is_an_error_when_it_is_asked_and_at_start(one: Door[[int], int]) -> None:
    assert one.name == f"{HERE}.ask_one"
    with pytest.raises(DoorError, match="ask_one is empty: tests should have filled it"):
        one(3)
    assert faults() == [("doors.E001", f"{HERE}.ask_one is empty: tests should have filled it.")]


def test_a_filled_door_asks_its_answer(one: Door[[int], int]) -> None:
    one.fill(f"{HERE}.double")

    assert one(3) == 6
    assert one.list_answers() == (double,)
    assert faults() == []
    one.fill(f"{HERE}.double")
    with pytest.raises(DoorError, match="filled already"):
        one.fill(f"{HERE}.triple")


def test_a_test_can_put_another_answer_behind_a_door(one: Door[[int], int]) -> None:
    one.fill(f"{HERE}.double")

    with one.override(triple):
        assert one(3) == 9
        with one.override(double):
            assert one(3) == 6
        assert one(3) == 9
    assert one(3) == 6


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        (f"{HERE}.nobody", 'does not define a "nobody"'),
        ("tests.nowhere.double", "No module named 'tests.nowhere'"),
        (f"{HERE}.shout", f"is called as (number: 'int') -> 'int', which {HERE}.shout"),
        ("apps.core.formats.format_count", "is answered by tests, not by apps.core.formats"),
    ],
)
def test_the_check_names_a_door_that_leads_nowhere_or_does_not_fit(
    one: Door[[int], int], path: str, fault: str
) -> None:
    one.fill(path)

    assert any(fault in message for _, message in faults()), faults()


def test_a_shared_door_has_any_number_of_answers(many: SharedDoor[[int], int]) -> None:
    assert many.list_answers() == ()
    assert faults() == []

    many.add(f"{HERE}.double")
    many.add(f"{HERE}.triple")
    many.add(f"{HERE}.double")

    assert [answer(5) for answer in many.list_answers()] == [10, 15]
    assert faults() == []
    with many.override(triple):
        assert [answer(5) for answer in many.list_answers()] == [15]
    with many.override():
        assert many.list_answers() == ()
    many.add(f"{HERE}.shout")
    [(code, message)] = faults()
    assert code == "doors.E002"
    assert message.endswith(f"which {HERE}.shout does not take.")


def test_settings_cannot_name_a_door_that_is_not_there(settings: Any) -> None:
    settings.DOORS = {"core.send_pigeons": "workers.dispatch.send_jobs"}

    with pytest.raises(DoorError, match=r"core\.send_pigeons, and there is no such door"):
        doors.open_doors()


def ask(kind: str, ids: list[UUID], *, limit: int) -> None:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("answer", "is_right"),
    [
        (lambda kind, ids, *, limit: None, True),
        (lambda kind, ids, limit=3, more=4: None, True),
        (lambda *rest, **more: None, True),
        (lambda kind, ids: None, False),
        (lambda kind, ids, *, limit, more: None, False),
        (lambda kind, numbers, *, limit: None, False),
        (lambda kind, ids, /, *, limit: None, False),
        (lambda *, kind, ids, limit: None, False),
    ],
)
def test_whether_a_function_can_be_called_as_a_door_is(
    answer: Callable[..., None], is_right: bool
) -> None:
    assert fits(answer, inspect.signature(ask)) is is_right
