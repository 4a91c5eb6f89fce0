"""REST: embedding models. A stored key never leaves the server."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import IntegrityError
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import Problem
from apps.gateway.access import get_embedding_model
from apps.gateway.credentials import KeyNeededError
from apps.gateway.embedding_services import (
    EmbeddingModelFields,
    InUseError,
    add_model,
    change_model,
    check_model,
    delete_model,
    list_models,
)
from apps.gateway.models import EmbeddingModel
from apps.workspaces.api import WorkspaceAPIView
from apps.workspaces.models import Scope
from inference.errors import ModelError, ModelFilesError

NAME_TAKEN = Problem(409, "name_taken", "Another embedding model has this name already.")
IN_USE = Problem(409, "in_use", "Indexes were built with this model.")


class EmbeddingModelSerializer(serializers.ModelSerializer[EmbeddingModel]):
    """What is stored. `embedding_model` is what an index is built with and keeps."""

    has_api_key = serializers.SerializerMethodField()
    embedding_model = serializers.CharField(source="name_in_index")

    class Meta:
        model = EmbeddingModel
        fields = [
            "id", "name", "kind", "base_url", "model", "has_api_key", "folder", "dimensions",
            "max_tokens", "query_prefix", "passage_prefix", "embedding_model", "checked_at",
            "check_ok", "check_message", "created_at",
        ]  # fmt: skip

    def get_has_api_key(self, row: EmbeddingModel) -> bool:
        return bool(row.api_key_encrypted)


class EmbeddingModelWriteSerializer(serializers.Serializer[EmbeddingModel]):
    """A server (`base_url` and `model`) or a folder (`folder`)."""

    name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(choices=EmbeddingModel.Kind.choices, default="server")
    base_url = serializers.CharField(max_length=500, required=False)
    model = serializers.CharField(max_length=200, required=False)
    api_key = serializers.CharField(
        max_length=1000, required=False, allow_blank=True, write_only=True
    )
    folder = serializers.CharField(max_length=200, required=False)
    query_prefix = serializers.CharField(
        max_length=200, required=False, allow_blank=True, trim_whitespace=False
    )
    passage_prefix = serializers.CharField(
        max_length=200, required=False, allow_blank=True, trim_whitespace=False
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needed = ("folder",) if attrs["kind"] == "folder" else ("base_url", "model")
        missing = {name: ["This field is required."] for name in needed if not attrs.get(name)}
        if missing:
            raise serializers.ValidationError(missing)
        return attrs


class EmbeddingModelChangeSerializer(serializers.Serializer[EmbeddingModel]):
    """What can be changed. The rest decides what the vectors mean, so it is fixed."""

    name = serializers.CharField(max_length=120, required=False)
    base_url = serializers.CharField(max_length=500, required=False)
    api_key = serializers.CharField(
        max_length=1000, required=False, allow_blank=True, write_only=True
    )


class EmbeddingModelsView(WorkspaceAPIView):
    scopes = {"POST": Scope.ADMIN}

    @extend_schema(
        operation_id="embedding_models_list", responses=EmbeddingModelSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """The models, besides the built-in one, that indexes can be built with."""
        rows = list_models(self.workspace_id)
        return Response(EmbeddingModelSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="embedding_models_create",
        request=EmbeddingModelWriteSerializer,
        responses={201: EmbeddingModelSerializer},
    )
    def post(self, request: Request) -> Response:
        """Add a model, after asking it once to learn how many numbers its vectors have."""
        form = EmbeddingModelWriteSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fields = EmbeddingModelFields(**form.validated_data)
        try:
            row = add_model(self.workspace, fields=fields, actor=self.actor)
        except IntegrityError as error:
            raise NAME_TAKEN from error
        except (ModelError, ModelFilesError, ValueError) as error:
            raise Problem(409, "model_does_not_answer", str(error)) from error
        return Response(EmbeddingModelSerializer(row).data, status=status.HTTP_201_CREATED)


class EmbeddingModelView(WorkspaceAPIView):
    scopes = {"PATCH": Scope.ADMIN, "DELETE": Scope.ADMIN}

    @extend_schema(operation_id="embedding_models_read", responses=EmbeddingModelSerializer)
    def get(self, request: Request, model_id: UUID) -> Response:
        """One embedding model."""
        row = get_embedding_model(self.workspace_id, model_id)
        return Response(EmbeddingModelSerializer(row).data)

    @extend_schema(
        operation_id="embedding_models_update",
        request=EmbeddingModelChangeSerializer,
        responses=EmbeddingModelSerializer,
    )
    def patch(self, request: Request, model_id: UUID) -> Response:
        """Change its name, address or key, and ask it once: `check_ok` says how it went.

        With another scheme, host or port in `base_url`, the key has to be given again.
        """
        row = get_embedding_model(self.workspace_id, model_id)
        form = EmbeddingModelChangeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = {"name": row.name, "base_url": row.base_url, "api_key": None}
        try:
            row = change_model(row, **{**values, **form.validated_data}, actor=self.actor)
        except IntegrityError as error:
            raise NAME_TAKEN from error
        except ValueError as error:
            raise serializers.ValidationError({"base_url": [str(error)]}) from error
        except KeyNeededError as error:
            raise serializers.ValidationError({"api_key": [str(error)]}) from error
        return Response(EmbeddingModelSerializer(check_model(row)).data)

    @extend_schema(operation_id="embedding_models_delete", responses={204: None})
    def delete(self, request: Request, model_id: UUID) -> Response:
        """Delete a model that no index was built with."""
        try:
            delete_model(get_embedding_model(self.workspace_id, model_id), actor=self.actor)
        except InUseError:
            raise IN_USE from None
        return Response(status=status.HTTP_204_NO_CONTENT)


class EmbeddingModelTestView(WorkspaceAPIView):
    scopes = {"POST": Scope.ADMIN}

    @extend_schema(
        operation_id="embedding_models_test", request=None, responses=EmbeddingModelSerializer
    )
    def post(self, request: Request, model_id: UUID) -> Response:
        """Embed one question. 200 either way: `check_ok` and `check_message` say how it went."""
        row = check_model(get_embedding_model(self.workspace_id, model_id))
        return Response(EmbeddingModelSerializer(row).data)
