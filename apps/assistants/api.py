"""REST: `assistants/`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.assistants.access import get_assistant
from apps.assistants.models import Assistant, Release
from apps.assistants.recipes.changes import RecipeChange, RecipeError
from apps.assistants.recipes.serializers import (
    RetrievalSerializer,
    SamplingSerializer,
    SettingsSerializer,
    recipe_fault,
    show_profile,
    show_sampling,
)
from apps.assistants.releases.promotion import PromotionRefusedError, promote
from apps.assistants.selectors import list_assistants
from apps.assistants.services import (
    create_assistant,
    delete_assistant,
    draft_release,
    update_assistant,
)
from apps.core.api import Pagination, Problem
from apps.documents.access import get_collections
from apps.gateway.access import get_endpoint
from apps.gateway.models import Endpoint
from apps.prompts.access import get_version_by_id
from apps.prompts.models import PromptVersion
from apps.prompts.spec import PromptError
from apps.workspaces.api import WorkspaceAPIView


class AssistantSerializer(serializers.ModelSerializer[Assistant]):
    collections = serializers.SerializerMethodField()
    endpoint = serializers.SerializerMethodField()
    release = serializers.SerializerMethodField()
    retrieval = serializers.SerializerMethodField()
    sampling = serializers.SerializerMethodField()
    system = serializers.SerializerMethodField()

    class Meta:
        model = Assistant
        fields = (
            "id", "name", "slug", "description", "example_questions", "collections", "endpoint",
            "release", "retrieval", "sampling", "system", "created_at",
        )  # fmt: skip

    def get_collections(self, assistant: Assistant) -> list[UUID]:
        return [c.pk for c in assistant.current.collections.all()] if assistant.current else []

    def get_endpoint(self, assistant: Assistant) -> UUID | None:
        return assistant.current.endpoint_id if assistant.current else None

    def get_release(self, assistant: Assistant) -> int | None:
        return assistant.current.number if assistant.current else None

    @extend_schema_field(RetrievalSerializer)
    def get_retrieval(self, assistant: Assistant) -> dict[str, Any]:
        return show_profile(assistant.current.retrieval) if assistant.current else {}

    @extend_schema_field(SamplingSerializer)
    def get_sampling(self, assistant: Assistant) -> dict[str, Any]:
        return show_sampling(assistant.current.sampling) if assistant.current else {}

    def get_system(self, assistant: Assistant) -> str:
        return assistant.current.prompt_version.system if assistant.current else ""


class AssistantRequestSerializer(SettingsSerializer):
    """`collections` is needed, and may be empty for an assistant that answers without documents."""

    name = serializers.CharField(max_length=120)
    collections = serializers.ListField(child=serializers.UUIDField(), allow_empty=True)
    endpoint = serializers.UUIDField(required=False, allow_null=True)
    description = serializers.CharField(required=False, allow_blank=True, max_length=500)
    example_questions = serializers.ListField(
        child=serializers.CharField(max_length=300), required=False, max_length=8
    )


class AssistantChangeSerializer(SettingsSerializer):
    """Every field is optional; a change of recipe publishes a new release."""

    name = serializers.CharField(max_length=120, required=False)
    description = serializers.CharField(required=False, allow_blank=True, max_length=500)
    example_questions = serializers.ListField(
        child=serializers.CharField(max_length=300), required=False, max_length=8
    )
    collections = serializers.ListField(child=serializers.UUIDField(), required=False)
    endpoint = serializers.UUIDField(required=False, allow_null=True)
    prompt_version = serializers.UUIDField(required=False)
    system = serializers.CharField(required=False, max_length=20_000)
    user = serializers.CharField(required=False, max_length=20_000)
    note = serializers.CharField(required=False, allow_blank=True, max_length=300)


def refusal(refused: PromotionRefusedError) -> Problem:
    """The response to a promotion that a check refused."""
    detail = f"Release {refused.release.number} stays a candidate. {refused}"
    return Problem(409, "promotion_refused", detail)


def prompt_faults(error: PromptError) -> serializers.ValidationError:
    """The response to an unsound prompt: every fault under its field."""
    faults: dict[str, list[str]] = {}
    for fault in error.faults:
        faults.setdefault(fault.field or "prompt", []).append(fault.message)
    return serializers.ValidationError(faults)


class AssistantBase(WorkspaceAPIView):
    def find_endpoint(self, identifier: UUID | None) -> Endpoint | None:
        return get_endpoint(self.workspace_id, identifier) if identifier else None

    def find_version(self, identifier: UUID | None) -> PromptVersion | None:
        return get_version_by_id(self.workspace_id, identifier) if identifier else None

    def read_settings(self, values: dict[str, Any]) -> RecipeChange:
        return RecipeChange(
            retrieval=values.get("retrieval", {}), sampling=values.get("sampling", {})
        )

    def read_change(self, values: dict[str, Any]) -> RecipeChange:
        collections = values.get("collections")
        return RecipeChange(
            prompt_version=self.find_version(values.get("prompt_version")),
            system=values.get("system"),
            user=values.get("user"),
            collections=None
            if collections is None
            else get_collections(self.workspace, collections),
            endpoint=self.find_endpoint(values.get("endpoint")),
            use_reader="endpoint" in values and values["endpoint"] is None,
            retrieval=values.get("retrieval", {}),
            sampling=values.get("sampling", {}),
            note=values.get("note", ""),
        )

    def draft(self, assistant: Assistant, change: RecipeChange) -> Release:
        """The candidate of a change, or the response that says what is wrong with it."""
        try:
            return draft_release(assistant, change=change, actor=self.actor)
        except PromptError as error:
            raise prompt_faults(error) from error
        except RecipeError as error:
            raise recipe_fault(error) from error


class AssistantListView(AssistantBase):
    pagination_class = Pagination

    @extend_schema(operation_id="assistants_list", responses=AssistantSerializer(many=True))
    def get(self, request: Request) -> Response:
        paginator = Pagination()
        rows = paginator.paginate_queryset(list_assistants(self.workspace_id), request)
        return paginator.get_paginated_response(AssistantSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="assistants_create",
        request=AssistantRequestSerializer,
        responses={201: AssistantSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make an assistant. Without an endpoint it answers with the built-in reader."""
        form = AssistantRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        try:
            assistant = create_assistant(
                self.workspace,
                name=values["name"],
                collections=get_collections(self.workspace, values["collections"]),
                endpoint=self.find_endpoint(values.get("endpoint")),
                description=values.get("description", ""),
                example_questions=values.get("example_questions", []),
                change=self.read_settings(values),
                actor=self.actor,
            )
        except RecipeError as error:
            raise recipe_fault(error) from error
        return Response(AssistantSerializer(assistant).data, status=201)


