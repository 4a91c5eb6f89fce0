"""Bodies that no view should see: they are refused with 400 or 413, never with 500."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from apps.core.rest.parsers import MAX_DEPTH
from tests.core.rest.operations import list_operations
from tests.isolation.house import House

pytestmark = pytest.mark.django_db
V1 = "/api/v1"
BODIES = {
    "not JSON": b"{",
    "not UTF-8": b'{"name": "\xff"}',
    "infinite": b'{"name": 1e400}',
    "NaN": b'{"name": NaN}',
    "a long integer": b'{"name": ' + b"9" * 5000 + b"}",
    "an integer beyond 64 bits": b'{"name": 9223372036854775808}',
    "deep": b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deeper than is read": b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    "NUL": b'{"name": "a\\u0000b"}',
    "NUL in a name": b'{"na\\u0000me": 1}',
    "half a pair": b'{"name": "\\ud800"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_cannot_be_read_is_refused(api: Any, body: bytes) -> None:
    response = api.generic("POST", f"{V1}/collections/", body, "application/json")
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["detail"]


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1_048_576)
def test_a_body_that_is_too_large_is_refused(api: Any) -> None:
    body = b'{"name": "' + b"a" * 1_048_576 + b'"}'
    response = api.generic("POST", f"{V1}/collections/", body, "application/json")
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    form = api.post(f"{V1}/collections/", {"name": "a" * 1_048_577})
    assert (form.status_code, form.json()["code"]) == (413, "too_large")


def test_text_with_a_pair_is_taken(api: Any) -> None:
    body = b'{"name": "\\ud83d\\ude00 9223372036854775807"}'
    response = api.generic("POST", f"{V1}/collections/", body, "application/json")
    assert (response.status_code, response.json()["name"][0]) == (201, "\U0001f600")


WRONG: list[Any] = [None, True, 2**63 - 1, 1e300, "x", [None], {"": [1]}]


def test_wrong_types_are_never_an_error_of_the_server(house: House) -> None:
    """Each field of each body with values of every type, alone."""
    house.api.raise_request_exception = False
    failed = []
    for operation in list_operations():
        body = operation.declared.body
        if operation.method not in ("post", "put", "patch") or body is None:
            continue
        path = operation.address.fill(operation.address.arguments(house))
        send = getattr(house.api, operation.method)
        bodies = [{name: value} for name in getattr(body, "fields", ()) for value in WRONG]
        for data in [*bodies, *WRONG]:
            response = send(path, data, content_type="application/json")
            if response.status_code >= 500:
                failed.append((str(operation), data, response.status_code))
    assert not failed


def test_wrong_parameters_are_never_an_error_of_the_server(house: House) -> None:
    house.api.raise_request_exception = False
    failed = []
    for operation in list_operations():
        if operation.method != "get":
            continue
        path = operation.address.fill(operation.address.arguments(house))
        for name in operation.declared.query:
            for value in ("", "x", "-1", "0", "1e400", "9" * 40, "\0", "٣", "\u202e", "true"):
                response = house.api.get(path, {name: value})
                if response.status_code not in (200, 400, 404):
                    failed.append((str(operation), name, value, response.status_code))
    assert not failed
