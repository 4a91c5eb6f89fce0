"""What the REST API says of votes, grades and judges."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.evaluation.models import ExperimentItem, Grade, Match, Winner
from apps.evaluation.review.arena import AnswerPair, JudgeAgreement, Standing
from apps.evaluation.review.grading import HIGHEST, LOWEST


class BlindAnswerSerializer(serializers.Serializer[ExperimentItem]):
    item = serializers.UUIDField(source="pk")
    answer = serializers.CharField()


class PairSerializer(serializers.Serializer[AnswerPair]):
    question = serializers.CharField(source="first.example.question")
    expected_answer = serializers.CharField(source="first.example.expected_answer")
    first = BlindAnswerSerializer()
    second = BlindAnswerSerializer()


class NextPairSerializer(serializers.Serializer[Any]):
    """`pair` is null when there is nothing left to compare."""

    pair = PairSerializer(allow_null=True)


class PairCountsSerializer(serializers.Serializer[Any]):
    """How many pairs can be compared, and how many are word for word the same."""

    total = serializers.IntegerField()
    identical = serializers.IntegerField()


class StandingSerializer(serializers.Serializer[Standing]):
    """`rating` is Bradley-Terry's, between `low` and `high` with 95 % confidence."""

    release = serializers.IntegerField(source="release.number")
    elo = serializers.FloatField()
    rating = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    wins = serializers.IntegerField()
    losses = serializers.IntegerField()
    ties = serializers.IntegerField()


class ArenaJudgmentSerializer(serializers.Serializer[JudgeAgreement]):
    """`accuracy` is how often a judge votes as people do; null where nobody voted on its pairs."""

    judge = serializers.CharField()
    votes = serializers.IntegerField()
    accuracy = serializers.FloatField(
        source="agreement.accuracy.estimate", default=None, allow_null=True
    )
    kappa = serializers.FloatField(source="agreement.kappa", default=None, allow_null=True)
    is_trusted = serializers.BooleanField()
    doubts = serializers.ListField(child=serializers.CharField())


class ArenaSerializer(serializers.Serializer[Any]):
    pairs = PairCountsSerializer()
    votes = serializers.IntegerField()
    standings = StandingSerializer(many=True)
    judges = ArenaJudgmentSerializer(many=True)


class ArenaJudgeSerializer(serializers.Serializer[Any]):
    endpoint = serializers.UUIDField()


class AskedSerializer(serializers.Serializer[Any]):
    """The model that was asked; what it says comes to be among the matches."""

    model = serializers.CharField()


class MatchRequestSerializer(serializers.Serializer[Any]):
    """Two answers of the experiment to one question, by their ids."""

    first = serializers.UUIDField()
    second = serializers.UUIDField()
    winner = serializers.ChoiceField(choices=Winner.choices)
    reason = serializers.CharField(max_length=2_000, required=False, allow_blank=True, default="")


class MatchSerializer(serializers.ModelSerializer[Match]):
    first_release = serializers.IntegerField(source="first.release.number")
    second_release = serializers.IntegerField(source="second.release.number")
    by = serializers.SerializerMethodField()

    class Meta:
        model = Match
        fields = (
            "id", "first", "second", "first_release", "second_release", "winner", "reason", "by",
            "judge", "created_at",
        )  # fmt: skip

    def get_by(self, match: Match) -> str:
        return "judge" if match.judge else "person"


class GradeRequestSerializer(serializers.Serializer[Any]):
    item = serializers.UUIDField(help_text="An answer of the experiment")
    value = serializers.IntegerField(min_value=LOWEST, max_value=HIGHEST)
    note = serializers.CharField(max_length=2_000, required=False, allow_blank=True, default="")


class GradeSerializer(serializers.ModelSerializer[Grade]):
    release = serializers.IntegerField(source="item.release.number")

    class Meta:
        model = Grade
        fields = ("id", "item", "release", "value", "note", "created_at")


class JudgeSerializer(serializers.Serializer[Any]):
    """`doubts` say why a judge may not decide; empty for one that may."""

    metric = serializers.CharField(source="metric.key")
    label = serializers.CharField(source="metric.label")  # type: ignore[assignment]
    model = serializers.CharField(source="judge_name")
    is_trusted = serializers.BooleanField()
    accuracy = serializers.FloatField(
        source="agreement.accuracy.estimate", default=None, allow_null=True
    )
    kappa = serializers.FloatField(source="agreement.kappa", default=None, allow_null=True)
    count = serializers.IntegerField(source="agreement.count", default=0)
    doubts = serializers.ListField(child=serializers.CharField())


class JudgeBarSerializer(serializers.Serializer[Any]):
    """The least accuracy and Cohen's kappa, over at least `count` answers that people graded."""

    accuracy = serializers.FloatField(min_value=0, max_value=1)
    kappa = serializers.FloatField(min_value=-1, max_value=1)
    count = serializers.IntegerField(min_value=1, max_value=100_000)
