"""Datasets: the draft that people edit, and the versions that nobody can."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from apps.datasets.examples import ExampleFields, ExpectedPassage
from apps.datasets.models import DatasetVersion, Example, ReviewState, SourceKind
from apps.datasets.services import (
    ExampleSource,
    FrozenError,
    NameTakenError,
    NothingToFreezeError,
    add_example,
    create_dataset,
    forget_document,
    freeze,
    remove_example,
    review_example,
    update_example,
)
from apps.workspaces.services import Actor

pytestmark = pytest.mark.django_db
ANONYMOUS = Actor()


@pytest.fixture
def dataset(workspace: Any) -> Any:
    return create_dataset(workspace, name="Leave", actor=ANONYMOUS)


def ask(question: str, **values: Any) -> ExampleFields:
    return ExampleFields(question=question, **values)


def questions(version: DatasetVersion) -> list[str]:
    return list(version.examples.order_by("position").values_list("question", flat=True))


def test_a_new_dataset_has_an_empty_draft(dataset: Any) -> None:
    [draft] = dataset.versions.all()
    assert (draft.number, draft.frozen_at, draft.is_draft) == (0, None, True)


def test_names_are_unique_in_a_workspace_only(workspace: Any, other_workspace: Any) -> None:
    create_dataset(workspace, name="Leave", actor=ANONYMOUS)
    create_dataset(other_workspace, name="Leave", actor=ANONYMOUS)
    with pytest.raises(NameTakenError):
        create_dataset(workspace, name="Leave", actor=ANONYMOUS)


def test_freezing_copies_what_is_accepted_and_the_draft_goes_on(dataset: Any) -> None:
    first = add_example(dataset, fields=ask("How long?"), actor=ANONYMOUS)
    add_example(dataset, fields=ask("Perhaps?"), actor=ANONYMOUS, state=ReviewState.PROPOSED)
    version = freeze(dataset, actor=ANONYMOUS, note="first")
    assert (version.number, version.num_examples, version.note) == (1, 1, "first")
    [copy] = version.examples.all()
    assert copy.key == first.key
    assert copy.pk != first.pk
    update_example(first, fields=ask("How many days?"), actor=ANONYMOUS)
    add_example(dataset, fields=ask("Who pays?"), actor=ANONYMOUS)
    second = freeze(dataset, actor=ANONYMOUS)
    assert questions(version) == ["How long?"]
    assert questions(second) == ["How many days?", "Who pays?"]
    assert questions(dataset.versions.get(number=0)) == ["How many days?", "Perhaps?", "Who pays?"]


def test_what_is_frozen_cannot_be_changed(dataset: Any) -> None:
    add_example(dataset, fields=ask("How long?"), actor=ANONYMOUS)
    [frozen] = freeze(dataset, actor=ANONYMOUS).examples.select_related("version")
    with pytest.raises(FrozenError):
        update_example(frozen, fields=ask("Longer?"), actor=ANONYMOUS)
    with pytest.raises(FrozenError):
        remove_example(frozen)
    with pytest.raises(FrozenError):
        review_example(frozen, state=ReviewState.REJECTED, actor=ANONYMOUS)
    assert Example.objects.get(pk=frozen.pk).question == "How long?"


def test_an_empty_draft_cannot_be_frozen(dataset: Any) -> None:
    add_example(dataset, fields=ask("No?"), actor=ANONYMOUS, state=ReviewState.REJECTED)
    with pytest.raises(NothingToFreezeError):
        freeze(dataset, actor=ANONYMOUS)


def test_an_example_keeps_everything(dataset: Any, owner: Any) -> None:
    fields = ExampleFields(
        question="Wie viele Tage?",
        expected_answer="25 Tage.",
        other_answers=("Fünfundzwanzig",),
        expected_passages=(ExpectedPassage("25 Tage Urlaub", "d1", "a.md", 4, 18),),
        is_answerable=True,
        context="Vollzeit",
        history=(("Hallo", "Guten Tag"),),
        tags=("urlaub",),
    )
    example = add_example(
        dataset,
        fields=fields,
        actor=Actor(user=owner),
        source=ExampleSource(SourceKind.CHAT, "m1", "Desk"),
    )
    example.refresh_from_db()
    assert example.expected_passages == [
        {
            "document_id": "d1",
            "document_name": "a.md",
            "start": 4,
            "end": 18,
            "text": "25 Tage Urlaub",
        }
    ]
    assert example.history == [{"question": "Hallo", "answer": "Guten Tag"}]
    assert (example.language, example.tags) == ("de", ["urlaub"])
    assert (example.source_kind, example.source_id, example.source_note) == ("chat", "m1", "Desk")
    assert example.created_by == owner


def test_the_words_of_a_deleted_document_go_everywhere(dataset: Any) -> None:
    gone, kept = uuid4(), uuid4()
    passages = (
        ExpectedPassage("secret", str(gone), "a.md", 4, 10),
        ExpectedPassage("fine", str(kept), "b.md"),
    )
    add_example(dataset, fields=ask("What?", expected_passages=passages), actor=ANONYMOUS)
    add_example(dataset, fields=ask("Other?"), actor=ANONYMOUS)
    freeze(dataset, actor=ANONYMOUS)
    assert forget_document(gone) == 2
    for example in Example.objects.filter(question="What?"):
        assert [passage["text"] for passage in example.expected_passages] == ["", "fine"]
        assert example.expected_passages[0]["start"] == 4
