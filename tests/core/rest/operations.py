"""Every operation of the REST API: its address, its method, and what it declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from drf_spectacular.generators import SchemaGenerator
from rest_framework import serializers

from apps.core.rest.strict import Declared, read_declared
from tests.isolation.addresses import Address, list_addresses, methods_of


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    address: Address
    declared: Declared

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.address.route}"


def declared_of(address: Address, method: str) -> Declared:
    """What the view of an address declares for a method."""
    view = address.view.cls()
    view.request, view.kwargs, view.args = None, {}, ()
    declared = read_declared(view, method.upper())
    assert declared is not None, (method, address.route)
    return declared


def list_operations() -> list[Operation]:
    operations = []
    for address in list_addresses("api/v1/"):
        for method in methods_of(address):
            operations.append(Operation(method, address, declared_of(address, method)))
    assert len(operations) > 100
    return operations


def list_objects(field: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where objects with fields stand in a body: () is the body itself, 0 an item of a list."""
    if isinstance(field, serializers.ListSerializer | serializers.ListField):
        yield from list_objects(field.child, (*path, 0))
    elif isinstance(field, serializers.Serializer):
        yield path
        for name, inner in field.fields.items():
            if not inner.read_only:
                yield from list_objects(inner, (*path, name))


def wrap(value: Any, path: tuple[str | int, ...]) -> Any:
    """A body that has the value at that place."""
    for step in reversed(path):
        value = [value] if step == 0 else {step: value}
    return value


@cache
def read_schema() -> dict[str, Any]:
    """The OpenAPI schema as clients read it."""
    generator: Any = SchemaGenerator
    schema: dict[str, Any] = orjson.loads(
        orjson.dumps(generator().get_schema(request=None, public=True), default=str)
    )
    return schema
