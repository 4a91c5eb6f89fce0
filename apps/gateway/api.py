"""REST: model endpoints. A stored key never leaves the server."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import Pagination, Problem
from apps.gateway.access import get_endpoint
from apps.gateway.credentials import KeyNeededError
from apps.gateway.doors import list_endpoint_uses
from apps.gateway.models import Endpoint
from apps.gateway.selectors import list_endpoints
from apps.gateway.services import (
    SAVING_PATIENCE_S,
    EndpointFields,
    check_endpoint,
    delete_endpoint,
    save_endpoint,
)
from apps.workspaces.api import WorkspaceAPIView
from apps.workspaces.models import Scope


class EndpointSerializer(serializers.ModelSerializer[Endpoint]):
    """What is stored, and how the last test went."""

    has_api_key = serializers.SerializerMethodField()
    used_by = serializers.SerializerMethodField(
        help_text="What asks it now: look here before you delete it."
    )

    class Meta:
        model = Endpoint
        fields = [
            "id", "name", "base_url", "model", "has_api_key", "context_tokens", "input_price",
            "output_price", "requests_per_minute", "licence", "is_private", "size_b",
            "checked_at", "check_ok", "check_message", "used_by", "created_at",
        ]  # fmt: skip

    def get_has_api_key(self, endpoint: Endpoint) -> bool:
        return bool(endpoint.api_key_encrypted)

    def get_used_by(self, endpoint: Endpoint) -> list[str]:
        uses = self.context.get("uses") or list_endpoint_uses(endpoint.workspace_id)
        return list(uses.get(endpoint.pk, ()))


class EndpointWriteSerializer(serializers.Serializer[Endpoint]):
    """What can be set. Without `api_key` a stored key stays; empty removes it."""

    name = serializers.CharField(max_length=120)
    base_url = serializers.CharField(max_length=500)
    model = serializers.CharField(max_length=200)
    api_key = serializers.CharField(
        max_length=1000, required=False, allow_blank=True, write_only=True
    )
    context_tokens = serializers.IntegerField(min_value=512, max_value=4_000_000, required=False)
    input_price = serializers.DecimalField(
        max_digits=10, decimal_places=4, min_value=Decimal(0), required=False
    )
    output_price = serializers.DecimalField(
        max_digits=10, decimal_places=4, min_value=Decimal(0), required=False
    )
    requests_per_minute = serializers.IntegerField(
        min_value=1, max_value=100_000, required=False, allow_null=True
    )
    licence = serializers.CharField(max_length=60, required=False, allow_blank=True)
    is_private = serializers.BooleanField(required=False)
    size_b = serializers.FloatField(min_value=0, required=False, allow_null=True)


STORED = (
    "name", "base_url", "model", "context_tokens", "input_price", "output_price",
    "requests_per_minute", "licence", "is_private", "size_b",
)  # fmt: skip


class EndpointsView(WorkspaceAPIView):
    pagination_class = Pagination
    scopes = {"POST": Scope.ADMIN}

    @extend_schema(operation_id="endpoints_list", responses=EndpointSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The workspace's model endpoints."""
        paginator = Pagination()
        rows = paginator.paginate_queryset(list_endpoints(self.workspace_id), request, view=self)
        context = {"uses": list_endpoint_uses(self.workspace_id)}
        body = EndpointSerializer(rows or [], many=True, context=context)
        return paginator.get_paginated_response(body.data)

    @extend_schema(
        operation_id="endpoints_create",
        request=EndpointWriteSerializer,
        responses={201: EndpointSerializer},
    )
    def post(self, request: Request) -> Response:
        """Add an OpenAI-compatible server, and ask it for one token.

        201 even if it does not answer: `check_ok` and `check_message` say how it went.
        """
        form = EndpointWriteSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        endpoint = _save(self, EndpointFields(**form.validated_data), None)
        return Response(EndpointSerializer(endpoint).data, status=status.HTTP_201_CREATED)


class EndpointView(WorkspaceAPIView):
    scopes = {"PATCH": Scope.ADMIN, "DELETE": Scope.ADMIN}

    @extend_schema(operation_id="endpoints_read", responses=EndpointSerializer)
    def get(self, request: Request, endpoint_id: UUID) -> Response:
        """One endpoint."""
        return Response(EndpointSerializer(get_endpoint(self.workspace_id, endpoint_id)).data)

    @extend_schema(
        operation_id="endpoints_update",
        request=EndpointWriteSerializer(partial=True),
        responses=EndpointSerializer,
    )
    def patch(self, request: Request, endpoint_id: UUID) -> Response:
        """Change what is given, and ask it for one token: `check_ok` says how it went.

        With another scheme, host or port in `base_url`, the key has to be given again.
        """
        endpoint = get_endpoint(self.workspace_id, endpoint_id)
        form = EndpointWriteSerializer(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        stored = {name: getattr(endpoint, name) for name in STORED}
        saved = _save(self, EndpointFields(**{**stored, **form.validated_data}), endpoint)
        return Response(EndpointSerializer(saved).data)

    @extend_schema(operation_id="endpoints_delete", responses={204: None})
    def delete(self, request: Request, endpoint_id: UUID) -> Response:
        """Delete it and its key.

        Where it answers, the built-in reader takes its place; where it does a step of a retrieval,
        such as reranking, questions fail until another one is chosen. `used_by` says where.
        """
        delete_endpoint(get_endpoint(self.workspace_id, endpoint_id), actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class EndpointTestView(WorkspaceAPIView):
    scopes = {"POST": Scope.ADMIN}

    @extend_schema(operation_id="endpoints_test", request=None, responses=EndpointSerializer)
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        """Ask it for one token. 200 either way: `check_ok` and `check_message` say how it went."""
        endpoint = check_endpoint(get_endpoint(self.workspace_id, endpoint_id))
        return Response(EndpointSerializer(endpoint).data)


def _save(view: WorkspaceAPIView, fields: EndpointFields, endpoint: Endpoint | None) -> Endpoint:
    try:
        with transaction.atomic():
            saved = save_endpoint(
                view.workspace, fields=fields, actor=view.actor, endpoint=endpoint
            )
    except IntegrityError as error:
        raise Problem(409, "name_taken", "Another endpoint has this name already.") from error
    except ValueError as error:
        raise serializers.ValidationError({"base_url": [str(error)]}) from error
    except KeyNeededError as error:
        raise serializers.ValidationError({"api_key": [str(error)]}) from error
    return check_endpoint(saved, patience_s=SAVING_PATIENCE_S)
