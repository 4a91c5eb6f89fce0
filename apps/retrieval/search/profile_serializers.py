"""A retrieval profile as requests of the REST API name it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.retrieval.search.profiles import DEFAULT_PROFILE, ProfileError, RetrievalProfile

AS_IT_IS = (
    "The question is searched for as it is here: rewrite, expand and decompose by a model, "
    "decompose and hyde belong to an assistant's answers."
)


def read_profile(values: Any, *, field: str = "profile", **defaults: Any) -> RetrievalProfile:
    """The default profile with `defaults` and, over them, the values of a request's field.

    Raises a ValidationError that names the field.
    """
    if not isinstance(values, dict):
        raise serializers.ValidationError({field: ["Give an object with a profile's fields."]})
    try:
        profile = DEFAULT_PROFILE.change({**defaults, **values})
    except ProfileError as error:
        raise serializers.ValidationError({field: [str(error)]}) from error
    if profile.rerank == "endpoint":
        # Endpoints belong to assistants; a search does not spend their money.
        raise serializers.ValidationError({field: ["Choose the rerank none or late here."]})
    if profile.needs_model or profile.decompose != "off":
        raise serializers.ValidationError({field: [AS_IT_IS]})
    return profile
