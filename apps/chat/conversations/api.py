"""REST: the conversations that a key began: listed, searched, renamed, pinned, deleted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.assistants.access import get_assistant_by_slug
from apps.chat.access import get_key_conversation, get_key_conversations
from apps.chat.api import ConversationDetailSerializer, ConversationSerializer
from apps.chat.asking.files import begin_conversation
from apps.chat.conversations.search import MAX_SEARCH
from apps.chat.conversations.selectors import list_of_key
from apps.chat.conversations.services import (
    MAX_NAME,
    change_conversation,
    delete_conversations,
)
from apps.chat.services import Asker
from apps.core.api import Pagination
from apps.workspaces.api import WorkspaceAPIView
from apps.workspaces.models import Scope

MAX_DELETED = 200


class ConversationQuerySerializer(serializers.Serializer[Any]):
    assistant = serializers.CharField(
        required=False, allow_blank=True, max_length=80, help_text="The assistant's slug"
    )
    search = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=MAX_SEARCH,
        help_text="Words of the title, or of one question or answer, by their beginnings",
    )
    pinned = serializers.BooleanField(required=False, allow_null=True, default=None)


class NewConversationSerializer(serializers.Serializer[Any]):
    assistant = serializers.CharField(max_length=80, help_text="The assistant's slug")


class ConversationChangeSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(required=False, max_length=MAX_NAME)
    is_pinned = serializers.BooleanField(required=False)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if not values:
            raise serializers.ValidationError("Send a title, is_pinned, or both.")
        return values


class ConversationIdsSerializer(serializers.Serializer[Any]):
    ids = serializers.ListField(
        child=serializers.UUIDField(), allow_empty=False, max_length=MAX_DELETED
    )


class DeletedSerializer(serializers.Serializer[Any]):
    deleted = serializers.IntegerField()


class ConversationsView(WorkspaceAPIView):
    pagination_class = Pagination
    scopes = {"POST": Scope.CHAT}

    @extend_schema(
        operation_id="conversations_list",
        parameters=[ConversationQuerySerializer],
        responses=ConversationSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """The conversations that this key began, the most recent first."""
        query = ConversationQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        values = query.validated_data
        conversations = list_of_key(
            self.access.key,
            slug=values.get("assistant", ""),
            search=values.get("search", ""),
            is_pinned=values["pinned"],
        )
        paginator = Pagination()
        rows = paginator.paginate_queryset(conversations, request, view=self)
        return paginator.get_paginated_response(ConversationSerializer(rows or [], many=True).data)

    @extend_schema(
        operation_id="conversations_create",
        request=NewConversationSerializer,
        responses={201: ConversationSerializer},
    )
    def post(self, request: Request) -> Response:
        """Begin an empty conversation, to attach files to and to go on with through `/v1/`."""
        form = NewConversationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        assistant = get_assistant_by_slug(self.workspace_id, form.validated_data["assistant"])
        conversation = begin_conversation(assistant, asker=Asker(api_key_id=self.access.key.pk))
        return Response(ConversationSerializer(conversation).data, status=201)


class ConversationView(WorkspaceAPIView):
    @extend_schema(operation_id="conversations_read", responses=ConversationDetailSerializer)
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """A conversation with its questions and their current answers."""
        conversation = get_key_conversation(self.access.key, conversation_id)
        context = {"key_id": self.access.key.pk}
        return Response(ConversationDetailSerializer(conversation, context=context).data)

    @extend_schema(
        operation_id="conversations_update",
        request=ConversationChangeSerializer,
        responses=ConversationSerializer,
    )
    def patch(self, request: Request, conversation_id: UUID) -> Response:
        """Rename a conversation, or pin it."""
        conversation = get_key_conversation(self.access.key, conversation_id)
        form = ConversationChangeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        change_conversation(conversation, **form.validated_data)
        return Response(ConversationSerializer(conversation).data)

    @extend_schema(operation_id="conversations_delete", responses={204: None})
    def delete(self, request: Request, conversation_id: UUID) -> Response:
        """Delete a conversation: its files, and its answers with their traces and feedback."""
        conversation = get_key_conversation(self.access.key, conversation_id)
        delete_conversations(self.workspace_id, [conversation.pk])
        return Response(status=204)


class ConversationsDeleteView(WorkspaceAPIView):
    @extend_schema(
        operation_id="conversations_delete_many",
        request=ConversationIdsSerializer,
        responses=DeletedSerializer,
    )
    def post(self, request: Request) -> Response:
        """Delete several conversations at once. If one is not this key's, none is deleted."""
        form = ConversationIdsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        rows = get_key_conversations(self.access.key, form.validated_data["ids"])
        delete_conversations(self.workspace_id, [row.pk for row in rows])
        return Response({"deleted": len(rows)})
