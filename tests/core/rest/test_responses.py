"""What the OpenAPI schema says of responses is what clients get, address by address."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from tests.core.rest.operations import Operation, list_operations, read_schema
from tests.isolation.house import House

pytestmark = pytest.mark.django_db
PAGE = {"count", "next", "previous", "results"}


def describe(operation: Operation) -> dict[str, Any]:
    """An operation as the schema has it."""
    route = operation.address.route
    path = "/" + route.split("<")[0]
    for part in route.split("<")[1:]:
        converter, _, rest = part.partition(">")
        path += f"{{{converter.split(':')[-1]}}}{rest}"
    described: dict[str, Any] = read_schema()["paths"][path][operation.method]
    return described


def as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: what may be null says so with `nullable`."""
    if isinstance(node, list):
        return [as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    inner = {key: as_json_schema(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [inner, {"type": "null"}]} if node.get("nullable") is True else inner


def find_faults(schema: dict[str, Any], body: Any) -> list[str]:
    whole = {**as_json_schema(schema), "components": as_json_schema(read_schema()["components"])}
    validator = jsonschema.Draft202012Validator(
        whole, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    return [f"{error.json_path}: {error.message[:120]}" for error in validator.iter_errors(body)]


def is_page(schema: dict[str, Any]) -> bool:
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    described = read_schema()["components"]["schemas"].get(name, schema)
    return set(described.get("properties", {})) >= PAGE


def test_what_is_described_is_what_comes(house: House) -> None:
    wrong, pages = [], 0
    for operation in list_operations():
        if operation.method != "get":
            continue
        address = operation.address
        response = house.api.get(address.fill(address.arguments(house)))
        assert response.status_code == 200, operation
        content = describe(operation)["responses"]["200"]["content"]
        media_type = response["Content-Type"].partition(";")[0]
        if media_type not in content:
            wrong.append((str(operation), media_type))
        elif media_type == "application/json":
            schema = content[media_type]["schema"]
            wrong += [(str(operation), fault) for fault in find_faults(schema, response.json())]
            pages += is_page(schema)
            takes_page = {"page", "page_size"} <= operation.declared.query
            if takes_page != is_page(schema):
                wrong.append((str(operation), "parameters of a page without one, or none for it"))
    assert not wrong, "\n".join(map(str, wrong))
    assert pages > 14


def test_the_comparison_sees_a_wrong_shape() -> None:
    [operation] = [o for o in list_operations() if str(o) == "GET api/v1/collections/"]
    schema = describe(operation)["responses"]["200"]["content"]["application/json"]["schema"]
    page: dict[str, Any] = {"count": 1, "next": None, "previous": None, "results": []}
    assert find_faults(schema, page) == []
    assert find_faults(schema, [])
    assert find_faults(schema, page | {"results": [{"id": 1}]})
