"""Datasets and examples as the API gives and takes them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.datasets import examples
from apps.datasets.checking import DatasetCheck, Leak
from apps.datasets.models import MAX_NAME, Example, ReviewState, SourceKind


class DatasetSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(read_only=True)
    name = serializers.CharField(max_length=MAX_NAME)
    description = serializers.CharField(max_length=500, required=False, allow_blank=True)
    created_at = serializers.DateTimeField(read_only=True)


class FreezeSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


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
    """`duplicates` are groups of examples that ask nearly the same, by their ids."""

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
    state = serializers.ChoiceField(choices=ReviewState.choices, required=False)
    source_kind = serializers.ChoiceField(choices=SourceKind.choices, read_only=True)
    source_id = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


def plain_values(example: Example) -> dict[str, Any]:
    """An existing example as the plain values that `clean_fields` takes."""
    return {
        "question": example.question,
        "expected_answer": example.expected_answer,
        "other_answers": list(example.other_answers),
        "expected_passages": list(example.expected_passages),
        "is_answerable": example.is_answerable,
        "context": example.context,
        "history": list(example.history),
        "tags": list(example.tags),
        "language": example.language,
        "checks": dict(example.checks),
    }
