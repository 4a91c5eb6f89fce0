"""REST: what people ask, as far as the workspace shows it to its editors."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.chat.access import find_hidden_files
from apps.chat.api import CitationSerializer
from apps.chat.conversations.search import MAX_SEARCH
from apps.chat.models import Message, MessageState
from apps.chat.selectors import list_messages, split_hidden
from apps.core.api import Pagination
from apps.feedback.conversations.access import get_key_team_conversation
from apps.feedback.conversations.selectors import (
    ConversationFilter,
    OutcomeFilter,
    ReviewFilter,
    list_team_conversations,
    view_conversation,
    view_conversations,
)
from apps.feedback.conversations.services import MAX_NOTE, review_conversation
from apps.feedback.models import Rating, Reason, ReviewState
from apps.workspaces.api import WorkspaceAPIView
from apps.workspaces.models import Role


class TeamConversationQuerySerializer(serializers.Serializer[Any]):
    assistant = serializers.CharField(
        required=False, max_length=80, help_text="The assistant's slug"
    )
    since = serializers.DateField(required=False, help_text="First day of the last activity, UTC")
    until = serializers.DateField(required=False, help_text="Last day of the last activity, UTC")
    outcome = serializers.ChoiceField(choices=OutcomeFilter.choices, required=False)
    rating = serializers.ChoiceField(choices=Rating.choices, required=False)
    state = serializers.ChoiceField(choices=ReviewFilter.choices, required=False)
    search = serializers.CharField(
        required=False,
        max_length=MAX_SEARCH,
        help_text="Words of the title, or of one question or answer, by their beginnings",
    )


class TeamConversationSerializer(serializers.Serializer[Any]):
    """`asker` is empty where the workspace does not show names."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    assistant = serializers.CharField(source="assistant_slug", help_text="The assistant's slug")
    asker = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    num_questions = serializers.IntegerField()
    num_unanswered = serializers.IntegerField()
    num_helpful = serializers.IntegerField()
    num_not_helpful = serializers.IntegerField()
    state = serializers.ChoiceField(
        choices=ReviewState.choices, allow_blank=True, help_text="Empty: nobody has marked it"
    )
    note = serializers.CharField(allow_blank=True)


class RatingSerializer(serializers.Serializer[Any]):
    rating = serializers.ChoiceField(choices=Rating.choices)
    reason = serializers.ChoiceField(choices=Reason.choices, allow_blank=True)
    comment = serializers.CharField(allow_blank=True)
    correction = serializers.CharField(allow_blank=True)


class TeamMessageSerializer(serializers.Serializer[Any]):
    """A question or an answer, without who asked or rated."""

    id = serializers.UUIDField()
    author = serializers.ChoiceField(choices=Message.Author.choices)
    question = serializers.UUIDField(source="question_id", allow_null=True)
    content = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=MessageState.choices)
    declined = serializers.BooleanField(source="is_declined")
    trace = serializers.UUIDField(source="trace_id", allow_null=True)
    created_at = serializers.DateTimeField()
    citations = serializers.SerializerMethodField()
    num_withheld = serializers.SerializerMethodField(
        help_text="How many more citations are of files that only whoever attached them sees"
    )
    ratings = serializers.SerializerMethodField()

    @extend_schema_field(CitationSerializer(many=True))
    def get_citations(self, message: Message) -> Any:
        seen, _ = split_hidden(message.passages.all(), self.context["hidden_files"])
        return CitationSerializer([p for p in seen if p.is_cited], many=True).data

    def get_num_withheld(self, message: Message) -> int:
        _, hidden = split_hidden(message.passages.all(), self.context["hidden_files"])
        return sum(passage.is_cited for passage in hidden)

    @extend_schema_field(RatingSerializer(many=True))
    def get_ratings(self, message: Message) -> Any:
        return RatingSerializer(message.feedback.all(), many=True).data


class TeamConversationDetailSerializer(TeamConversationSerializer):
    messages = TeamMessageSerializer(many=True)


class ReviewSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=ReviewState.choices)
    note = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=MAX_NOTE, trim_whitespace=False
    )


class TeamConversationsView(WorkspaceAPIView):
    role = Role.EDITOR
    pagination_class = Pagination

    @extend_schema(
        operation_id="workspace_conversations_list",
        parameters=[TeamConversationQuerySerializer],
        responses=TeamConversationSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """What people ask, the last active first; empty where `conversation_access` is off."""
        query = TeamConversationQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        narrowed = ConversationFilter(**query.validated_data)
        paginator = Pagination()
        conversations = list_team_conversations(self.workspace, narrowed)
        rows = paginator.paginate_queryset(conversations, request, view=self)
        body = TeamConversationSerializer(view_conversations(rows or []), many=True).data
        return paginator.get_paginated_response(body)


class TeamConversationView(WorkspaceAPIView):
    role = Role.EDITOR

    @extend_schema(
        operation_id="workspace_conversations_read", responses=TeamConversationDetailSerializer
    )
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """A conversation with its questions, answers, citations and ratings."""
        row = get_key_team_conversation(self.access.key, conversation_id)
        body = dict(TeamConversationSerializer(view_conversation(row)).data)
        context = {"hidden_files": find_hidden_files(row, key=self.access.key)}
        body["messages"] = TeamMessageSerializer(
            list_messages(row), many=True, context=context
        ).data
        return Response(body)


class ConversationReviewView(WorkspaceAPIView):
    role = Role.EDITOR

    @extend_schema(
        operation_id="workspace_conversations_review",
        request=ReviewSerializer,
        responses=TeamConversationSerializer,
    )
    def put(self, request: Request, conversation_id: UUID) -> Response:
        """Mark a conversation as to review or as resolved, with a note."""
        row = get_key_team_conversation(self.access.key, conversation_id)
        form = ReviewSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        review_conversation(
            row, state=ReviewState(values["state"]), note=values["note"], actor=self.actor
        )
        fresh = get_key_team_conversation(self.access.key, conversation_id)
        return Response(TeamConversationSerializer(view_conversation(fresh)).data)
