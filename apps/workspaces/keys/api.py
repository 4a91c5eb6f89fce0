"""REST: API keys, for keys with the scope `admin`.

A key makes no key that may more or lasts longer than itself, and those that it made are revoked
with it: a leaked key opens no way in that its revocation does not close.
"""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import Pagination, Problem
from apps.workspaces.access import get_member
from apps.workspaces.api import WorkspaceAPIView
from apps.workspaces.keys.access import get_api_key
from apps.workspaces.keys.selectors import list_api_keys
from apps.workspaces.keys.services import (
    DEFAULT_DAYS,
    DEFAULT_SCOPES,
    MAX_DAYS,
    KeyRefusedError,
    create_api_key,
    hand_over_key,
    revoke_api_key,
)
from apps.workspaces.models import ApiKey, Scope

STATES = ["active", "revoked", "expired"]


class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    """What is known of a key: never the key itself."""

    owner = serializers.EmailField(source="owner.email", default=None, allow_null=True)
    state = serializers.ChoiceField(choices=STATES)

    class Meta:
        model = ApiKey
        fields = [
            "id", "name", "prefix", "scopes", "state", "owner", "created_at", "expires_at",
            "last_used_at", "revoked_at",
        ]  # fmt: skip


class NewApiKeySerializer(ApiKeySerializer):
    """A new key, with the key itself, which is told only now."""

    key = serializers.CharField()

    class Meta(ApiKeySerializer.Meta):
        fields = [*ApiKeySerializer.Meta.fields, "key"]


class ApiKeyWriteSerializer(serializers.Serializer[ApiKey]):
    """`expires_in_days` null makes a key that ends with the one that asks for it."""

    name = serializers.CharField(max_length=120)
    scopes = serializers.MultipleChoiceField(
        choices=Scope.choices, default=set(DEFAULT_SCOPES), allow_empty=False
    )
    expires_in_days = serializers.IntegerField(
        min_value=1, max_value=MAX_DAYS, default=DEFAULT_DAYS, allow_null=True
    )


class HandOverSerializer(serializers.Serializer[ApiKey]):
    member = serializers.UUIDField(help_text="Id of an owner's membership, as members/ lists it")


class ApiKeysView(WorkspaceAPIView):
    pagination_class = Pagination
    scopes = {"GET": Scope.ADMIN, "POST": Scope.ADMIN}

    @extend_schema(operation_id="api_keys_list", responses=ApiKeySerializer(many=True))
    def get(self, request: Request) -> Response:
        """The workspace's keys."""
        paginator = Pagination()
        rows = paginator.paginate_queryset(list_api_keys(self.workspace_id), request, view=self)
        return paginator.get_paginated_response(ApiKeySerializer(rows or [], many=True).data)

    @extend_schema(
        operation_id="api_keys_create",
        request=ApiKeyWriteSerializer,
        responses={201: NewApiKeySerializer},
    )
    def post(self, request: Request) -> Response:
        """Make a key. It belongs to the owner of the key that asks, and ends with that one."""
        form = ApiKeyWriteSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        beyond = set(values["scopes"]) - self.access.scopes
        if beyond:
            raise serializers.ValidationError(
                {"scopes": [f"This key may not {' or '.join(sorted(beyond))} itself."]}
            )
        try:
            key, secret = create_api_key(
                self.workspace,
                name=values["name"],
                scopes=sorted(values["scopes"]),
                days=values["expires_in_days"],
                actor=self.actor,
            )
        except KeyRefusedError as error:
            raise Problem(409, "key_revoked", str(error)) from error
        body = ApiKeySerializer(key).data | {"key": secret}
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


class ApiKeyView(WorkspaceAPIView):
    scopes = {"GET": Scope.ADMIN, "DELETE": Scope.ADMIN}

    @extend_schema(operation_id="api_keys_read", responses=ApiKeySerializer)
    def get(self, request: Request, key_id: UUID) -> Response:
        """One key."""
        return Response(ApiKeySerializer(get_api_key(self.workspace_id, key_id)).data)

    @extend_schema(operation_id="api_keys_revoke", responses={204: None})
    def delete(self, request: Request, key_id: UUID) -> Response:
        """Revoke it, with the keys that it made. The row stays, for the audit log."""
        revoke_api_key(get_api_key(self.workspace_id, key_id), actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ApiKeyHandOverView(WorkspaceAPIView):
    scopes = {"POST": Scope.ADMIN}

    @extend_schema(
        operation_id="api_keys_hand_over", request=HandOverSerializer, responses=ApiKeySerializer
    )
    def post(self, request: Request, key_id: UUID) -> Response:
        """Give it another owner, so that it goes on when the first one leaves."""
        key = get_api_key(self.workspace_id, key_id)
        form = HandOverSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        to = get_member(self.workspace, form.validated_data["member"])
        try:
            hand_over_key(key, to=to, actor=self.actor)
        except KeyRefusedError as error:
            raise Problem(409, "not_an_owner", str(error)) from error
        return Response(ApiKeySerializer(key).data)
