"""REST: the answers of a key. Questions are asked through `/v1/`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.assistants.answering.pipeline import Turn
from apps.assistants.answering.scope import Scope as QueryScope
from apps.assistants.answering.snapshots import read_cited
from apps.assistants.recipe import Recipe, load_recipe
from apps.chat.access import get_key_answer
from apps.chat.asking.follow_ups import read_follow_ups
from apps.chat.asking.scopes import read_scope
from apps.chat.live import PROCESS, start_answer
from apps.chat.models import Conversation, Message, MessageState, RetrievedPassage
from apps.chat.selectors import list_history, list_messages
from apps.chat.services import begin_again
from apps.core.api import Problem
from apps.workspaces.api import WorkspaceAPIView
from apps.workspaces.models import Scope

RETRYABLE = frozenset(
    {
        MessageState.INTERRUPTED,
        MessageState.FAILED,
        MessageState.STOPPED,
        MessageState.WITHDRAWN,
        MessageState.CUT,
        MessageState.REFUSED,
    }
)
NOT_RETRYABLE = Problem(
    409, "not_retryable", "Only the latest answer to a question can be retried, if it has no end."
)


class CitationSerializer(serializers.Serializer[Any]):
    """A cited passage. `start` and `end` are character offsets into the document's text."""

    n = serializers.IntegerField(source="number")
    document = serializers.UUIDField(source="document_id")
    document_name = serializers.CharField(source="document.name")
    page = serializers.IntegerField()
    start = serializers.IntegerField(source="cited_start")
    end = serializers.IntegerField(source="cited_end")
    text = serializers.SerializerMethodField()

    def get_text(self, passage: RetrievedPassage) -> str:
        return read_cited(passage)[2]


class OwnFeedbackSerializer(serializers.Serializer[Any]):
    """What this key said of the answer."""

    id = serializers.UUIDField()
    rating = serializers.CharField()
    reason = serializers.CharField()
    comment = serializers.CharField()
    correction = serializers.CharField()


class MessageSerializer(serializers.ModelSerializer[Message]):
    """A question or an answer. In an answer's `content`, [n] is the citation of that number."""

    declined = serializers.BooleanField(source="is_declined")
    state = serializers.ChoiceField(choices=MessageState.choices)
    question = serializers.UUIDField(source="question_id", allow_null=True)
    release = serializers.IntegerField(
        source="release.number", default=None, allow_null=True, help_text="The release's number"
    )
    trace = serializers.UUIDField(source="trace_id", allow_null=True)
    scope = serializers.JSONField(
        help_text="What it was asked within: collections or a document; empty for everything"
    )
    citations = serializers.SerializerMethodField()
    feedback = serializers.SerializerMethodField()

    class Meta:
        model = Message
        fields = (
            "id", "conversation", "author", "question", "content", "state", "declined", "reason",
            "citations", "release", "trace", "feedback", "scope", "created_at", "finished_at",
        )  # fmt: skip

    @extend_schema_field(CitationSerializer(many=True))
    def get_citations(self, message: Message) -> Any:
        cited = [passage for passage in message.passages.all() if passage.is_cited]
        return CitationSerializer(sorted(cited, key=lambda p: p.number), many=True).data

    @extend_schema_field(OwnFeedbackSerializer(allow_null=True))
    def get_feedback(self, message: Message) -> Any:
        # Read through the relation, because feedback is an app above this one.
        own = [row for row in message.feedback.all() if row.api_key_id == self.context["key_id"]]
        return OwnFeedbackSerializer(own[0]).data if own else None


class ConversationSerializer(serializers.ModelSerializer[Conversation]):
    assistant = serializers.CharField(source="assistant.slug", help_text="The assistant's slug")

    class Meta:
        model = Conversation
        fields = ("id", "assistant", "title", "is_pinned", "created_at", "updated_at")


class ConversationDetailSerializer(ConversationSerializer):
    messages = serializers.SerializerMethodField()

    class Meta(ConversationSerializer.Meta):
        fields = (*ConversationSerializer.Meta.fields, "messages")  # type: ignore[assignment]

    @extend_schema_field(MessageSerializer(many=True))
    def get_messages(self, conversation: Conversation) -> Any:
        rows = list_messages(conversation)
        return MessageSerializer(rows, many=True, context=self.context).data


class MessageBase(WorkspaceAPIView):
    def show(self, message_id: UUID) -> dict[str, Any]:
        answer = get_key_answer(self.access.key, message_id)
        return MessageSerializer(answer, context={"key_id": self.access.key.pk}).data


class MessageView(MessageBase):
    @extend_schema(operation_id="messages_read", responses=MessageSerializer)
    def get(self, request: Request, message_id: UUID) -> Response:
        """An answer that this key asked for, with its citations."""
        return Response(self.show(message_id))


class FollowUpsSerializer(serializers.Serializer[Any]):
    questions = serializers.ListField(child=serializers.CharField())


class MessageFollowUpsView(WorkspaceAPIView):
    @extend_schema(operation_id="messages_follow_ups", responses=FollowUpsSerializer)
    def get(self, request: Request, message_id: UUID) -> Response:
        """Up to three questions that can be asked next, each of which the documents answer."""
        answer = get_key_answer(self.access.key, message_id)
        return Response({"questions": read_follow_ups(answer)})


class MessageRetryView(MessageBase):
    scopes = {"POST": Scope.CHAT}

    @extend_schema(operation_id="messages_retry", request=None, responses={202: MessageSerializer})
    def post(self, request: Request, message_id: UUID) -> Response:
        """Answer a question again whose answer was interrupted, stopped, withdrawn or failed.

        The new answer is made in the background: read it under its own id until its `state` is
        no longer `streaming`. It knows the question, but no earlier messages that a client sent
        along; a program that did asks `/v1/chat/completions` once more.
        """
        old = get_key_answer(self.access.key, message_id)
        question = old.question
        if question is None or old.replaced or old.state not in RETRYABLE:
            raise NOT_RETRYABLE
        recipe = load_recipe(self.workspace_id, slug=old.conversation.assistant.slug)
        history = list_history(old.conversation, before=question)
        begun = begin_again(question, recipe=recipe, process=PROCESS)
        scope = read_scope(question)
        # Answers live on the event loop of the server, and this view is in a thread beside it.
        async_to_sync(_start)(begun.answer_id, recipe, question.content, history, scope)
        return Response(self.show(begun.answer_id), status=202)


async def _start(
    answer_id: UUID, recipe: Recipe, question: str, history: list[Turn], scope: QueryScope
) -> None:
    start_answer(
        answer_id, recipe=recipe, question=question, history=history, shared=False, scope=scope
    )
