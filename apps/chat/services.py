"""Writes: conversations, and the two ends of an answer (it begins, it ends)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.assistants.answering import Outcome
from apps.assistants.recipe import Recipe
from apps.chat.models import Conversation, Message, MessageState, RetrievedPassage
from apps.core.ids import uuid7
from apps.documents.models import Document
from apps.traces.recorder import Recorder, TraceSubject, save_trace

HEARTBEAT_EVERY_S = 5.0
STALE_AFTER_S = 30.0
TITLE_LENGTH = 80
WENT_AWAY = "The server stopped while it was answering."
WITHDRAWN = ""


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


def make_title(question: str) -> str:
    """A conversation's title: its first question on one line, cut at a word."""
    line = " ".join(question.split())
    if len(line) <= TITLE_LENGTH:
        return line
    return line[:TITLE_LENGTH].rsplit(" ", 1)[0] + "…"


@transaction.atomic
def begin_answer(
    recipe: Recipe,
    *,
    question: str,
    asker: Asker,
    process: str,
    conversation: Conversation | None = None,
) -> BegunAnswer:
    """Store a question and its empty answer; without a conversation a new one begins."""
    now = timezone.now()
    if conversation is None:
        conversation = Conversation.objects.create(
            workspace_id=recipe.workspace_id,
            assistant_id=recipe.frozen.assistant_id,
            user_id=asker.user_id,
            api_key_id=asker.api_key_id,
            title=make_title(question),
            created_at=now,
            updated_at=now,
        )
    else:
        Conversation.objects.filter(pk=conversation.pk).update(updated_at=now)
    asked = Message(
        id=uuid7(),
        workspace_id=recipe.workspace_id,
        conversation_id=conversation.pk,
        author=Message.Author.USER,
        content=clean_text(question),
        created_at=now,
        finished_at=now,
    )
    answer = _new_answer(recipe, conversation.pk, asked.pk, process)
    Message.objects.bulk_create([asked, answer])
    return BegunAnswer(conversation.pk, asked.pk, answer.pk)


@transaction.atomic
def begin_again(question: Message, *, recipe: Recipe, process: str) -> BegunAnswer:
    """Answer a question anew; what was answered before is put aside, not lost."""
    question.answers.filter(replaced=False).update(replaced=True)
    answer = _new_answer(recipe, question.conversation_id, question.pk, process)
    answer.save(force_insert=True)
    Conversation.objects.filter(pk=question.conversation_id).update(updated_at=timezone.now())
    return BegunAnswer(question.conversation_id, question.pk, answer.pk)


def _new_answer(recipe: Recipe, conversation_id: UUID, question_id: UUID, process: str) -> Message:
    now = timezone.now()
    return Message(
        id=uuid7(),
        workspace_id=recipe.workspace_id,
        conversation_id=conversation_id,
        author=Message.Author.ASSISTANT,
        question_id=question_id,
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


def clean_text(text: str) -> str:
    """Text as Postgres can keep it: without NUL and without halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended."""

    state: MessageState
    reason: str = ""


@transaction.atomic
def finish_answer(
    answer_id: UUID, *, recipe: Recipe, outcome: Outcome, recorder: Recorder, ending: Ending
) -> MessageState | None:
    """Store the answer, its retrieval snapshot and its trace; None if it had ended already.

    A document that was deleted meanwhile leaves no passage behind, and an answer that quotes
    it is withdrawn.
    """
    state = ending.state
    alive = _lock_documents({passage.hit.document_id for passage in outcome.passages})
    if any(p.cited and p.hit.document_id not in alive for p in outcome.passages):
        state = MessageState.WITHDRAWN
    save_trace(
        recorder,
        subject=TraceSubject(recipe.workspace_id, "message", answer_id, recipe.frozen.release_id),
        status="ok" if ending.state == MessageState.DONE else ending.state,
        usage=(outcome.usage.input_tokens, outcome.usage.output_tokens),
        cost=outcome.cost,
    )
    rows = Message.objects.filter(pk=answer_id, state=MessageState.STREAMING).update(
        content=WITHDRAWN if state == MessageState.WITHDRAWN else clean_text(outcome.content),
        state=state,
        is_declined=outcome.is_declined,
        reason=ending.reason,
        trace_id=recorder.trace_id,
        finished_at=timezone.now(),
    )
    if rows != 1:
        transaction.set_rollback(True)
        return None
    RetrievedPassage.objects.bulk_create(_snapshot(answer_id, recipe.workspace_id, outcome, alive))
    return state


def _lock_documents(document_ids: set[UUID]) -> set[UUID]:
    """Those that still exist; they cannot be deleted until the transaction ends."""
    return set(
        Document.objects.filter(pk__in=document_ids, deleted_at=None)
        .select_for_update(no_key=True)
        .order_by("pk")
        .values_list("pk", flat=True)
    )


def _snapshot(
    answer_id: UUID, workspace_id: UUID, outcome: Outcome, alive: set[UUID]
) -> list[RetrievedPassage]:
    rows = []
    for passage in outcome.passages:
        hit, cited = passage.hit, passage.cited
        if hit.document_id not in alive:
            continue
        rows.append(
            RetrievedPassage(
                workspace_id=workspace_id,
                message_id=answer_id,
                number=passage.number,
                document_id=hit.document_id,
                version_id=hit.version_id,
                chunk_id=hit.chunk_id,
                page=hit.page,
                start=hit.start,
                end=hit.end,
                text=hit.text,
                heading=hit.heading,
                scores={
                    "score": hit.score,
                    "lexical_score": hit.lexical_score,
                    "lexical_rank": hit.lexical_rank,
                    "matched_terms": list(hit.matched_terms),
                    "similarity": hit.similarity,
                    "vector_rank": hit.vector_rank,
                    "support": cited.support if cited else None,
                },
                is_cited=cited is not None,
                cited_start=hit.start + cited.start if cited else None,
                cited_end=hit.start + cited.end if cited else None,
            )
        )
    return rows


def beat(answer_ids: Sequence[UUID]) -> None:
    """Say that these answers are still being made."""
    Message.objects.filter(pk__in=answer_ids, state=MessageState.STREAMING).update(
        heartbeat_at=timezone.now()
    )


def mark_interrupted_answers() -> int:
    """Answers whose process has gone silent: marked, so that they can be asked again."""
    horizon = timezone.now() - dt.timedelta(seconds=STALE_AFTER_S)
    return Message.objects.filter(state=MessageState.STREAMING, heartbeat_at__lt=horizon).update(
        state=MessageState.INTERRUPTED, reason=WENT_AWAY, finished_at=timezone.now()
    )


def interrupt_process(process: str) -> int:
    """Mark what a process of this name left open: it is starting anew, so it cannot go on."""
    return Message.objects.filter(state=MessageState.STREAMING, process=process).update(
        state=MessageState.INTERRUPTED, reason=WENT_AWAY, finished_at=timezone.now()
    )


def withdraw_answers(document_id: UUID) -> int:
    """Blank the answers that quote a document which is being deleted."""
    quoting = RetrievedPassage.objects.filter(document_id=document_id, is_cited=True)
    return Message.objects.filter(pk__in=quoting.values("message_id")).update(
        content=WITHDRAWN, state=MessageState.WITHDRAWN
    )


def delete_conversation(conversation: Conversation) -> None:
    """Its messages, their snapshots and their feedback go with it."""
    conversation.delete()
