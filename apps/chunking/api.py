"""REST: chunking strategies, profiles, and a preview of a document."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.chunking.cutting import open_source
from apps.chunking.models import ChunkingProfile
from apps.chunking.planning import read_pages
from apps.chunking.preview import Preview, make_preview
from apps.chunking.profiles import ProfileNameTakenError, create_profile, read_values
from apps.chunking.selectors import list_profiles
from apps.chunking.strategies import STRATEGIES, Strategy
from apps.core.api import Problem
from apps.core.options import OptionError, OptionKind
from apps.documents.access import get_document
from apps.workspaces.api import WorkspaceAPIView
from apps.workspaces.models import Scope
from inference.errors import ModelFilesError

KIND_NAMES: dict[OptionKind, str] = {
    "whole": "integer",
    "number": "number",
    "choice": "choice",
    "flag": "switch",
}
"""What this API has always called the kinds of options that strategies have."""


class ParameterChoiceSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class ChunkingParameterSerializer(serializers.Serializer[Any]):
    """A setting of a strategy. `unit` is what a number counts."""

    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    kind = serializers.ChoiceField(choices=list(KIND_NAMES.values()))
    default = serializers.JSONField()
    minimum = serializers.FloatField(allow_null=True)
    maximum = serializers.FloatField(allow_null=True)
    unit = serializers.CharField()
    choices = ParameterChoiceSerializer(many=True)


class ChunkingStrategySerializer(serializers.Serializer[Any]):
    """A way to cut documents into passages."""

    key = serializers.CharField()
    name = serializers.CharField()
    family = serializers.CharField()
    summary = serializers.CharField()
    uses_embedder = serializers.BooleanField()
    parameters = ChunkingParameterSerializer(many=True)


class ChunkingSettingSerializer(serializers.Serializer[Any]):
    """A strategy and its parameters; what is not given is at its default."""

    strategy = serializers.ChoiceField(choices=sorted(STRATEGIES))
    params = serializers.DictField(default=dict)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            attrs["params"] = STRATEGIES[attrs["strategy"]].clean(attrs["params"])
        except OptionError as error:
            raise serializers.ValidationError({"params": error.errors}) from None
        return attrs


class ChunkingProfileRequestSerializer(ChunkingSettingSerializer):
    name = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")


class ChunkingProfileSerializer(serializers.Serializer[Any]):
    """A setting under a name. It is never changed: indexes are built with it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    strategy = serializers.CharField()
    params = serializers.DictField()
    created_at = serializers.DateTimeField()


class CutPassageSerializer(serializers.Serializer[Any]):
    """`start` and `end` are character offsets into the document's text; so are the parent's."""

    start = serializers.IntegerField()
    end = serializers.IntegerField()
    heading = serializers.CharField()
    first_page = serializers.IntegerField()
    last_page = serializers.IntegerField()
    num_tokens = serializers.IntegerField()
    parent_start = serializers.IntegerField(allow_null=True)
    parent_end = serializers.IntegerField(allow_null=True)


class ChunkingPreviewSerializer(serializers.Serializer[Any]):
    """How a document would be cut. A long one is cut at its beginning only (`is_part`)."""

    name = serializers.CharField()
    passages = CutPassageSerializer(many=True)
    chars_read = serializers.IntegerField()
    is_part = serializers.BooleanField()
    tokens_read_by_model = serializers.IntegerField()
    num_oversize = serializers.IntegerField()
    num_tiny = serializers.IntegerField()
    repeated_percent = serializers.IntegerField()


class StrategiesView(WorkspaceAPIView):
    """The chunking strategies and their parameters."""

    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="chunking_strategies", responses=ChunkingStrategySerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        return Response([_render_strategy(strategy) for strategy in STRATEGIES.values()])


class ProfilesView(WorkspaceAPIView):
    """Chunking profiles: settings that indexes are built with."""

    @extend_schema(
        operation_id="chunking_profiles_list", responses=ChunkingProfileSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        return Response([_render_profile(profile) for profile in list_profiles(self.workspace_id)])

    @extend_schema(
        operation_id="chunking_profiles_create",
        request=ChunkingProfileRequestSerializer,
        responses={201: ChunkingProfileSerializer},
    )
    def post(self, request: Request) -> Response:
        serializer = ChunkingProfileRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        try:
            profile = create_profile(
                self.workspace,
                name=values["name"],
                splitter=values["strategy"],
                params=values["params"],
            )
        except ProfileNameTakenError:
            raise Problem(409, "name_taken", "Another setting has this name already.") from None
        return Response(_render_profile(profile), status=201)


class PreviewView(WorkspaceAPIView):
    """How a setting would cut a document. Nothing is stored."""

    scopes = {"POST": Scope.READ}

    @extend_schema(
        operation_id="chunking_preview",
        request=ChunkingSettingSerializer,
        responses=ChunkingPreviewSerializer,
    )
    def post(self, request: Request, document_id: UUID) -> Response:
        document = get_document(self.workspace_id, document_id)
        serializer = ChunkingSettingSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if document.current is None:
            raise Problem(409, "not_ready", "This document has no text yet.")
        try:
            source = open_source(read_pages(document.current))
        except ModelFilesError:
            raise Problem(503, "model_not_ready", "The embedding model is not ready.") from None
        strategy = STRATEGIES[serializer.validated_data["strategy"]]
        preview = make_preview(
            source, strategy=strategy, values=serializer.validated_data["params"]
        )
        return Response(_render_preview(preview))


def _render_strategy(strategy: Strategy) -> dict[str, Any]:
    return {
        "key": strategy.key,
        "name": strategy.name,
        "family": strategy.family,
        "summary": strategy.summary,
        "uses_embedder": strategy.uses_embedder,
        "parameters": [
            {
                "name": parameter.name,
                "title": parameter.label,
                "description": parameter.help,
                "kind": KIND_NAMES[parameter.kind],
                "default": parameter.default,
                "minimum": parameter.minimum,
                "maximum": parameter.maximum,
                "unit": parameter.unit,
                "choices": [{"value": v, "label": label} for v, label in parameter.choices],
            }
            for parameter in strategy.parameters
        ],
    }


def _render_profile(profile: ChunkingProfile) -> dict[str, Any]:
    return {
        "id": profile.pk,
        "name": profile.name,
        "strategy": profile.splitter,
        "params": read_values(profile),
        "created_at": profile.created_at,
    }


def _render_preview(preview: Preview) -> dict[str, Any]:
    data: dict[str, Any] = ChunkingPreviewSerializer(
        {
            "name": preview.name,
            "passages": preview.pieces,
            "chars_read": preview.chars_read,
            "is_part": preview.is_part,
            "tokens_read_by_model": preview.room,
            "num_oversize": preview.num_oversize,
            "num_tiny": preview.num_tiny,
            "repeated_percent": preview.repeated_percent,
        }
    ).data
    return data
