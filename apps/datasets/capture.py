"""Examples from real use: chat answers, and the feedback on them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db import transaction

from apps.assistants.answering.snapshots import read_cited
from apps.chat.access import shows_turns_before
from apps.chat.models import Message, RetrievedPassage
from apps.chat.selectors import list_history
from apps.core.citations import remove_citations
from apps.datasets.examples import (
    MAX_ANSWER,
    MAX_PASSAGE,
    MAX_QUESTION,
    MAX_TURNS,
    ExampleFields,
    ExpectedPassage,
)
from apps.datasets.models import Dataset, Example, ReviewState, SourceKind
from apps.datasets.selectors import find_by_source
from apps.datasets.services import ExampleSource, add_example, lock_draft
from apps.feedback.models import Feedback, Rating, Reason
from apps.workspaces.services import Actor

_BEFORE_MARK = re.compile(r"[ \t]+(?=[.,;:!?]|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Captured:
    """The example, and whether it was there before."""

    example: Example
    is_new: bool


@transaction.atomic
def capture_answer(dataset: Dataset, *, answer: Message, actor: Actor) -> Captured:
    """Put a chat's question with its answer and cited passages into the draft, once.

    An answer that says it found nothing becomes an example that the documents do not answer.
    Raises ValueError for a message that is no answer, TooManyError.
    """
    lock_draft(dataset)
    known = find_by_source(dataset, kind=SourceKind.CHAT, source_id=str(answer.pk))
    if known is not None:
        return Captured(known, is_new=False)
    text = "" if answer.is_declined else strip_citations(answer.content)
    fields = _fields(answer, actor, expected=text, is_answerable=not answer.is_declined)
    source = ExampleSource(SourceKind.CHAT, str(answer.pk), _note(answer))
    return Captured(add_example(dataset, fields=fields, actor=actor, source=source), is_new=True)


@transaction.atomic
def capture_feedback(dataset: Dataset, *, feedback: Feedback, actor: Actor) -> Captured:
    """Put a rated answer into the draft, once, with the correction as the expected answer.

    After a thumb down without a correction it waits for review, because nobody has said yet what
    would be right. Raises TooManyError.
    """
    lock_draft(dataset)
    known = find_by_source(dataset, kind=SourceKind.FEEDBACK, source_id=str(feedback.pk))
    if known is not None:
        return Captured(known, is_new=False)
    answer = feedback.message
    is_good = feedback.rating == Rating.UP
    expected = feedback.correction
    if is_good and not expected and not answer.is_declined:
        expected = strip_citations(answer.content)
    missing = feedback.reason == Reason.NOT_IN_DOCUMENTS or (is_good and answer.is_declined)
    fields = _fields(
        answer,
        actor,
        expected=expected,
        is_answerable=bool(expected) or not missing,
        with_passages=feedback.reason != Reason.BAD_SOURCE,
    )
    example = add_example(
        dataset,
        fields=fields,
        actor=actor,
        source=ExampleSource(SourceKind.FEEDBACK, str(feedback.pk), _note(answer)),
        state=ReviewState.ACCEPTED if is_good or feedback.correction else ReviewState.PROPOSED,
    )
    return Captured(example, is_new=True)


def strip_citations(text: str) -> str:
    """The answer without its [n]."""
    return _BEFORE_MARK.sub("", remove_citations(text)).strip()


def _fields(
    answer: Message,
    actor: Actor,
    *,
    expected: str,
    is_answerable: bool,
    with_passages: bool = True,
) -> ExampleFields:
    if answer.author != Message.Author.ASSISTANT or answer.question is None:
        raise ValueError("Only an answer can become an example.")
    turns = []
    if shows_turns_before(answer, user=actor.user):
        turns = list_history(answer.conversation, before=answer.question)[-MAX_TURNS:]
    # What was attached to a conversation stays there: a dataset is read by the whole workspace.
    passages = answer.passages.select_related("document").filter(
        is_cited=True, document__collection__is_private=False
    )
    return ExampleFields(
        question=answer.question.content.strip()[:MAX_QUESTION],
        expected_answer=expected[:MAX_ANSWER],
        expected_passages=tuple(_passage(passage) for passage in passages.order_by("number"))
        if with_passages and is_answerable
        else (),
        is_answerable=is_answerable,
        history=tuple(
            (turn.question[:MAX_QUESTION], strip_citations(turn.answer)[:MAX_ANSWER])
            for turn in turns
        ),
    )


def _passage(passage: RetrievedPassage) -> ExpectedPassage:
    """The cited sentences, or the whole passage if they are not known."""
    start, end, text = read_cited(passage)
    return ExpectedPassage(
        text=text[:MAX_PASSAGE],
        document_id=str(passage.document_id),
        document_name=passage.document.name,
        start=start,
        end=end,
    )


def _note(answer: Message) -> str:
    release = f", release {answer.release.number}" if answer.release else ""
    return f"{answer.conversation.assistant.name}{release}"
