"""What the REST API says of experiments."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.evaluation.experiments.metrics import find_metric
from apps.evaluation.experiments.plans import (
    MAX_EXPERIMENT_NAME,
    MAX_PARALLEL,
    MAX_RELEASES,
    MAX_REPEATS,
)
from apps.evaluation.experiments.self_judging import list_self_judged
from apps.evaluation.models import Experiment, ExperimentItem, Summary
from measures.evaluators.base import Evaluator
from measures.evaluators.groundedness import OUTCOMES
from measures.evaluators.names import name_evaluator
from measures.evaluators.presets import PRESETS, expand_preset

MAX_CRITERIA = 20


class EvaluatorSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.SerializerMethodField()  # type: ignore[assignment]
    higher_is_better = serializers.BooleanField()
    explanation = serializers.CharField()
    group = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    version = serializers.IntegerField()
    needs = serializers.SerializerMethodField()
    settings = serializers.SerializerMethodField()
    asks_a_model = serializers.SerializerMethodField()

    def get_label(self, evaluator: Evaluator) -> str:
        return name_evaluator(evaluator.name, evaluator.label)

    def get_needs(self, evaluator: Evaluator) -> list[str]:
        return sorted(str(need) for need in evaluator.needs)

    def get_settings(self, evaluator: Evaluator) -> dict[str, Any]:
        return {setting.name: setting.default for setting in evaluator.settings}

    def get_asks_a_model(self, evaluator: Evaluator) -> bool:
        return evaluator.judge is not None


class ChosenEvaluatorSerializer(serializers.Serializer[Any]):
    evaluator = serializers.CharField(max_length=80)
    settings = serializers.DictField(required=False)


class ExperimentRequestSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(
        max_length=MAX_EXPERIMENT_NAME,
        required=False,
        allow_blank=True,
        default="",
        help_text="Left out, it is named after what it compares",
    )
    assistant = serializers.UUIDField()
    dataset = serializers.UUIDField()
    version = serializers.IntegerField(min_value=1, help_text="The number of a frozen version")
    releases = serializers.ListField(
        child=serializers.IntegerField(min_value=1), min_length=1, max_length=MAX_RELEASES
    )
    preset = serializers.ChoiceField(
        choices=list(PRESETS),
        required=False,
        help_text="Stands for the evaluators that it names; `evaluators` adds to them",
    )
    evaluators = serializers.ListField(child=ChosenEvaluatorSerializer(), required=False)
    criteria = serializers.ListField(
        child=serializers.UUIDField(), required=False, default=list, max_length=MAX_CRITERIA,
        help_text="Lines of the guideline; each becomes a judge with its rubric and examples",
    )  # fmt: skip
    judge = serializers.UUIDField(required=False, allow_null=True)
    repeats = serializers.IntegerField(default=1, min_value=1, max_value=MAX_REPEATS)
    sample_size = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    sample_seed = serializers.IntegerField(default=0, min_value=0, max_value=2_000_000_000)
    with_turns = serializers.BooleanField(default=False)
    parallel = serializers.IntegerField(default=4, min_value=1, max_value=MAX_PARALLEL)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """`evaluators` as the preset and the request name them together."""
        preset, chosen = attrs.pop("preset", ""), attrs.get("evaluators") or []
        if not preset and not chosen:
            raise serializers.ValidationError(
                {"evaluators": ["Choose at least one evaluator, or a preset."]}
            )
        attrs["evaluators"] = expand_preset(preset, chosen) if preset else chosen
        return attrs


class PresetSerializer(serializers.Serializer[Any]):
    """Evaluators under one name, for `preset` of an experiment."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    purpose = serializers.CharField()
    evaluators = serializers.ListField(child=serializers.CharField(), source="available")


class ExperimentSerializer(serializers.ModelSerializer[Experiment]):
    dataset = serializers.UUIDField(source="dataset_version.dataset_id")
    version = serializers.IntegerField(source="dataset_version.number")
    baseline = serializers.IntegerField(source="baseline.number", default=None, allow_null=True)
    self_judged = serializers.SerializerMethodField()

    class Meta:
        model = Experiment
        fields = (
            "id", "name", "assistant", "dataset", "version", "baseline", "judge_name",
            "self_judged", "state", "reason", "total", "done", "failed", "cost", "created_at",
            "started_at", "finished_at",
        )  # fmt: skip

    def get_self_judged(self, experiment: Experiment) -> list[int]:
        """Numbers of the releases whose model is also the judge, which favours its own answers."""
        return [release.number for release in list_self_judged(experiment)]


