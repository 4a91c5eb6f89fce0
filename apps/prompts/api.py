"""REST: prompts, their versions, labels and files."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import Pagination, Problem
from apps.prompts.access import get_label, get_prompt, get_version
from apps.prompts.dotprompt import (
    MAX_CHARS,
    DotpromptError,
    PromptFile,
    dump_dotprompt,
    parse_dotprompt,
)
from apps.prompts.models import Prompt, PromptVersion
from apps.prompts.selectors import list_prompts, list_uses, list_versions
from apps.prompts.services import (
    LabelError,
    PromptInUseError,
    add_version,
    create_prompt,
    delete_prompt,
    import_prompt,
    remove_label,
    set_label,
)
from apps.prompts.spec import FORMATS, PromptError, PromptSpec, spec_from_json
from apps.workspaces.api import WorkspaceAPIView


class WorkedExampleSerializer(serializers.Serializer[Any]):
    question = serializers.CharField()
    answer = serializers.CharField()
    passages = serializers.CharField(required=False, allow_blank=True, default="")


class PromptStepSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=40)
    text = serializers.CharField()


class PromptSpecSerializer(serializers.Serializer[Any]):
    """All of a prompt. `values` are its own variables, `steps` its chain of sub-prompts."""

    system = serializers.CharField(max_length=20_000)
    user = serializers.CharField(max_length=20_000)
    persona = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    examples = WorkedExampleSerializer(many=True, required=False)
    values = serializers.DictField(child=serializers.CharField(allow_blank=True), required=False)
    steps = PromptStepSerializer(many=True, required=False)
    has_notes = serializers.BooleanField(required=False)
    has_critique = serializers.BooleanField(required=False)
    output = serializers.ChoiceField(choices=[(f, f) for f in FORMATS], required=False)
    schema = serializers.JSONField(required=False, allow_null=True)
    note = serializers.CharField(required=False, allow_blank=True, max_length=300)


class PromptVersionSerializer(serializers.ModelSerializer[PromptVersion]):
    prompt = serializers.CharField(source="prompt.name")
    prompt_id = serializers.UUIDField()
    labels = serializers.SerializerMethodField()

    class Meta:
        model = PromptVersion
        fields = (
            "id", "prompt", "prompt_id", "number", "labels", "system", "user", "parts", "note",
            "created_at",
        )  # fmt: skip

    def get_labels(self, version: PromptVersion) -> list[str]:
        return [label.name for label in version.labels.all()]


class PromptSerializer(serializers.ModelSerializer[Prompt]):
    latest = serializers.IntegerField(read_only=True)
    labels = serializers.SerializerMethodField()

    class Meta:
        model = Prompt
        fields = ("id", "name", "latest", "labels", "created_at")

    def get_labels(self, prompt: Prompt) -> dict[str, int]:
        return {label.name: label.version.number for label in prompt.labels.all()}


class PromptCreateSerializer(PromptSpecSerializer):
    name = serializers.CharField(max_length=120)


class PromptFileSerializer(serializers.Serializer[Any]):
    """`text` is a file in the dotprompt format; `name` is used where the file has none."""

    text = serializers.CharField(max_length=MAX_CHARS, trim_whitespace=False)
    name = serializers.CharField(max_length=120, required=False)


class ImportedSerializer(serializers.Serializer[Any]):
    is_new = serializers.BooleanField()
    version = PromptVersionSerializer()


class LabelSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1)


def _read_spec(values: dict[str, Any]) -> PromptSpec:
    parts = {k: v for k, v in values.items() if k not in ("system", "user", "note", "name")}
    if parts.get("schema") is not None and not isinstance(parts["schema"], dict):
        raise serializers.ValidationError({"schema": ["A JSON Schema is an object."]})
    return spec_from_json(values["system"], values["user"], parts)


def _refuse(error: PromptError) -> serializers.ValidationError:
    faults: dict[str, list[str]] = {}
    for fault in error.faults:
        faults.setdefault(fault.field or "prompt", []).append(fault.message)
    return serializers.ValidationError(faults)


class PromptsView(WorkspaceAPIView):
    pagination_class = Pagination

    @extend_schema(operation_id="prompts_list", responses=PromptSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Prompts by name, with their latest version and their labels."""
        paginator = Pagination()
        rows = paginator.paginate_queryset(list_prompts(self.workspace_id), request)
        return paginator.get_paginated_response(PromptSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="prompts_create",
        request=PromptCreateSerializer,
        responses={201: PromptVersionSerializer},
    )
    def post(self, request: Request) -> Response:
        """A prompt with its first version."""
        form = PromptCreateSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        try:
            with transaction.atomic():
                version = create_prompt(
                    self.workspace,
                    name=values["name"],
                    spec=_read_spec(values),
                    note=values.get("note", ""),
                    actor=self.actor,
                )
        except IntegrityError as error:
            raise Problem(409, "name_taken", "Another prompt has this name.") from error
        except PromptError as error:
            raise _refuse(error) from error
        return Response(PromptVersionSerializer(version).data, status=201)


