"""REST: the workspace of the key, its members, its audit log.

What editors may see of conversations and the trusted hosts can be changed; the rest is read.

Members and invitations are managed by people in the settings: a leaked key must not be able to let
people in. Keys that a key makes go with it (`keys/api.py`).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import Pagination
from apps.core.markup.links import BadHostError
from apps.workspaces.api import WorkspaceAPIView
from apps.workspaces.links import set_link_hosts
from apps.workspaces.models import AuditEvent, ConversationAccess, Membership, Scope, Workspace
from apps.workspaces.selectors import list_audit_events, list_members
from apps.workspaces.services import set_conversation_access


class WorkspaceSerializer(serializers.ModelSerializer[Workspace]):
    class Meta:
        model = Workspace
        fields = [
            "id", "name", "slug", "is_demo", "conversation_access", "link_hosts", "created_at",
        ]  # fmt: skip


class WorkspaceChangeSerializer(serializers.Serializer[Workspace]):
    conversation_access = serializers.ChoiceField(
        required=False,
        choices=ConversationAccess.choices,
        help_text="What editors and owners may see of other people's conversations",
    )
    link_hosts = serializers.ListField(
        required=False,
        child=serializers.CharField(max_length=300),
        help_text="Hosts that links in answers open at once, with those below them",
    )

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if not values:
            raise serializers.ValidationError("Send conversation_access, link_hosts, or both.")
        return values


class MemberSerializer(serializers.ModelSerializer[Membership]):
    email = serializers.EmailField(source="user.email")
    name = serializers.CharField(source="user.name")

    class Meta:
        model = Membership
        fields = ["id", "email", "name", "role", "created_at"]


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    """`actor` is a member's address, `api_key` a key's name; with neither, it was the product."""

    actor = serializers.EmailField(source="actor.email", default=None, allow_null=True)
    api_key = serializers.CharField(source="api_key.name", default=None, allow_null=True)

    class Meta:
        model = AuditEvent
        fields = [
            "id", "actor", "api_key", "action", "subject_type", "subject_id", "detail",
            "created_at",
        ]  # fmt: skip


class AuditFilterSerializer(serializers.Serializer[AuditEvent]):
    action = serializers.CharField(required=False, max_length=60)
    member = serializers.UUIDField(required=False, help_text="Id of the user who acted")
    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)


class WorkspaceView(WorkspaceAPIView):
    scopes = {"PATCH": Scope.ADMIN}

    @extend_schema(operation_id="workspace_read", responses=WorkspaceSerializer)
    def get(self, request: Request) -> Response:
        """The workspace that the key belongs to."""
        return Response(WorkspaceSerializer(self.workspace).data)

    @extend_schema(
        operation_id="workspace_update",
        request=WorkspaceChangeSerializer,
        responses=WorkspaceSerializer,
    )
    def patch(self, request: Request) -> Response:
        """Decide what editors see of conversations, and which hosts open without a notice."""
        form = WorkspaceChangeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values, workspace = form.validated_data, self.workspace
        with transaction.atomic():
            if "link_hosts" in values:
                try:
                    set_link_hosts(workspace, hosts=values["link_hosts"], actor=self.actor)
                except BadHostError as error:
                    raise serializers.ValidationError({"link_hosts": str(error)}) from None
            if "conversation_access" in values:
                access = ConversationAccess(values["conversation_access"])
                set_conversation_access(workspace, access=access, actor=self.actor)
        return Response(WorkspaceSerializer(workspace).data)


class MembersView(WorkspaceAPIView):
    pagination_class = Pagination
    scopes = {"GET": Scope.ADMIN}

    @extend_schema(operation_id="members_list", responses=MemberSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The workspace's members by name."""
        paginator = Pagination()
        rows = paginator.paginate_queryset(list_members(self.workspace), request, view=self)
        return paginator.get_paginated_response(MemberSerializer(rows or [], many=True).data)


class AuditEventsView(WorkspaceAPIView):
    pagination_class = Pagination
    scopes = {"GET": Scope.ADMIN}

    @extend_schema(
        operation_id="audit_events_list",
        parameters=[AuditFilterSerializer],
        responses=AuditEventSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Who did what, the latest first. Both days are included, in UTC."""
        filters = AuditFilterSerializer(data=request.query_params)
        filters.is_valid(raise_exception=True)
        values = filters.validated_data
        member: UUID | None = values.get("member")
        events = list_audit_events(
            self.workspace,
            action=values.get("action", ""),
            member_id=member,
            since=values.get("since"),
            until=values.get("until"),
        )
        paginator = Pagination()
        rows = paginator.paginate_queryset(events, request, view=self)
        return paginator.get_paginated_response(AuditEventSerializer(rows or [], many=True).data)
