"""What the REST API says of the retrieval lab."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers

from apps.core.models import Job
from apps.lab.models import LabRun
from apps.lab.profiles import KEYS
from apps.lab.results import LabCase, LabRow, LabSliceRow, LabSummary
from apps.lab.runs import count_passages

PROFILE = "Fields of a retrieval profile; the others have their defaults."
INDEX = "An index that is being built or was retired, to be searched instead of the live ones."


class LabRunRequestSerializer(serializers.Serializer[Any]):
    """Two profiles, where they search, and the cases that they are measured on."""

    dataset = serializers.UUIDField()
    version = serializers.IntegerField(min_value=0, help_text="A version's number; 0 is the draft")
    collections = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=100)
    profile_a = serializers.JSONField(default=dict, help_text=PROFILE)
    profile_b = serializers.JSONField(default=dict, help_text=PROFILE)
    index_a = serializers.UUIDField(required=False, allow_null=True, help_text=INDEX)
    index_b = serializers.UUIDField(required=False, allow_null=True, help_text=INDEX)
    k = serializers.IntegerField(
        default=10,
        min_value=1,
        max_value=50,
        help_text="How many passages count; of a profile with a lower limit, only that many do.",
    )


class LabCandidateSerializer(serializers.Serializer[Any]):
    """Which side's profile becomes a candidate of which assistant."""

    side = serializers.ChoiceField(choices=KEYS)
    assistant = serializers.UUIDField()


class LabRunSerializer(serializers.ModelSerializer[LabRun]):
    """`state`, `done` and `total` are those of its job: cases, each on both sides.

    `counted` says by side how many passages count: `k`, or the profile's limit if that is lower.
    """

    dataset = serializers.UUIDField(source="dataset_version.dataset_id")
    version = serializers.IntegerField(source="dataset_version.number")
    counted = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField()
    done = serializers.SerializerMethodField()
    total = serializers.SerializerMethodField()

    class Meta:
        model = LabRun
        fields = (
            "id", "dataset", "version", "profiles", "indexes", "collections", "k", "counted",
            "state", "done", "total", "created_at",
        )  # fmt: skip

    def get_counted(self, run: LabRun) -> dict[str, int]:
        return count_passages(run)

    def _job(self, run: LabRun) -> Job | None:
        jobs: dict[UUID, Job] = self.context["jobs"]
        return jobs.get(run.pk)

    def get_state(self, run: LabRun) -> str:
        job = self._job(run)
        return job.state if job else ""

    def get_done(self, run: LabRun) -> int:
        job = self._job(run)
        return job.done if job else 0

    def get_total(self, run: LabRun) -> int:
        job = self._job(run)
        return job.total if job else 0


class IntervalSerializer(serializers.Serializer[Any]):
    """An estimate and its 95 % bounds, over `count` cases."""

    estimate = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    count = serializers.IntegerField()


class LabRowSerializer(serializers.Serializer[LabRow]):
    """A metric: both sides, and b minus a."""

    metric = serializers.CharField(source="label")
    label = serializers.CharField(source="title")  # type: ignore[assignment]
    a = IntervalSerializer(source="before")
    b = IntervalSerializer(source="after")
    change = IntervalSerializer()
    verdict = serializers.CharField()


class LabSliceSerializer(serializers.Serializer[LabSliceRow]):
    """The headline metric on the cases of one slice."""

    dimension = serializers.CharField()
    value = serializers.CharField(source="slice.value")
    row = LabRowSerializer()


class LabCaseSerializer(serializers.Serializer[LabCase]):
    """A case's headline on both sides, and the ranks that held what it expects."""

    example = serializers.UUIDField(source="example.pk")
    question = serializers.CharField(source="example.question")
    a = serializers.FloatField(source="before")
    b = serializers.FloatField(source="after")
    ranks_a = serializers.ListField(child=serializers.IntegerField(), source="ranks_before")
    ranks_b = serializers.ListField(child=serializers.IntegerField(), source="ranks_after")


class LabResultsSerializer(serializers.Serializer[LabSummary]):
    """`wins` are cases on which b is better; `cases` are those that changed most."""

    num_cases = serializers.IntegerField()
    rows = LabRowSerializer(many=True)
    slices = LabSliceSerializer(many=True)
    wins = serializers.IntegerField()
    losses = serializers.IntegerField()
    ties = serializers.IntegerField()
    cases = LabCaseSerializer(many=True)
    problems = serializers.ListField(child=serializers.CharField())
