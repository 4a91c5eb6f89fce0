"""REST: `POST messages/{id}/feedback/`, and the list."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.chat.access import get_readable_answer
from apps.core.api import Pagination
from apps.feedback.models import Feedback, FeedbackState, Rating, Reason
from apps.feedback.selectors import FeedbackFilter, list_feedback, view_row
from apps.feedback.services import MAX_COMMENT, MAX_CORRECTION, FeedbackFields, give_feedback
from apps.workspaces.api import WorkspaceAPIView
from apps.workspaces.models import Role, Scope


class FeedbackRequestSerializer(serializers.Serializer[Any]):
    rating = serializers.ChoiceField(choices=Rating.choices)
    reason = serializers.ChoiceField(choices=Reason.choices, required=False, allow_blank=True)
    comment = serializers.CharField(required=False, allow_blank=True, max_length=MAX_COMMENT)
    correction = serializers.CharField(required=False, allow_blank=True, max_length=MAX_CORRECTION)


class FeedbackQuerySerializer(serializers.Serializer[Any]):
    rating = serializers.ChoiceField(choices=Rating.choices, required=False, allow_blank=True)
    reason = serializers.ChoiceField(choices=Reason.choices, required=False, allow_blank=True)
    state = serializers.ChoiceField(choices=FeedbackState.choices, required=False, allow_blank=True)
    assistant = serializers.CharField(
        required=False, allow_blank=True, max_length=80, help_text="The assistant's slug"
    )


class FeedbackSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    message = serializers.UUIDField(source="message_id")
    release = serializers.UUIDField(source="release_id")
    trace = serializers.UUIDField(source="trace_id", allow_null=True)
    rating = serializers.ChoiceField(choices=Rating.choices)
    reason = serializers.CharField()
    comment = serializers.CharField()
    correction = serializers.CharField()
    state = serializers.ChoiceField(choices=FeedbackState.choices)
    created_at = serializers.DateTimeField()
    question = serializers.SerializerMethodField()
    answer = serializers.SerializerMethodField()

    def get_question(self, feedback: Feedback) -> str:
        return view_row(feedback).question

    def get_answer(self, feedback: Feedback) -> str:
        return view_row(feedback).answer


class MessageFeedbackView(WorkspaceAPIView):
    scopes = {"POST": Scope.CHAT}

    @extend_schema(
        operation_id="messages_feedback_create",
        request=FeedbackRequestSerializer,
        responses={201: FeedbackSerializer},
    )
    def post(self, request: Request, message_id: UUID) -> Response:
        """Rate an answer. A second rating with the same key replaces the first."""
        answer = get_readable_answer(self.access, message_id)
        form = FeedbackRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        feedback = give_feedback(
            answer, fields=FeedbackFields(**form.validated_data), actor=self.actor
        )
        return Response(FeedbackSerializer(feedback).data, status=201)


class FeedbackListView(WorkspaceAPIView):
    role = Role.EDITOR
    pagination_class = Pagination

    @extend_schema(
        operation_id="feedback_list",
        parameters=[FeedbackQuerySerializer],
        responses=FeedbackSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """The workspace's feedback, newest first."""
        query = FeedbackQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        narrowed = FeedbackFilter(**query.validated_data)
        paginator = Pagination()
        rows = paginator.paginate_queryset(list_feedback(self.workspace_id, narrowed), request)
        return paginator.get_paginated_response(FeedbackSerializer(rows or [], many=True).data)
