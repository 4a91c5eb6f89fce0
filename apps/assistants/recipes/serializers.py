"""A recipe's settings as the REST API names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from apps.assistants.recipes.changes import RecipeError
from apps.assistants.recipes.fields import RETRIEVAL, SAMPLING, SETTINGS, Setting
from apps.assistants.recipes.sampling import MAX_STOP_LENGTH, MAX_STOPS, describe_sampling
from apps.retrieval.search.profiles import STEP_ENDPOINTS, RetrievalProfile

FLAT = ("mode", "limit", "temperature", "max_tokens")
"""Settings that may also stand beside the nested objects."""


def make_rest_field(setting: Setting) -> Any:
    """A serializer's field for one setting; all are optional."""
    shared: dict[str, Any] = {"required": False, "help_text": setting.label}
    if setting.kind == "endpoint":
        return serializers.UUIDField(allow_null=True, **shared)
    if setting.kind == "choice":
        values = [value for value, _ in setting.choices]
        return serializers.ChoiceField(choices=values, **shared)
    if setting.kind == "switch":
        return serializers.BooleanField(**shared)
    if setting.kind == "text":
        return serializers.CharField(allow_blank=True, max_length=setting.max_length, **shared)
    if setting.kind == "lines":
        line = serializers.CharField(max_length=MAX_STOP_LENGTH, trim_whitespace=False)
        return serializers.ListField(child=line, max_length=MAX_STOPS, allow_null=True, **shared)
    low, high = setting.bounds
    shared |= {"min_value": low, "max_value": high, "allow_null": setting.can_be_empty}
    is_whole = setting.kind == "whole"
    return serializers.IntegerField(**shared) if is_whole else serializers.FloatField(**shared)


class RetrievalSerializer(serializers.Serializer[Any]):
    """Fields of a retrieval profile; what is left out stays as it is."""

    def get_fields(self) -> dict[str, Any]:
        return {setting.name: make_rest_field(setting) for setting in RETRIEVAL}


class SamplingSerializer(serializers.Serializer[Any]):
    """How the model chooses its words; null leaves a setting to its server."""

    def get_fields(self) -> dict[str, Any]:
        return {setting.name: make_rest_field(setting) for setting in SAMPLING}


class SettingsSerializer(serializers.Serializer[Any]):
    """The settings of a recipe: nested, and four of them also directly."""

    retrieval = RetrievalSerializer(required=False)
    sampling = SamplingSerializer(required=False)
    mode = make_rest_field(SETTINGS["mode"])
    limit = make_rest_field(SETTINGS["limit"])
    temperature = make_rest_field(SETTINGS["temperature"])
    max_tokens = make_rest_field(SETTINGS["max_tokens"])

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return move_flat(attrs)


def move_flat(values: dict[str, Any]) -> dict[str, Any]:
    """Move the settings that stand beside the nested objects into them."""
    moved = dict(values)
    for name in FLAT:
        if name not in moved:
            continue
        part = SETTINGS[name].part
        nested = dict(moved.get(part) or {})
        if name in nested:
            raise serializers.ValidationError({name: [f"It is in '{part}' already."]})
        moved[part] = nested | {name: moved.pop(name)}
    return moved


def show_profile(values: Mapping[str, Any]) -> dict[str, Any]:
    """A release's stored retrieval as it takes effect, in the form in which it can be sent back."""
    profile = RetrievalProfile.parse(values).to_json()
    return profile | {name: profile[name] or None for name in STEP_ENDPOINTS}


def show_sampling(values: Mapping[str, Any]) -> dict[str, Any]:
    """A release's stored sampling; null where the server decides."""
    return describe_sampling(values)


def recipe_fault(error: RecipeError) -> serializers.ValidationError:
    """The response to settings that cannot be, under the name of the field."""
    return serializers.ValidationError({error.part: {error.field: [str(error)]}})
