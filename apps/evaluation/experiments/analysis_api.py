"""REST: how an experiment's metrics correlate, what quality costs, and which mistakes are made."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.evaluation.access import get_experiment
from apps.evaluation.experiments.analysis import measure_correlations, plot_tradeoff
from apps.evaluation.experiments.metrics import find_metric, read_metrics
from apps.evaluation.experiments.mistakes import count_mistakes, find_correctness
from apps.evaluation.experiments.selectors import list_releases
from apps.workspaces.api import WorkspaceAPIView


class CorrelationSerializer(serializers.Serializer[Any]):
    """Spearman's rank correlation of a metric with each, -1 to 1; null where it is undefined."""

    metric = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    values = serializers.DictField(child=serializers.FloatField(allow_null=True))


class TradeoffRowSerializer(serializers.Serializer[Any]):
    """A release: what it costs and what that buys. `is_best`: no other beats it in both."""

    release = serializers.IntegerField()
    model = serializers.CharField()
    quality = serializers.FloatField(help_text="In percent for shares")
    low = serializers.FloatField()
    high = serializers.FloatField()
    spent = serializers.FloatField(help_text="On the axis that `against` names")
    is_best = serializers.BooleanField()


class TradeoffSerializer(serializers.Serializer[Any]):
    metric = serializers.CharField()
    against = serializers.CharField()
    words = serializers.CharField()
    rows = TradeoffRowSerializer(many=True)


class MistakesRowSerializer(serializers.Serializer[Any]):
    """A release's answers to questions that the documents answer."""

    release = serializers.IntegerField(source="release.number")
    asked = serializers.IntegerField()
    wrong = serializers.IntegerField(
        allow_null=True, help_text="Answered, below the middle of the metric; null without one"
    )
    declined = serializers.IntegerField(help_text="False refusals")
    at_hand = serializers.IntegerField(
        help_text="Of these, the passage with the answer had been retrieved"
    )
    unknown = serializers.IntegerField(
        help_text="Of these, nobody said which passage or words the answer is"
    )


class MistakesSerializer(serializers.Serializer[Any]):
    metric = serializers.CharField(help_text="What tells wrong from right; empty without one")
    rows = MistakesRowSerializer(many=True)


class MistakesView(WorkspaceAPIView):
    @extend_schema(operation_id="experiments_mistakes", responses=MistakesSerializer)
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """Wrong answers beside false refusals, for each release."""
        experiment = get_experiment(self.workspace_id, experiment_id)
        metric = find_correctness(experiment)
        rows = count_mistakes(experiment, list_releases(experiment))
        body = {"metric": metric.key if metric else "", "rows": rows}
        return Response(MistakesSerializer(body).data)


class CorrelationsView(WorkspaceAPIView):
    @extend_schema(
        operation_id="experiments_correlations", responses=CorrelationSerializer(many=True)
    )
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """Which metrics say the same, and which say something of their own."""
        metrics, table = measure_correlations(get_experiment(self.workspace_id, experiment_id))
        keys = [metric.key for metric in metrics]
        rows = [
            {"metric": m.key, "label": m.label, "values": dict(zip(keys, row, strict=True))}
            for m, row in zip(metrics, table, strict=True)
        ]
        return Response(CorrelationSerializer(rows, many=True).data)


class TradeoffView(WorkspaceAPIView):
    @extend_schema(
        operation_id="experiments_tradeoff",
        parameters=[OpenApiParameter("metric", description="A metric's key; default: headline")],
        responses=TradeoffSerializer,
    )
    def get(self, request: Request, experiment_id: UUID) -> Response:
        """The Pareto front of quality against cost, or against time where nothing costs."""
        experiment = get_experiment(self.workspace_id, experiment_id)
        key = request.query_params.get("metric", "")
        quality = find_metric(experiment.evaluators, key)
        if key and quality is None:
            raise serializers.ValidationError({"metric": ["The experiment has no such metric."]})
        quality = quality or read_metrics(experiment.evaluators)[0]
        drawn = plot_tradeoff(experiment, list_releases(experiment), quality)
        body: dict[str, Any] = {"metric": quality.key, "against": "", "words": "", "rows": []}
        if drawn is not None:
            rows = [
                {"release": row.release.number, "model": row.model, "quality": point.y,
                 "low": point.low, "high": point.high, "spent": point.x, "is_best": row.is_best}
                for row, point in zip(drawn.rows, drawn.points, strict=True)
            ]  # fmt: skip
            body |= {"against": drawn.x_title, "words": drawn.words, "rows": rows}
        return Response(TradeoffSerializer(body).data)