class PlanSerializer(serializers.ModelSerializer[Experiment]):
    releases = serializers.SerializerMethodField()

    class Meta:
        model = Experiment
        fields = (
            "id", "releases", "evaluators", "judge_name", "repeats", "sample_size", "sample_seed",
            "with_turns", "parallel",
        )  # fmt: skip

    def get_releases(self, experiment: Experiment) -> list[int]:
        return list(experiment.releases.order_by("number").values_list("number", flat=True))


class SummarySerializer(serializers.ModelSerializer[Summary]):
    release = serializers.IntegerField(source="release.number")
    version = serializers.SerializerMethodField()

    class Meta:
        model = Summary
        fields = (
            "release", "metric", "version", "count", "mean", "low", "high", "p50", "p95",
            "better", "worse", "same", "change", "change_low", "change_high", "spread",
        )  # fmt: skip

    def get_version(self, summary: Summary) -> int:
        """Of the evaluator that gave these scores; numbers of two versions do not compare."""
        metric = find_metric(summary.experiment.evaluators, summary.metric)
        return metric.version if metric else 1


class ItemSerializer(serializers.ModelSerializer[ExperimentItem]):
    release = serializers.IntegerField(source="release.number")
    question = serializers.CharField(source="example.question")
    scores = serializers.SerializerMethodField()

    class Meta:
        model = ExperimentItem
        fields = (
            "id", "release", "example", "question", "repetition", "state", "error", "answer",
            "is_declined", "turns", "trace", "duration_ms", "first_token_ms", "input_tokens",
            "output_tokens", "cost", "scores",
        )  # fmt: skip

    def get_scores(self, item: ExperimentItem) -> list[dict[str, Any]]:
        return [
            {"metric": s.metric, "turn": s.turn, "value": s.value, "label": s.label,
             "reason": s.reason, "details": s.details}
            for s in item.scores.all()
        ]  # fmt: skip


class SentenceSerializer(serializers.Serializer[Any]):
    """A statement of an answer: how likely `passages` support it, and what its citations do."""

    text = serializers.CharField()
    probability = serializers.FloatField()
    is_supported = serializers.BooleanField()
    outcome = serializers.ChoiceField(choices=list(OUTCOMES.items()))
    passages = serializers.ListField(child=serializers.IntegerField())
    best = serializers.CharField(help_text="The nearest sentence of these passages")
    missing = serializers.ListField(child=serializers.CharField())
    right = serializers.ListField(child=serializers.IntegerField(), help_text="Cited, and holds it")
    wrong = serializers.ListField(child=serializers.IntegerField(), help_text="Cited, of no use")


class ComparedSerializer(serializers.Serializer[Any]):
    better = serializers.IntegerField(source="comparison.better")
    worse = serializers.IntegerField(source="comparison.worse")
    same = serializers.IntegerField(source="comparison.same")
    difference = serializers.FloatField(
        source="comparison.difference.estimate", default=None, allow_null=True
    )
    low = serializers.FloatField(source="comparison.difference.low", default=None, allow_null=True)
    high = serializers.FloatField(
        source="comparison.difference.high", default=None, allow_null=True
    )
    change = serializers.CharField(help_text="The difference in words: better reads as better")
    verdict = serializers.CharField(source="comparison.verdict")
    words = serializers.CharField(source="comparison.words")


class ComparisonSerializer(ComparedSerializer):
    """One metric. `own_answers` counts the examples whose expected answer one of the two releases
    wrote, and `without_own` is the comparison on all others."""

    metric = serializers.CharField(source="metric.key")
    label = serializers.CharField(source="metric.label")  # type: ignore[assignment]
    candidate = serializers.SerializerMethodField()
    against = serializers.SerializerMethodField()
    own_answers = serializers.IntegerField(source="own")
    without_own = ComparedSerializer(source="without", allow_null=True)

    def get_candidate(self, row: Any) -> int:
        return int(self.context["candidate"])

    def get_against(self, row: Any) -> int:
        return int(self.context["against"])
