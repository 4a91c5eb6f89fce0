"""REST: tests of how steady answers are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.assistants.access import get_assistant
from apps.assistants.models import Probe
from apps.assistants.probes.needle import LENGTHS
from apps.assistants.probes.selectors import (
    ProbeView,
    get_probe,
    list_probes,
    report_needle,
    report_perturbation,
    view_probe,
)
from apps.assistants.probes.services import (
    MAX_ATTEMPTS,
    MAX_QUESTIONS,
    NeedlePlan,
    cancel_probe,
    delete_probe,
    start_needle,
    start_perturbation,
)
from apps.core.api import Problem
from apps.gateway.access import get_endpoint
from apps.gateway.models import Endpoint
from apps.workspaces.api import WorkspaceAPIView


class ProbeSerializer(serializers.Serializer[Any]):
    """How far it is. `report` holds its figures; null in lists."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    model = serializers.CharField()
    state = serializers.CharField()
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    failed = serializers.IntegerField()
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    report = serializers.JSONField(allow_null=True)


class PerturbationSerializer(serializers.Serializer[Any]):
    """`endpoint` null is the built-in reader."""

    assistant = serializers.UUIDField()
    endpoint = serializers.UUIDField(required=False, allow_null=True)
    questions = serializers.ListField(
        child=serializers.CharField(max_length=1000), min_length=1, max_length=MAX_QUESTIONS
    )


class NeedleSerializer(serializers.Serializer[Any]):
    """Lengths in tokens; those beyond the model's window are left out."""

    endpoint = serializers.UUIDField(required=False, allow_null=True)
    lengths = serializers.ListField(
        child=serializers.IntegerField(min_value=100, max_value=max(LENGTHS)),
        min_length=1,
        max_length=len(LENGTHS),
    )
    attempts = serializers.IntegerField(min_value=1, max_value=MAX_ATTEMPTS, default=1)


class ProbeBase(WorkspaceAPIView):
    def find_endpoint(self, values: dict[str, Any]) -> Endpoint | None:
        endpoint_id = values.get("endpoint")
        return get_endpoint(self.workspace_id, endpoint_id) if endpoint_id else None


class ProbesView(ProbeBase):
    @extend_schema(operation_id="probes_list", responses=ProbeSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The latest hundred, newest first."""
        return Response([_tell(view) for view in list_probes(self.workspace_id)])


class PerturbationsView(ProbeBase):
    @extend_schema(
        operation_id="probes_perturb",
        request=PerturbationSerializer,
        responses={201: ProbeSerializer},
    )
    def post(self, request: Request) -> Response:
        """Ask questions in other shapes and measure how far the answers move."""
        form = PerturbationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        assistant = get_assistant(self.workspace_id, values["assistant"])
        if assistant.current is None:
            raise Problem(409, "no_release", "This assistant has no release yet.")
        probe = start_perturbation(
            assistant.current,
            endpoint=self.find_endpoint(values),
            questions=list(dict.fromkeys(values["questions"])),
            actor=self.actor,
        )
        return Response(_tell(view_probe(probe)), status=201)


class NeedlesView(ProbeBase):
    @extend_schema(
        operation_id="probes_needle", request=NeedleSerializer, responses={201: ProbeSerializer}
    )
    def post(self, request: Request) -> Response:
        """Hide facts at five depths of texts of these lengths and ask for them."""
        form = NeedleSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        lengths = sorted(set(values["lengths"]))
        plan = NeedlePlan(self.find_endpoint(values), lengths, values["attempts"])
        try:
            probe = start_needle(self.workspace, plan=plan, actor=self.actor)
        except ValueError as error:
            raise serializers.ValidationError({"lengths": [str(error)]}) from error
        return Response(_tell(view_probe(probe)), status=201)


class ProbeItemView(ProbeBase):
    @extend_schema(operation_id="probes_retrieve", responses=ProbeSerializer)
    def get(self, request: Request, probe_id: UUID) -> Response:
        """How far it is, and its figures so far."""
        probe = get_probe(self.workspace_id, probe_id)
        return Response(_tell(view_probe(probe), report=_report(probe)))

    @extend_schema(operation_id="probes_destroy", responses={204: None})
    def delete(self, request: Request, probe_id: UUID) -> Response:
        delete_probe(get_probe(self.workspace_id, probe_id), actor=self.actor)
        return Response(status=204)


class ProbeCancelView(ProbeBase):
    @extend_schema(operation_id="probes_cancel", request=None, responses={200: OpenApiTypes.OBJECT})
    def post(self, request: Request, probe_id: UUID) -> Response:
        """Stop it; what was asked stays."""
        probe = get_probe(self.workspace_id, probe_id)
        cancel_probe(probe)
        return Response(_tell(view_probe(probe)))


def _report(probe: Probe) -> dict[str, Any]:
    if probe.kind == Probe.Kind.PERTURBATION:
        return asdict(report_perturbation(probe)[0])
    return asdict(report_needle(probe))


def _tell(view: ProbeView, report: dict[str, Any] | None = None) -> dict[str, Any]:
    probe = view.probe
    return {
        "id": str(probe.pk),
        "kind": probe.kind,
        "model": probe.endpoint_name or "built-in reader",
        "state": view.state,
        "done": view.done,
        "total": view.total,
        "failed": view.failed,
        "reason": view.reason,
        "created_at": probe.created_at,
        "report": report,
    }
