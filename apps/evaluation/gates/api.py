"""REST: the rules that releases are held to, and what they say of a release, for CI."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.assistants.access import get_assistant, get_release
from apps.core.api import Problem
from apps.core.options import OptionError
from apps.evaluation.access import get_experiment, get_gate_rule
from apps.evaluation.gates.metric_lookup import resolve_metric
from apps.evaluation.gates.rules import judge_release, list_rules
from apps.evaluation.gates.serializers import (
    GateRuleRequestSerializer,
    GateRuleSerializer,
    GateVerdictSerializer,
)
from apps.evaluation.gates.services import add_rule, remove_rule
from apps.workspaces.api import WorkspaceAPIView


class GateListView(WorkspaceAPIView):
    @extend_schema(operation_id="gates_list", responses=GateRuleSerializer(many=True))
    def get(self, request: Request, assistant_id: UUID) -> Response:
        """The rules that the assistant's releases are held to."""
        rules = list_rules(get_assistant(self.workspace_id, assistant_id))
        return Response(GateRuleSerializer(rules, many=True).data)

    @extend_schema(
        operation_id="gates_create",
        request=GateRuleRequestSerializer,
        responses={201: GateRuleSerializer},
    )
    def post(self, request: Request, assistant_id: UUID) -> Response:
        """Add a rule; its threshold is in the metric's own unit (shares from 0 to 1)."""
        assistant = get_assistant(self.workspace_id, assistant_id)
        form = GateRuleRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = dict(form.validated_data)
        try:
            metric = resolve_metric(assistant, values.pop("metric"))
        except OptionError as error:
            raise serializers.ValidationError({"metric": [str(error)]}) from error
        rule = add_rule(assistant, metric=metric, actor=self.actor, **values)
        return Response(GateRuleSerializer(rule).data, status=201)


class GateView(WorkspaceAPIView):
    @extend_schema(operation_id="gates_destroy", responses={204: None})
    def delete(self, request: Request, assistant_id: UUID, rule_id: UUID) -> Response:
        """Releases are no longer held to it."""
        assistant = get_assistant(self.workspace_id, assistant_id)
        remove_rule(get_gate_rule(assistant, rule_id), actor=self.actor)
        return Response(status=204)


class ReleaseGateView(WorkspaceAPIView):
    @extend_schema(
        operation_id="releases_gate",
        parameters=[
            OpenApiParameter("experiment", UUID, description="Judge by this one, not the newest")
        ],
        responses=GateVerdictSerializer,
    )
    def get(self, request: Request, assistant_id: UUID, number: int) -> Response:
        """Whether a release may be promoted, and why; for CI."""
        release = get_release(get_assistant(self.workspace_id, assistant_id), number)
        experiment = None
        if experiment_id := request.query_params.get("experiment"):
            try:
                experiment = get_experiment(self.workspace_id, UUID(experiment_id))
            except ValueError as error:
                raise Problem(400, "experiment", "This is no id of an experiment.") from error
        verdicts = judge_release(release, experiment=experiment)
        body: dict[str, Any] = {
            "release": release.number,
            "ok": all(verdict.ok for verdict in verdicts),
            "rules": verdicts,
        }
        return Response(GateVerdictSerializer(body).data)
