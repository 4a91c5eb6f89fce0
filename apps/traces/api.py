"""REST: `GET traces/{id}/`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.traces.access import get_key_trace
from apps.traces.models import Span, Trace
from apps.workspaces.api import WorkspaceAPIView


class SpanSerializer(serializers.ModelSerializer[Span]):
    class Meta:
        model = Span
        fields = ("position", "name", "offset_ms", "duration_ms", "status", "attributes")


class TraceSerializer(serializers.ModelSerializer[Trace]):
    message = serializers.UUIDField(source="subject_id", allow_null=True)
    release = serializers.UUIDField(source="release_id", allow_null=True)
    spans = serializers.SerializerMethodField()

    class Meta:
        model = Trace
        fields = (
            "id", "name", "message", "release", "status", "started_at", "duration_ms",
            "first_token_ms", "input_tokens", "output_tokens", "cost", "attributes", "spans",
        )  # fmt: skip

    def get_spans(self, trace: Trace) -> list[dict[str, Any]]:
        spans = sorted(trace.spans.all(), key=lambda span: span.position)
        return [dict(SpanSerializer(span).data) for span in spans]


class TraceView(WorkspaceAPIView):
    @extend_schema(operation_id="traces_retrieve", responses=TraceSerializer)
    def get(self, request: Request, trace_id: UUID) -> Response:
        """What one answer did: timed spans with their attributes, tokens and cost."""
        return Response(TraceSerializer(get_key_trace(self.access, trace_id)).data)
