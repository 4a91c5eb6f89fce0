"""What the REST API says of gates."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.evaluation.gates.rules import GateVerdict
from apps.evaluation.models import GateRule


class GateRuleSerializer(serializers.ModelSerializer[GateRule]):
    class Meta:
        model = GateRule
        fields = ("id", "metric", "kind", "statistic", "threshold", "confidence", "created_at")


class GateRuleRequestSerializer(serializers.Serializer[Any]):
    metric = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(choices=GateRule.Kind.choices)
    statistic = serializers.ChoiceField(
        choices=GateRule.Statistic.choices, default=GateRule.Statistic.MEAN.value
    )
    threshold = serializers.FloatField(min_value=0)
    confidence = serializers.FloatField(default=0.95, min_value=0.51, max_value=0.999)


class GateRowSerializer(serializers.Serializer[GateVerdict]):
    name = serializers.CharField()
    ok = serializers.BooleanField()
    reason = serializers.CharField()
    left_out = serializers.IntegerField(
        help_text="Examples that did not count: a compared release wrote what they expect"
    )
    experiment = serializers.UUIDField(source="experiment.pk", default=None, allow_null=True)


class GateVerdictSerializer(serializers.Serializer[Any]):
    release = serializers.IntegerField()
    ok = serializers.BooleanField()
    rules = GateRowSerializer(many=True)
