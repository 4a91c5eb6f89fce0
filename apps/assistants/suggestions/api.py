"""REST: the questions that were found in an assistant's documents."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.assistants.access import get_assistant
from apps.assistants.models import SuggestedQuestion
from apps.assistants.suggestions.selectors import get_suggestion, list_suggestions
from apps.assistants.suggestions.services import (
    MAX_TEXT,
    change_question,
    look_again,
    refresh_if_stale,
)
from apps.workspaces.api import WorkspaceAPIView


class SuggestionSerializer(serializers.ModelSerializer[SuggestedQuestion]):
    """A question that the documents answer. `original` are the words that it was found with."""

    class Meta:
        model = SuggestedQuestion
        fields = ("id", "text", "original", "is_hidden", "document", "created_at")


class SuggestionsSerializer(serializers.Serializer[Any]):
    is_looking = serializers.BooleanField(help_text="Whether questions are being looked for")
    questions = SuggestionSerializer(many=True)


class SuggestionChangeSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(
        required=False, allow_blank=True, max_length=MAX_TEXT,
        help_text="Other words; empty for those that it was found with",
    )  # fmt: skip
    is_hidden = serializers.BooleanField(required=False)


class SuggestionsView(WorkspaceAPIView):
    @extend_schema(operation_id="suggested_questions_list", responses=SuggestionsSerializer)
    def get(self, request: Request, assistant_id: UUID) -> Response:
        """What an empty conversation offers where the assistant has no example questions.

        If the documents changed, questions are looked for again in the background.
        """
        assistant = get_assistant(self.workspace_id, assistant_id)
        is_looking = refresh_if_stale(assistant)
        rows = {"is_looking": is_looking, "questions": list_suggestions(assistant)}
        return Response(SuggestionsSerializer(rows).data)

    @extend_schema(
        operation_id="suggested_questions_look",
        request=None,
        responses={202: SuggestionsSerializer},
    )
    def post(self, request: Request, assistant_id: UUID) -> Response:
        """Look for questions again, whether or not the documents changed."""
        assistant = get_assistant(self.workspace_id, assistant_id)
        look_again(assistant)
        rows = {"is_looking": True, "questions": list_suggestions(assistant)}
        return Response(SuggestionsSerializer(rows).data, status=202)


class SuggestionView(WorkspaceAPIView):
    @extend_schema(
        operation_id="suggested_questions_update",
        request=SuggestionChangeSerializer,
        responses=SuggestionSerializer,
    )
    def patch(self, request: Request, assistant_id: UUID, suggestion_id: UUID) -> Response:
        """Change the words of a suggested question, or hide it."""
        assistant = get_assistant(self.workspace_id, assistant_id)
        question = get_suggestion(assistant, suggestion_id)
        form = SuggestionChangeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        change_question(question, actor=self.actor, **form.validated_data)
        return Response(SuggestionSerializer(question).data)
