"""How answers end in the database: whole, interrupted, withdrawn, or not at all."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from apps.assistants.answering.citations import Span
from apps.assistants.answering.pipeline import CitedPassage, Outcome
from apps.assistants.recipe import load_recipe
from apps.chat.models import Conversation, Message, MessageState, RetrievedPassage
from apps.chat.services import (
    WENT_AWAY,
    Asker,
    Ending,
    begin_answer,
    finish_answer,
    mark_interrupted_answers,
    plan_answer,
    withdraw_answers,
)
from apps.documents.models import Document
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.hits import Hit
from apps.retrieval.search.query import SearchQuery
from apps.traces.models import Trace
from apps.traces.recorder import Recorder
from tests.chat.helpers import QUESTION

pytestmark = pytest.mark.django_db
DONE = Ending(MessageState.DONE)


@pytest.fixture
def hit(reader_desk: Any) -> Hit:
    collections = reader_desk.current.collections.values_list("pk", flat=True)
    [found] = search(SearchQuery(reader_desk.workspace_id, list(collections), QUESTION)).hits
    return found


def begin(assistant: Any, user: Any, question: str = QUESTION) -> UUID:
    recipe = load_recipe(assistant.workspace_id, slug=assistant.slug)
    plan = plan_answer()
    asker = Asker(user_id=user.pk)
    begin_answer(plan, recipe=recipe, question=question, asker=asker, process="p")
    return plan.answer_id


def cite(hit: Hit, content: str = "20 days [1].") -> Outcome:
    passages = [CitedPassage(1, hit, Span(9, 47, 1.0))]
    return Outcome(content=content, passages=passages)


def finish(answer_id: UUID, outcome: Outcome, ending: Ending = DONE) -> MessageState | None:
    return finish_answer(answer_id, outcome=outcome, recorder=Recorder("answer"), ending=ending)


def test_an_answer_is_stored_once(reader_desk: Any, owner: Any, hit: Hit) -> None:
    answer_id = begin(reader_desk, owner)
    assert finish(answer_id, cite(hit)) == MessageState.DONE
    assert finish(answer_id, cite(hit, "Another end.")) is None
    answer = Message.objects.get(pk=answer_id)
    assert answer.content == "20 days [1]."
    passage = answer.passages.get()
    assert (passage.cited_start, passage.cited_end) == (9, 47)
    assert Trace.objects.get().pk == answer.trace_id


def test_text_that_postgres_cannot_hold_is_cleaned(reader_desk: Any, owner: Any, hit: Hit) -> None:
    answer_id = begin(reader_desk, owner, "Why\x00 \ud800?")
    finish(answer_id, cite(hit, "Because\x00 \udfff."), Ending(MessageState.DONE))
    answer = Message.objects.select_related("question").get(pk=answer_id)
    assert answer.question is not None
    assert (answer.question.content, answer.content) == ("Why \ufffd?", "Because \ufffd.")


def test_silent_processes_leave_interrupted_answers(reader_desk: Any, owner: Any) -> None:
    silent, alive = begin(reader_desk, owner), begin(reader_desk, owner)
    long_ago = timezone.now() - dt.timedelta(minutes=1)
    Message.objects.filter(pk=silent).update(heartbeat_at=long_ago)
    assert mark_interrupted_answers() == 1
    assert mark_interrupted_answers() == 0
    marked = Message.objects.get(pk=silent)
    assert (marked.state, marked.reason) == (MessageState.INTERRUPTED, WENT_AWAY)
    assert marked.finished_at is not None
    assert Message.objects.get(pk=alive).state == MessageState.STREAMING


def test_answers_that_quote_a_deleted_document_are_withdrawn(
    reader_desk: Any, owner: Any, hit: Hit
) -> None:
    quoting, declined = begin(reader_desk, owner), begin(reader_desk, owner)
    finish(quoting, cite(hit))
    finish(declined, Outcome("Not found.", [CitedPassage(1, hit, None)], is_declined=True))
    assert withdraw_answers(hit.document_id) == 1
    answer = Message.objects.get(pk=quoting)
    assert (answer.state, answer.content) == (MessageState.WITHDRAWN, "")
    assert Message.objects.get(pk=declined).content == "Not found."


@pytest.mark.parametrize("how", ["marked", "gone"])
def test_a_document_deleted_while_it_is_quoted_leaves_nothing(
    reader_desk: Any, owner: Any, hit: Hit, how: str
) -> None:
    answer_id = begin(reader_desk, owner)
    document = Document.objects.filter(pk=hit.document_id)
    if how == "marked":
        document.update(deleted_at=timezone.now())
    else:
        document.delete()
    assert finish(answer_id, cite(hit)) == MessageState.WITHDRAWN
    assert Message.objects.get(pk=answer_id).content == ""
    assert not RetrievedPassage.objects.exists()


def test_a_deleted_conversation_takes_no_answer(reader_desk: Any, owner: Any, hit: Hit) -> None:
    answer_id = begin(reader_desk, owner)
    Conversation.objects.all().delete()
    assert finish(answer_id, cite(hit)) is None
    assert not Trace.objects.exists()
