"""Datasets and examples as the API gives and takes them."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers

from apps.datasets import examples
from apps.datasets.capture import Captured
from apps.datasets.checking import DatasetCheck, Leak
from apps.datasets.conflicts import Conflict
from apps.datasets.models import MAX_NAME, Example, ReviewState, SourceKind


class DatasetSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(read_only=True)
    name = serializers.CharField(max_length=MAX_NAME)
    description = serializers.CharField(max_length=500, required=False, allow_blank=True)
    created_at = serializers.DateTimeField(read_only=True)


class FreezeSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    nevertheless = serializers.BooleanField(
        default=False, help_text="Freeze although one question has different expected answers"
    )


class ConflictSideSerializer(serializers.Serializer[Example]):
    id = serializers.UUIDField()
    question = serializers.CharField()
    expected_answer = serializers.CharField()
    is_answerable = serializers.BooleanField()
    page = serializers.SerializerMethodField()

    def get_page(self, example: Example) -> str:
        """Where a person opens it."""
        return str(reverse("datasets:example", args=[self.context["slug"], example.pk]))


class ConflictSerializer(serializers.Serializer[Conflict]):
    """The same question with two different expected answers."""

    first = ConflictSideSerializer()
    second = ConflictSideSerializer()


class FreezeRefusedSerializer(serializers.Serializer[Any]):
    """Why nothing was frozen. `conflicts` lists the first of `num_conflicts` pairs."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(required=False)
    detail = serializers.CharField()
    num_conflicts = serializers.IntegerField(required=False)
    conflicts = ConflictSerializer(many=True, required=False)


class CaptureRequestSerializer(serializers.Serializer[Any]):
    """An answer by its message, or the feedback on one."""

    message = serializers.UUIDField(required=False)
    feedback = serializers.UUIDField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError("Name a message or a feedback, one of the two.")
        return attrs


class DatasetVersionSerializer(serializers.Serializer[Any]):
    """A frozen version; its number counts from 1."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    note = serializers.CharField()
    num_examples = serializers.IntegerField()
    frozen_at = serializers.DateTimeField(allow_null=True)


class LeakSerializer(serializers.Serializer[Leak]):
    """An example whose question a prompt shows the model with its answer."""

    example = serializers.UUIDField(source="example.pk")
    question = serializers.CharField(source="example.question")
    prompt = serializers.UUIDField(source="prompt.prompt_id")
    prompt_name = serializers.CharField(source="prompt.prompt.name")
    prompt_version = serializers.IntegerField(source="prompt.number")
    shown = serializers.CharField()
    similarity = serializers.FloatField(help_text="Jaccard similarity of trigrams, 0 to 1")


class CheckSerializer(serializers.Serializer[DatasetCheck]):
    """`duplicates` are groups of examples that ask nearly the same, by their ids.

    `conflicts` lists the first of `num_conflicts` pairs with one question and two answers.
    """

    conflicts = ConflictSerializer(many=True)
    num_conflicts = serializers.IntegerField()
    duplicates = serializers.SerializerMethodField()
    leaks = LeakSerializer(many=True)
    num_checked = serializers.IntegerField()
    num_all = serializers.IntegerField()

    def get_duplicates(self, check: DatasetCheck) -> list[list[str]]:
        return [[str(example.pk) for example in group] for group in check.groups]


class ExpectedPassageSerializer(serializers.Serializer[Any]):
    """Offsets count characters of the document's full text; -1 where they are not known."""

    text = serializers.CharField(
        max_length=examples.MAX_PASSAGE, required=False, allow_blank=True, default=""
    )
    document_id = serializers.CharField(max_length=36, required=False, allow_blank=True, default="")
    document_name = serializers.CharField(
        max_length=400, required=False, allow_blank=True, default=""
    )
    start = serializers.IntegerField(required=False, default=examples.UNKNOWN)
    end = serializers.IntegerField(required=False, default=examples.UNKNOWN)


class TurnSerializer(serializers.Serializer[Any]):
    question = serializers.CharField(max_length=examples.MAX_QUESTION)
    answer = serializers.CharField(max_length=examples.MAX_ANSWER, allow_blank=True)


class ExampleSerializer(serializers.Serializer[Any]):
    """One labelled case. `key` is the same in every version of the dataset."""

    id = serializers.UUIDField(read_only=True)
    key = serializers.UUIDField(read_only=True)
    question = serializers.CharField(max_length=examples.MAX_QUESTION)
    expected_answer = serializers.CharField(
        max_length=examples.MAX_ANSWER, required=False, allow_blank=True
    )
    other_answers = serializers.ListField(
        child=serializers.CharField(max_length=examples.MAX_ANSWER),
        required=False,
        max_length=examples.MAX_OTHERS,
    )
    expected_passages = serializers.ListField(
        child=ExpectedPassageSerializer(), required=False, max_length=examples.MAX_PASSAGES
    )
    is_answerable = serializers.BooleanField(required=False)
    # The framework takes declared fields off the class, so its own `context` stays.
    context = serializers.CharField(  # type: ignore[assignment]
        max_length=examples.MAX_CONTEXT, required=False, allow_blank=True
    )
    history = serializers.ListField(
        child=TurnSerializer(), required=False, max_length=examples.MAX_TURNS
    )
    tags = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, max_length=examples.MAX_TAGS
    )
    language = serializers.CharField(max_length=8, required=False, allow_blank=True)
    checks = serializers.DictField(required=False)
    answered_by = serializers.DictField(
        required=False,
        help_text="The release or model that wrote the expected answer: release_id, release, "
        "assistant, model. Empty where a person did.",
    )
    state = serializers.ChoiceField(choices=ReviewState.choices, required=False)
    source_kind = serializers.ChoiceField(choices=SourceKind.choices, read_only=True)
    source_id = serializers.CharField(read_only=True)
    source_note = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


class CapturedSerializer(serializers.Serializer[Captured]):
    """The example that an answer became, and in words what it expects and why."""

    example = ExampleSerializer()
    is_new = serializers.BooleanField(help_text="False if it was in the draft already")
    is_changed = serializers.BooleanField(help_text="It was there and took over a later verdict")
    words = serializers.CharField()