class PromptImportView(WorkspaceAPIView):
    @extend_schema(
        operation_id="prompts_import", request=PromptFileSerializer, responses=ImportedSerializer
    )
    def post(self, request: Request) -> Response:
        """Import a file as the next version of its prompt, unless the latest is identical."""
        form = PromptFileSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        try:
            file = parse_dotprompt(values["text"])
            named = PromptFile(file.name or values.get("name", ""), file.note, file.spec)
            imported = import_prompt(self.workspace, file=named, actor=self.actor)
        except DotpromptError as error:
            raise serializers.ValidationError({"text": [str(error)]}) from error
        except PromptError as error:
            raise _refuse(error) from error
        return Response(ImportedSerializer(imported).data)


class PromptView(WorkspaceAPIView):
    @extend_schema(operation_id="prompts_retrieve", responses=PromptSerializer)
    def get(self, request: Request, prompt_id: UUID) -> Response:
        row = get_prompt(self.workspace_id, prompt_id)
        return Response(PromptSerializer(list_prompts(self.workspace_id).get(pk=row.pk)).data)

    @extend_schema(operation_id="prompts_destroy", responses={204: None})
    def delete(self, request: Request, prompt_id: UUID) -> Response:
        """Delete a prompt. 409 if a release was made with it, which must stay reproducible."""
        prompt = get_prompt(self.workspace_id, prompt_id)
        is_used = bool(list_uses(self.workspace_id, prompt))
        try:
            delete_prompt(prompt, actor=self.actor, is_used=is_used)
        except PromptInUseError as error:
            raise Problem(409, "in_use", "Releases were made with this prompt.") from error
        return Response(status=204)


class PromptVersionsView(WorkspaceAPIView):
    pagination_class = Pagination

    @extend_schema(
        operation_id="prompt_versions_list", responses=PromptVersionSerializer(many=True)
    )
    def get(self, request: Request, prompt_id: UUID) -> Response:
        """Newest first."""
        paginator = Pagination()
        row = list_versions(get_prompt(self.workspace_id, prompt_id))
        rows = paginator.paginate_queryset(row, request)
        return paginator.get_paginated_response(PromptVersionSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="prompt_versions_create",
        request=PromptSpecSerializer,
        responses={201: PromptVersionSerializer},
    )
    def post(self, request: Request, prompt_id: UUID) -> Response:
        """The next version. It answers nothing until a release with it is promoted."""
        prompt = get_prompt(self.workspace_id, prompt_id)
        form = PromptSpecSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        try:
            version = add_version(
                prompt, spec=_read_spec(values), note=values.get("note", ""), actor=self.actor
            )
        except PromptError as error:
            raise _refuse(error) from error
        return Response(PromptVersionSerializer(version).data, status=201)


class PromptVersionView(WorkspaceAPIView):
    @extend_schema(operation_id="prompt_versions_retrieve", responses=PromptVersionSerializer)
    def get(self, request: Request, prompt_id: UUID, version_name: str) -> Response:
        """By number, or by the name of a label, such as `production`."""
        row = get_version(get_prompt(self.workspace_id, prompt_id), version_name)
        return Response(PromptVersionSerializer(row).data)


class PromptFileView(WorkspaceAPIView):
    @extend_schema(
        operation_id="prompt_versions_file", responses={(200, "text/plain"): OpenApiTypes.STR}
    )
    def get(self, request: Request, prompt_id: UUID, version_name: str) -> HttpResponse:
        """The version as a file in the dotprompt format."""
        row = get_version(get_prompt(self.workspace_id, prompt_id), version_name)
        text = dump_dotprompt(PromptFile(row.prompt.name, row.note, row.spec))
        return HttpResponse(text, content_type="text/plain; charset=utf-8")


class PromptLabelView(WorkspaceAPIView):
    @extend_schema(
        operation_id="prompt_labels_set", request=LabelSerializer, responses=PromptVersionSerializer
    )
    def put(self, request: Request, prompt_id: UUID, label: str) -> Response:
        """Point the label at a version."""
        prompt = get_prompt(self.workspace_id, prompt_id)
        form = LabelSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        version = get_version(prompt, str(form.validated_data["version"]))
        try:
            set_label(version, name=label, actor=self.actor)
        except LabelError as error:
            raise serializers.ValidationError({"label": [str(error)]}) from error
        return Response(PromptVersionSerializer(get_version(prompt, str(version.number))).data)

    @extend_schema(operation_id="prompt_labels_remove", responses={204: None})
    def delete(self, request: Request, prompt_id: UUID, label: str) -> Response:
        """Remove the label; the version stays."""
        remove_label(get_label(get_prompt(self.workspace_id, prompt_id), label), actor=self.actor)
        return Response(status=204)
