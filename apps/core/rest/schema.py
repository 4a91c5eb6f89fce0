"""What the views declare with `extend_schema`, for the OpenAPI schema and for the checks."""

from __future__ import annotations

from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import force_instance
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from apps.core.api import TITLES

PROBLEM_TYPE = "application/problem+json"


class ProblemSerializer(serializers.Serializer[Any]):
    """What went wrong (RFC 9457). `errors` has the faults of a request by field."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(required=False, allow_blank=True)
    code = serializers.CharField(required=False)
    errors = serializers.JSONField(required=False)  # type: ignore[assignment]


class Schema(AutoSchema):
    """Lists are pages where the view has a `pagination_class`; bodies are only those declared."""

    def get_request_serializer(self) -> Any:
        return None

    def _get_paginator(self) -> Any:
        return super()._get_paginator() if self.method == "GET" else None  # type: ignore[no-untyped-call]

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        problem = self.resolve_serializer(ProblemSerializer, "response").ref
        for status in self.list_problems():
            content = {PROBLEM_TYPE: {"schema": problem}}
            bodies.setdefault(str(status), {"description": TITLES[status], "content": content})
        return bodies

    def list_problems(self) -> list[int]:
        """The statuses of what may go wrong with the operation."""
        statuses = [400, 401, 403, 429, 503]
        body = self.get_body()
        names_rows = "{" in self.path or self._is_page() or (body and _names_rows(body))
        if names_rows:
            statuses.append(404)
        if self.method != "GET":
            statuses += [409, 413, 415, 507]
        return sorted(statuses)

    def _is_page(self) -> bool:
        return bool(self._get_pagination_parameters()) or "page" in self.list_query_names()  # type: ignore[no-untyped-call]

    def list_query_names(self) -> frozenset[str]:
        """The query parameters that the operation takes."""
        names = {parameter["name"] for parameter in self._get_pagination_parameters()}  # type: ignore[no-untyped-call]
        for declared in self.get_override_parameters():
            if not isinstance(declared, OpenApiParameter):
                names |= set(force_instance(declared).fields)  # type: ignore[no-untyped-call]
            elif declared.location == OpenApiParameter.QUERY:
                names.add(declared.name)
        return frozenset(names)

    def get_body(self) -> serializers.BaseSerializer[Any] | None:
        """The serializer that reads the body; none where the operation takes no body."""
        declared = self.get_request_serializer()
        if isinstance(declared, dict):  # by media type: one serializer for all of them
            declared = next(iter(declared.values()))
        body: serializers.BaseSerializer[Any] | None = force_instance(declared)  # type: ignore[no-untyped-call]
        return body


def _names_rows(field: Any) -> bool:
    """Whether a body has ids, or an assistant's slug, for which there may be nothing."""
    if field.read_only or isinstance(field, serializers.UUIDField):
        return not field.read_only
    if isinstance(field, serializers.Serializer):
        return "assistant" in field.fields or any(map(_names_rows, field.fields.values()))
    return _names_rows(field.child) if hasattr(field, "child") else False
