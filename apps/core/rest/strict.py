"""Requests name only what there is: what is ignored looks as if it had been done.

One check for every address. It reads what the view declares for the OpenAPI schema, so that what
is documented and what is taken cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404, QueryDict
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.core.text import is_storable

NO_SUCH_FIELD = "There is no such field."
NO_SUCH_PARAMETER = "There is no such parameter."
READ_ONLY = "This cannot be set."
NUL = "Null characters are not allowed."
NO_BODY = "This address takes no body."
WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_NESTED = (serializers.BaseSerializer, serializers.ListField, serializers.DictField)
_FORM_NAME = re.compile(r"[^.\[]+")


@dataclass(frozen=True, slots=True)
class Declared:
    """What an operation takes."""

    query: frozenset[str]
    body: serializers.BaseSerializer[Any] | None


_declared: dict[tuple[type[APIView], str], Declared] = {}


def read_declared(view: APIView, method: str) -> Declared | None:
    """What the view declares for a method; none where it has no such method."""
    key = (type(view), method)
    if key not in _declared:
        handler = getattr(view, "get" if method == "HEAD" else method.lower(), None)
        schema_class = getattr(handler, "kwargs", {}).get("schema")
        if schema_class is None:
            return None
        schema = schema_class()
        schema.view, schema.method = view, "GET" if method == "HEAD" else method
        schema.path = ""
        body = schema.get_body() if method in WITH_BODY else None
        _declared[key] = Declared(query=schema.list_query_names(), body=body)
    return _declared[key]


def refuse_unknown(view: APIView, request: Request) -> None:
    """Refuse query parameters and fields that the operation does not have, by their names."""
    if not all(is_storable(str(value)) for value in view.kwargs.values()):
        raise Http404
    method = request.method or ""
    declared = read_declared(view, method)
    if declared is None:
        return
    faults: dict[str, Any] = {
        name: [NO_SUCH_PARAMETER] for name in sorted(set(request.query_params) - declared.query)
    }
    for name, values in request.query_params.lists():
        if not all(map(is_storable, values)):
            faults.setdefault(name, [NUL])
    if method in WITH_BODY:
        data = request.data
        if declared.body is not None:
            faults = (find_unknown(declared.body, data) or {}) | faults
        elif isinstance(data, Mapping):
            faults = {str(name): [NO_SUCH_FIELD] for name in sorted(data, key=str)} | faults
        elif data is not None:
            faults = {"non_field_errors": [NO_BODY]} | faults
    if faults:
        raise serializers.ValidationError(faults)


def find_unknown(field: Any, data: Any) -> Any:
    """Faults by place for the names in `data` that the field does not have; none is empty."""
    if isinstance(field, serializers.ListSerializer | serializers.ListField):
        faults = [find_unknown(field.child, item) for item in data] if _is_list(data) else []
        return {str(place): fault for place, fault in enumerate(faults) if fault}
    if isinstance(field, serializers.DictField):
        items = data.items() if isinstance(data, Mapping) else ()
        places = {str(name): find_unknown(field.child, item) for name, item in items}
        return {name: fault for name, fault in places.items() if fault}
    if isinstance(field, serializers.Serializer) and isinstance(data, Mapping):
        return _find_in_object(field, data)
    return {}


def _find_in_object(serializer: serializers.Serializer[Any], data: Mapping[Any, Any]) -> Any:
    fields, faults = serializer.fields, {}
    for given in sorted(data, key=str):
        name = _read_name(fields, given) if isinstance(data, QueryDict) else given
        if name not in fields:
            faults[str(given)] = [NO_SUCH_FIELD]
        elif fields[name].read_only:
            faults[str(given)] = [READ_ONLY]
    for name, field in fields.items():
        if isinstance(field, _NESTED) and not field.read_only:
            value = field.get_value(data)
            if value is not empty and (inner := find_unknown(field, value)):
                faults[name] = inner
    return faults


def _read_name(fields: Mapping[str, Any], given: str) -> str:
    """The field that a form's name belongs to: `filter.name` and `ids[0]` are parts of one."""
    part = _FORM_NAME.match(given)
    return part[0] if part and isinstance(fields.get(part[0]), _NESTED) else given


def _is_list(data: Any) -> bool:
    return isinstance(data, list | tuple)
