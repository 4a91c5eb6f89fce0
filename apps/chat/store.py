"""The two writes of every answer, each as one statement in one round trip.

They are on the hot path of chat: through the ORM the same rows cost a dozen round trips and most
of the processor time of a short answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.chat.models import MessageState
from apps.core.statements import open_raw_cursor, to_json
from apps.traces.services import RunRow, compose_insert

BEGIN = """
WITH conversation AS (
    INSERT INTO chat_conversation
        (id, workspace_id, assistant_id, user_id, api_key_id, title, created_at, updated_at)
    VALUES ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::text, $7::timestamptz, $7)
    ON CONFLICT (id) DO UPDATE SET
        updated_at = excluded.updated_at,
        -- One that began with a file gets its title from its first question.
        title = coalesce(nullif(chat_conversation.title, ''), excluded.title)
), question AS (
    INSERT INTO chat_message
        (id, workspace_id, conversation_id, author, question_id, content, state, is_declined,
         reason, replaced, release_id, trace_id, process, heartbeat_at, created_at, finished_at,
         scope)
    VALUES ($8::uuid, $2, $1, 'user', NULL, $9::text, 'done', false, '', false, NULL, NULL, '',
            NULL, $7, $7, $14::jsonb)
)
INSERT INTO chat_message
    (id, workspace_id, conversation_id, author, question_id, content, state, is_declined,
     reason, replaced, release_id, trace_id, process, heartbeat_at, created_at, finished_at, scope)
VALUES ($10::uuid, $2, $1, 'assistant', $8, '', 'streaming', false, '', false, $11::uuid, NULL,
        $12::text, $13::timestamptz, $13, NULL, $14)
"""

# Documents that still exist are locked, so that none can be deleted before its passages are
# stored. An answer that had ended already (its row is not streaming) changes nothing.
FINISH = f"""
WITH passage AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS passage (
        id uuid, number int2, document_id uuid, version_id uuid, chunk_id int8, page int4,
        "start" int4, "end" int4, text text, heading text, table_head text,
        scores jsonb, is_cited bool, cited_start int4, cited_end int4)
), alive AS MATERIALIZED (
    SELECT id FROM documents_document
    WHERE id IN (SELECT document_id FROM passage) AND deleted_at IS NULL
    ORDER BY id FOR NO KEY UPDATE
), ended AS (
    SELECT CASE WHEN EXISTS (
        SELECT 1 FROM passage WHERE is_cited AND document_id NOT IN (SELECT id FROM alive)
    ) THEN 'withdrawn' ELSE $2::text END AS state
), message AS (
    UPDATE chat_message SET
        state = ended.state,
        content = CASE WHEN ended.state = 'withdrawn' THEN '' ELSE $3::text END,
        is_declined = $4::bool, reason = $5::text, trace_id = $6::uuid,
        finished_at = $7::timestamptz
    FROM ended WHERE chat_message.id = $8::uuid AND chat_message.state = 'streaming'
    RETURNING chat_message.id, chat_message.workspace_id, chat_message.release_id,
              chat_message.state
), {compose_insert(9, subject="message")}, stored AS (
    INSERT INTO chat_retrievedpassage
        (id, workspace_id, message_id, number, document_id, version_id, chunk_id, page, "start",
         "end", text, heading, table_head, scores, is_cited, cited_start, cited_end)
    SELECT passage.id, message.workspace_id, message.id, number, document_id, version_id, chunk_id,
           page, "start", "end", text, heading, table_head, scores, is_cited, cited_start, cited_end
    FROM message, passage WHERE document_id IN (SELECT id FROM alive)
)
SELECT state FROM message
"""  # noqa: S608  (ours)


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A question and its empty answer, in a conversation that may be new."""

    workspace_id: UUID
    conversation_id: UUID
    assistant_id: UUID
    user_id: UUID | None
    api_key_id: UUID | None
    title: str
    question_id: UUID
    question: str
    answer_id: UUID
    release_id: UUID
    process: str
    asked_at: dt.datetime
    answered_at: dt.datetime
    scope: dict[str, Any]


def insert_question(row: QuestionRow) -> None:
    """Store the question, its empty answer, and the conversation if there is none yet."""
    values = [
        row.conversation_id, row.workspace_id, row.assistant_id, row.user_id, row.api_key_id,
        row.title, row.asked_at, row.question_id, row.question, row.answer_id, row.release_id,
        row.process, row.answered_at, to_json(row.scope),
    ]  # fmt: skip
    with open_raw_cursor() as cursor:
        cursor.execute(BEGIN, values)


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """An ended answer with its snapshot and its trace; `passages` are JSON rows."""

    answer_id: UUID
    state: str
    content: str
    is_declined: bool
    reason: str
    finished_at: dt.datetime
    run: RunRow
    passages: Sequence[dict[str, Any]]


def update_answer(row: AnswerRow) -> MessageState | None:
    """Store the end of an answer; the state it got, or None if it had ended already."""
    values = [
        to_json(row.passages), row.state, row.content, row.is_declined, row.reason,
        row.run.recorder.trace_id, row.finished_at, row.answer_id, to_json([row.run.as_record()]),
    ]  # fmt: skip
    with open_raw_cursor() as cursor:
        cursor.execute(FINISH, values)
        ended = cursor.fetchone()
    return MessageState(ended[0]) if ended else None
