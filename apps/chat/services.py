"""Writes: conversations, and the beginning and the end of each answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.assistants.answering.pipeline import CitedPassage, Outcome
from apps.assistants.answering.scope import EVERYWHERE, Scope
from apps.assistants.answering.snapshots import snapshot
from apps.assistants.recipe import Recipe
from apps.chat import store
from apps.chat.conversations.titles import make_title
from apps.chat.models import Conversation, Message, MessageState, RetrievedPassage
from apps.core.ids import uuid7
from apps.core.text import storable
from apps.traces.recorder import Recorder
from apps.traces.services import RunRow

HEARTBEAT_EVERY_S = 5.0
STALE_AFTER_S = 30.0
WENT_AWAY = "The server stopped while it was answering."


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: a person in the browser or a program with a key."""

    user_id: UUID | None = None
    api_key_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class BegunAnswer:
    """The rows of a question that is being answered."""

    conversation_id: UUID
    question_id: UUID
    answer_id: UUID


def plan_answer(conversation: Conversation | None = None) -> BegunAnswer:
    """The ids of a question and its answer, before anything is stored."""
    conversation_id = conversation.pk if conversation else uuid7()
    return BegunAnswer(conversation_id, uuid7(), uuid7())


def begin_answer(
    plan: BegunAnswer,
    *,
    recipe: Recipe,
    question: str,
    asker: Asker,
    process: str,
    scope: Scope = EVERYWHERE,
) -> None:
    """Store a question and its empty answer, beginning the conversation if it is new."""
    now = timezone.now()
    question = storable(question)
    store.insert_question(
        store.QuestionRow(
            workspace_id=recipe.workspace_id,
            conversation_id=plan.conversation_id,
            assistant_id=recipe.frozen.assistant_id,
            user_id=asker.user_id,
            api_key_id=asker.api_key_id,
            title=make_title(question),
            question_id=plan.question_id,
            question=question,
            answer_id=plan.answer_id,
            release_id=recipe.frozen.release_id,
            process=process,
            asked_at=now,
            answered_at=now + dt.timedelta(microseconds=1),
            scope=scope.as_json(),
        )
    )


@transaction.atomic
def begin_again(
    question: Message, *, recipe: Recipe, process: str, scope: Scope | None = None
) -> BegunAnswer:
    """Answer a question again; earlier answers are put aside, not deleted.

    With `scope`, it is asked within something else from now on.
    """
    question.answers.filter(replaced=False).update(replaced=True)
    if scope is not None:
        question.scope = scope.as_json()
        question.save(update_fields=["scope"])
    answer = _new_answer(recipe, question, process)
    answer.save(force_insert=True)
    Conversation.objects.filter(pk=question.conversation_id).update(updated_at=timezone.now())
    return BegunAnswer(question.conversation_id, question.pk, answer.pk)


def _new_answer(recipe: Recipe, question: Message, process: str) -> Message:
    now = timezone.now()
    return Message(
        id=uuid7(),
        workspace_id=recipe.workspace_id,
        conversation_id=question.conversation_id,
        author=Message.Author.ASSISTANT,
        question_id=question.pk,
        scope=question.scope,
        state=MessageState.STREAMING,
        release_id=recipe.frozen.release_id,
        process=process,
        heartbeat_at=now,
        created_at=now,
    )


@transaction.atomic
def put_aside_from(question: Message) -> None:
    """Put aside a question and all that followed it, before it is asked in other words."""
    Message.objects.filter(
        conversation_id=question.conversation_id, created_at__gte=question.created_at
    ).update(replaced=True)


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended."""

    state: MessageState
    reason: str = ""


def finish_answer(
    answer_id: UUID, *, outcome: Outcome, recorder: Recorder, ending: Ending
) -> MessageState | None:
    """Store the answer, its retrieval snapshot and its trace; None if it had ended already.

    A document that was deleted meanwhile leaves no passage behind, and an answer that quotes
    it is withdrawn.
    """
    return store.update_answer(
        store.AnswerRow(
            answer_id=answer_id,
            state=ending.state,
            content=storable(outcome.content),
            is_declined=outcome.is_declined,
            reason=ending.reason,
            finished_at=timezone.now(),
            run=RunRow(
                recorder,
                subject_type="message",
                subject_id=answer_id,
                status="ok" if ending.state == MessageState.DONE else ending.state,
                duration_ms=recorder.elapsed_ms(),
                input_tokens=outcome.usage.input_tokens,
                output_tokens=outcome.usage.output_tokens,
                cost=outcome.cost,
            ),
            passages=[_passage_row(passage) for passage in outcome.passages],
        )
    )


def _passage_row(passage: CitedPassage) -> dict[str, Any]:
    hit, cited = passage.hit, passage.cited
    return snapshot(passage) | {
        "id": uuid7(),
        "chunk_id": hit.chunk_id,
        "scores": {
            "score": hit.score,
            "lexical_score": hit.lexical_score,
            "lexical_rank": hit.lexical_rank,
            "matched_terms": hit.matched_terms,
            "similarity": hit.similarity,
            "vector_rank": hit.vector_rank,
            "support": cited.support if cited else None,
        },
    }


def beat(answer_ids: Sequence[UUID]) -> None:
    """Renew the heartbeat of answers that are still being made."""
    Message.objects.filter(pk__in=answer_ids, state=MessageState.STREAMING).update(
        heartbeat_at=timezone.now()
    )


def mark_interrupted_answers() -> int:
    """Mark answers whose process has gone silent as interrupted, so that they can be retried."""
    horizon = timezone.now() - dt.timedelta(seconds=STALE_AFTER_S)
    return Message.objects.filter(state=MessageState.STREAMING, heartbeat_at__lt=horizon).update(
        state=MessageState.INTERRUPTED, reason=WENT_AWAY, finished_at=timezone.now()
    )


def withdraw_answers(document_id: UUID) -> int:
    """Blank the answers that quote a document which is being deleted."""
    quoting = RetrievedPassage.objects.filter(document_id=document_id, is_cited=True)
    return Message.objects.filter(pk__in=quoting.values("message_id")).update(
        content="", state=MessageState.WITHDRAWN
    )
