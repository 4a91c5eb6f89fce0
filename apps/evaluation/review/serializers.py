"""What the REST API says of votes, grades and judges."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.evaluation.models import Criterion, ExperimentItem, Grade, Match, Winner
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


class BoundedSerializer(serializers.Serializer[Any]):
    """An estimate with its 95 % bounds, from `count` observations."""

    estimate = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    count = serializers.IntegerField()


class LengthBinSerializer(serializers.Serializer[Any]):
    """Answers of `shortest` to `longest` characters, and the mean of their scores."""

    shortest = serializers.IntegerField()
    longest = serializers.IntegerField()
    score = BoundedSerializer()


class HabitsSerializer(serializers.Serializer[Any]):
    """How a judge judges, whatever it judges; null where nothing can be said."""

    verdicts = serializers.IntegerField()
    undecided = serializers.IntegerField()
    spread = serializers.FloatField(
        allow_null=True, help_text="Standard deviation of its grades when asked again; a mean"
    )
    repeated = serializers.IntegerField(help_text="Answers that it graded more than once")
    swapped = serializers.IntegerField(help_text="Pairs that it saw in both orders")
    consistent = BoundedSerializer(allow_null=True, help_text="Said the same in both orders")
    position_bias = BoundedSerializer(allow_null=True, help_text="Went by the order alone")
    ties = serializers.IntegerField(help_text="Called equal in both orders")
    took_first = serializers.FloatField(
        allow_null=True, help_text="How often it preferred what was shown first; 0.5 is even"
    )
    length = BoundedSerializer(
        allow_null=True, help_text="Spearman's correlation of score and length of the answer"
    )
    bins = LengthBinSerializer(many=True, help_text="Scores by length of the answer")


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
    habits = HabitsSerializer()
    self_judged = serializers.SerializerMethodField()

    def get_self_judged(self, row: JudgeAgreement) -> list[int]:
        """Numbers of the compared releases whose model this judge is."""
        return [release.number for release in row.self_judged]


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
    position_bias = serializers.SerializerMethodField()

    class Meta:
        model = Match
        fields = (
            "id", "first", "second", "first_release", "second_release", "winner", "reason", "by",
            "judge", "consistent", "took_first", "position_bias", "created_at",
        )  # fmt: skip

    def get_by(self, match: Match) -> str:
        return "judge" if match.judge else "person"

    def get_position_bias(self, match: Match) -> bool:
        """Whether this tie only says that the judge preferred the same place in both orders."""
        return match.winner == Winner.TIE and match.consistent is False


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
    version = serializers.IntegerField(source="metric.version")
    model = serializers.CharField(source="judge_name")
    is_trusted = serializers.BooleanField()
    accuracy = serializers.FloatField(
        source="agreement.accuracy.estimate", default=None, allow_null=True
    )
    kappa = serializers.FloatField(source="agreement.kappa", default=None, allow_null=True)
    count = serializers.IntegerField(source="agreement.count", default=0)
    doubts = serializers.ListField(child=serializers.CharField())
    habits = HabitsSerializer()


class CriterionSerializer(serializers.ModelSerializer[Criterion]):
    """A line of a guideline: what a good answer is, and what it stands for."""

    class Meta:
        model = Criterion
        fields = ("id", "name", "rubric", "good_example", "bad_example", "metric", "outcome")


class JudgeBarSerializer(serializers.Serializer[Any]):
    """The least accuracy and Cohen's kappa, over at least `count` answers that people graded."""

    accuracy = serializers.FloatField(min_value=0, max_value=1)
    kappa = serializers.FloatField(min_value=-1, max_value=1)
    count = serializers.IntegerField(min_value=1, max_value=100_000)
