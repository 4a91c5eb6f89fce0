"""REST: the workspace of the key, its members, its audit log. All of it is read-only.

Members and invitations are managed by people in the settings: a leaked key must not be able to let
people in. Keys that a key makes go with it (`keys/api.py`).
"""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import Pagination
from apps.workspaces.api import WorkspaceAPIView
from apps.workspaces.models import AuditEvent, Membership, Scope, Workspace
from apps.workspaces.selectors import list_audit_events, list_members


class WorkspaceSerializer(serializers.ModelSerializer[Workspace]):
    class Meta:
        model = Workspace
        fields = ["id", "name", "slug", "is_demo", "created_at"]


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
    @extend_schema(operation_id="workspace_read", responses=WorkspaceSerializer)
    def get(self, request: Request) -> Response:
        """The workspace that the key belongs to."""
        return Response(WorkspaceSerializer(self.workspace).data)


class MembersView(WorkspaceAPIView):
    scopes = {"GET": Scope.ADMIN}

    @extend_schema(operation_id="members_list", responses=MemberSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The workspace's members by name."""
        paginator = Pagination()
        rows = paginator.paginate_queryset(list_members(self.workspace), request, view=self)
        return paginator.get_paginated_response(MemberSerializer(rows or [], many=True).data)


class AuditEventsView(WorkspaceAPIView):
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
