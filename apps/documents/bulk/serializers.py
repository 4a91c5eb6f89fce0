"""What the REST API takes and gives for changes of many documents."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.core.models import JobState
from apps.documents.bulk.changes import LEFT_OUT, Action, ChangeView
from apps.documents.bulk.forms import EMPTY_TAG
from apps.documents.labels import TAG_CHARS, clean_tag
from apps.documents.serializers import DocumentFilterSerializer

MAX_IDS = 1_000
TAGGING = (Action.ADD_TAG, Action.REMOVE_TAG)
REASONS = [(code, code) for code in LEFT_OUT]


class ChangeSerializer(serializers.Serializer[Any]):
    """Which documents, and what is to be done to them. `filter` {} means all."""

    action = serializers.ChoiceField(choices=[action.value for action in Action])
    ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, allow_empty=False, max_length=MAX_IDS
    )
    filter = DocumentFilterSerializer(required=False)
    tag = serializers.CharField(
        required=False, max_length=TAG_CHARS, help_text="For add_tag and remove_tag"
    )
    target = serializers.UUIDField(
        required=False, help_text="For move: the collection that the documents go to"
    )
    dry_run = serializers.BooleanField(
        default=False, help_text="true: only say how many documents are meant"
    )

    def validate_tag(self, tag: str) -> str:
        cleaned = clean_tag(tag)
        if not cleaned:
            raise serializers.ValidationError(EMPTY_TAG)
        return cleaned

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError("Send either ids or a filter.")
        action = Action(attrs["action"])
        for name, belongs in (("tag", action in TAGGING), ("target", action == Action.MOVE)):
            if belongs != (name in attrs):
                fault = "This action needs it." if belongs else "This action takes none."
                raise serializers.ValidationError({name: [fault]})
        return attrs


class DryRunSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="Documents that would be changed")
    dry_run = serializers.BooleanField()


class LeftOutSerializer(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(choices=REASONS)
    detail = serializers.CharField()
    count = serializers.IntegerField()


class ChangeViewSerializer(serializers.Serializer[Any]):
    """How far a change has come: `done` of `total` were looked at, `changed` of them changed."""

    id = serializers.UUIDField()
    action = serializers.ChoiceField(choices=[action.value for action in Action])
    state = serializers.ChoiceField(choices=[state.value for state in JobState])
    total = serializers.IntegerField()
    done = serializers.IntegerField()
    changed = serializers.IntegerField()
    left_out = LeftOutSerializer(many=True)


def render_change(view: ChangeView) -> dict[str, Any]:
    """A change as ChangeViewSerializer describes it."""
    return {
        "id": view.id,
        "action": view.action.value,
        "state": view.state,
        "total": view.total,
        "done": view.done,
        "changed": view.changed,
        "left_out": [
            {"reason": code, "detail": LEFT_OUT[code], "count": count}
            for code, count in view.left_out.items()
        ],
    }