class AssistantView(AssistantBase):
    http_method_names = ["get", "patch", "delete", "head", "options"]

    @extend_schema(operation_id="assistants_retrieve", responses=AssistantSerializer)
    def get(self, request: Request, assistant_id: UUID) -> Response:
        return Response(AssistantSerializer(get_assistant(self.workspace_id, assistant_id)).data)

    @extend_schema(
        operation_id="assistants_partial_update",
        request=AssistantChangeSerializer,
        responses=AssistantSerializer,
    )
    def patch(self, request: Request, assistant_id: UUID) -> Response:
        assistant = get_assistant(self.workspace_id, assistant_id)
        form = AssistantChangeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        release = self.draft(assistant, self.read_change(values))
        if {"name", "description", "example_questions"} & values.keys():
            update_assistant(
                assistant,
                name=values.get("name", assistant.name),
                description=values.get("description", assistant.description),
                example_questions=values.get("example_questions", assistant.example_questions),
                actor=self.actor,
            )
        try:
            promote(release, actor=self.actor)
        except PromotionRefusedError as refused:
            raise refusal(refused) from refused
        return Response(AssistantSerializer(get_assistant(self.workspace_id, assistant_id)).data)

    @extend_schema(operation_id="assistants_destroy", responses={204: None})
    def delete(self, request: Request, assistant_id: UUID) -> Response:
        delete_assistant(get_assistant(self.workspace_id, assistant_id), actor=self.actor)
        return Response(status=204)
