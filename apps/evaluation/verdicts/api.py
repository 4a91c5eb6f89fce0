"""REST: an experiment's verdicts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.evaluation.access import get_experiment
from apps.evaluation.experiments.selectors import list_releases
from apps.evaluation.experiments.serializers import ComparedSerializer
from apps.evaluation.verdicts.selectors import view_verdicts
from apps.workspaces.api import WorkspaceAPIView


class VerdictSerializer(serializers.Serializer[Any]):
    """A release by the headline metric. Differences are candidate minus promoted.

    `own_answers` counts the examples whose expected answer one of the two releases wrote
    (`own_answers_of`); `without_own` is the comparison on all others.
    """

    candidate = serializers.IntegerField(source="candidate.number")
    against = serializers.IntegerField(source="against.number", default=None, allow_null=True)
    metric = serializers.CharField(source="metric.key")
    label = serializers.CharField(source="metric.label")  # type: ignore[assignment]
    outcome = serializers.ChoiceField(choices=["better", "worse", "same", ""])
    sentence = serializers.CharField()
    caveat = serializers.CharField()
    comparison = ComparedSerializer(source="row", allow_null=True)
    own_answers = serializers.IntegerField(source="row.own", default=0)
    own_answers_of = serializers.ListField(child=serializers.IntegerField(), source="own.releases")
    without_own = ComparedSerializer(source="row.without", default=None, allow_null=True)


class VerdictsView(WorkspaceAPIView):
    @extend_schema(operation_id="experiments_verdicts", responses=VerdictSerializer(many=True))
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """Each candidate against the release that was promoted, in sentences."""
        experiment = get_experiment(self.workspace_id, experiment_id)
        verdicts = view_verdicts(experiment, list_releases(experiment))
        return Response(VerdictSerializer(verdicts, many=True).data)
