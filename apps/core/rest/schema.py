"""What the views declare with `extend_schema`, for the OpenAPI schema and for the checks."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import force_instance
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers


class Schema(AutoSchema):
    """Lists are pages where the view has a `pagination_class`; bodies are only those declared."""

    def get_request_serializer(self) -> Any:
        return None

    def _get_paginator(self) -> Any:
        return super()._get_paginator() if self.method == "GET" else None  # type: ignore[no-untyped-call]

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
