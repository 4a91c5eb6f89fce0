"""REST: the releases of an assistant."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.assistants.access import get_assistant, get_release
from apps.assistants.api import AssistantBase, AssistantChangeSerializer, refusal
from apps.assistants.models import Assistant, Release
from apps.assistants.recipes.serializers import (
    RetrievalSerializer,
    SamplingSerializer,
    show_profile,
    show_sampling,
)
from apps.assistants.releases.diff import diff_releases, tell_changes
from apps.assistants.releases.promotion import PromotionRefusedError, promote, run_release_checks
from apps.assistants.selectors import list_releases
from apps.core.api import Pagination


class ReleaseSerializer(serializers.ModelSerializer[Release]):
    """A frozen recipe. `is_current`: it answers now; `was_promoted` false: a candidate."""

    is_current = serializers.BooleanField(read_only=True)
    was_promoted = serializers.BooleanField(read_only=True)
    prompt_version = serializers.CharField(read_only=True)
    prompt_version_id = serializers.UUIDField(read_only=True)
    author = serializers.CharField(
        read_only=True, help_text="The person who made it, or the key of the program that did."
    )
    retrieval = serializers.SerializerMethodField()
    sampling = serializers.SerializerMethodField()

    class Meta:
        model = Release
        fields = (
            "id", "number", "note", "is_current", "was_promoted", "prompt_version",
            "prompt_version_id", "collections", "endpoint", "endpoint_snapshot", "step_snapshots",
            "retrieval", "sampling", "author", "created_at",
        )  # fmt: skip

    @extend_schema_field(RetrievalSerializer)
    def get_retrieval(self, release: Release) -> dict[str, Any]:
        return show_profile(release.retrieval)

    @extend_schema_field(SamplingSerializer)
    def get_sampling(self, release: Release) -> dict[str, Any]:
        return show_sampling(release.sampling)


class ReleaseChangeSerializer(serializers.Serializer[Any]):
    part = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    old = serializers.CharField()
    new = serializers.CharField()
    is_text = serializers.BooleanField()


class ReleaseDiffSerializer(serializers.Serializer[Any]):
    summary = serializers.CharField()
    changes = ReleaseChangeSerializer(many=True)


class ReleaseCheckSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    ok = serializers.BooleanField()
    reason = serializers.CharField()
    url = serializers.CharField()


class PromoteSerializer(serializers.Serializer[Any]):
    """`override_reason` says why to promote although a check refuses; it is kept."""

    override_reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class PromotionSerializer(serializers.Serializer[Any]):
    release = serializers.IntegerField(source="release.number")
    previous = serializers.IntegerField(source="previous.number", allow_null=True, default=None)
    is_rollback = serializers.BooleanField()
    override_reason = serializers.CharField()
    checks = ReleaseCheckSerializer(many=True)
    created_at = serializers.DateTimeField()


class ReleasesView(AssistantBase):
    pagination_class = Pagination

    @extend_schema(operation_id="releases_list", responses=ReleaseSerializer(many=True))
    def get(self, request: Request, assistant_id: UUID) -> Response:
        """Newest first."""
        paginator = Pagination()
        releases = list_releases(get_assistant(self.workspace_id, assistant_id))
        rows = paginator.paginate_queryset(releases.prefetch_related("collections"), request)
        return paginator.get_paginated_response(ReleaseSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="releases_create",
        request=AssistantChangeSerializer,
        responses={201: ReleaseSerializer},
    )
    def post(self, request: Request, assistant_id: UUID) -> Response:
        """A candidate that differs from the current release in what is given."""
        assistant = get_assistant(self.workspace_id, assistant_id)
        form = AssistantChangeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        release = self.draft(assistant, self.read_change(form.validated_data))
        return Response(show_release(assistant, release), status=201)


class ReleaseView(AssistantBase):
    @extend_schema(operation_id="releases_retrieve", responses=ReleaseSerializer)
    def get(self, request: Request, assistant_id: UUID, number: int) -> Response:
        """One release."""
        assistant = get_assistant(self.workspace_id, assistant_id)
        return Response(show_release(assistant, get_release(assistant, number)))


class ReleaseDiffView(AssistantBase):
    @extend_schema(
        operation_id="releases_diff",
        parameters=[OpenApiParameter("against", int, description="default: the current release")],
        responses=ReleaseDiffSerializer,
    )
    def get(self, request: Request, assistant_id: UUID, number: int) -> Response:
        """How it differs from another release of the assistant."""
        assistant = get_assistant(self.workspace_id, assistant_id)
        new = get_release(assistant, number)
        against = request.query_params.get("against", "")
        if against and not (against.isdecimal() and len(against) < 9):
            raise serializers.ValidationError({"against": ["This is no number of a release."]})
        current = assistant.current.number if assistant.current else number
        old = get_release(assistant, int(against) if against else current)
        changes = diff_releases(old, new)
        return Response(
            {"summary": tell_changes(changes), "changes": [asdict(change) for change in changes]}
        )


class ReleaseChecksView(AssistantBase):
    @extend_schema(operation_id="releases_checks", responses=ReleaseCheckSerializer(many=True))
    def get(self, request: Request, assistant_id: UUID, number: int) -> Response:
        """What is asked before it may be promoted, and how that stands now."""
        release = get_release(get_assistant(self.workspace_id, assistant_id), number)
        return Response([asdict(check) for check in run_release_checks(release)])


class ReleasePromoteView(AssistantBase):
    @extend_schema(
        operation_id="releases_promote", request=PromoteSerializer, responses=PromotionSerializer
    )
    def post(self, request: Request, assistant_id: UUID, number: int) -> Response:
        """Answer with it from now on. 409 if a check refuses it and no reason is given."""
        release = get_release(get_assistant(self.workspace_id, assistant_id), number)
        form = PromoteSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        reason = form.validated_data.get("override_reason")
        try:
            promotion = promote(release, actor=self.actor, override_reason=reason)
        except PromotionRefusedError as refused:
            raise refusal(refused) from refused
        return Response(PromotionSerializer(promotion).data)


def show_release(assistant: Assistant, release: Release) -> dict[str, Any]:
    """A release as the API shows it."""
    row = list_releases(assistant).get(pk=release.pk)
    return dict(ReleaseSerializer(row).data)
