"""What is the same at every address: pages, methods, addresses that are not there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.rest.operations import list_operations, read_schema
from tests.isolation.house import House

pytestmark = pytest.mark.django_db
V1 = "/api/v1"
PROBLEM = "application/problem+json"


@pytest.mark.parametrize("name", ["page", "page_size"])
@pytest.mark.parametrize("value", ["0", "-1", "x", "", "1.5", "last", "9" * 30])
def test_a_page_that_cannot_be_is_refused(api: Any, name: str, value: str) -> None:
    response = api.get(f"{V1}/collections/", {name: value})
    assert (response.status_code, set(response.json()["errors"])) == (400, {name})


def test_more_than_a_page_holds_is_refused_and_not_cut(api: Any) -> None:
    assert api.get(f"{V1}/collections/?page_size=200").status_code == 200
    assert api.get(f"{V1}/collections/?page_size=201").status_code == 400


def test_a_page_beyond_the_last_is_not_there(api: Any) -> None:
    response = api.get(f"{V1}/collections/?page=2")
    assert (response.status_code, response["Content-Type"]) == (404, PROBLEM)


def test_the_schema_tells_what_a_page_may_be() -> None:
    for path, operations in read_schema()["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", ()):
            if parameter["name"] == "page_size":
                limits = parameter["schema"]
                assert (limits["minimum"], limits["maximum"]) == (1, 200), path


def test_values_that_there_are_not_narrow_nothing_in_silence(house: House) -> None:
    for path, name in (
        (f"{V1}/feedback/", "rating"),
        (f"{V1}/feedback/", "state"),
        (f"{V1}/assistants/{house.assistant.pk}/releases/1/diff/", "against"),
        (f"{V1}/experiments/{house.rest['experiment_id']}/tradeoff/", "metric"),
    ):
        response = house.api.get(path, {name: "nonsense"})
        assert (response.status_code, set(response.json()["errors"])) == (400, {name})


def test_other_methods_are_refused_with_a_problem(api: Any) -> None:
    response = api.put(f"{V1}/collections/")
    assert (response.status_code, response["Content-Type"]) == (405, PROBLEM)
    assert set(response["Allow"].split(", ")) >= {"GET", "POST"}


SAYS_MORE = {("dataset_versions_create", "409")}
"""Problems that list what is wrong besides."""


def test_every_operation_declares_the_problems_of_its_kind() -> None:
    schema = read_schema()
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    assert len(list_operations()) == sum(
        len([m for m in operations if m in ("get", "post", "put", "patch", "delete")])
        for path, operations in schema["paths"].items()
        if path.startswith("/api/v1/")
    )
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            needed = {"400", "401", "403", "429", "503"}
            needed |= {"404"} if "{" in path else set()
            needed |= set() if method == "get" else {"409", "413", "415", "507"}
            assert needed <= operation["responses"].keys(), (method, path)
            for status in needed:
                content = operation["responses"][status]["content"]
                assert content.keys() == {PROBLEM}, (method, path, status)
                if (operation["operationId"], status) not in SAYS_MORE:
                    assert content == {PROBLEM: problem}


def test_problems_are_as_the_schema_has_them(api: Any) -> None:
    described = read_schema()["components"]["schemas"]["Problem"]
    for response in (
        api.get(f"{V1}/collections/?page=2"),
        api.post_json(f"{V1}/collections/", {}),
        api.post(f"{V1}/collections/", b"x", content_type="text/plain"),
        api.delete(f"{V1}/collections/"),
    ):
        body = response.json()
        assert response["Content-Type"] == PROBLEM
        assert set(described["required"]) <= set(body) <= set(described["properties"])
        assert body["status"] == response.status_code


def test_an_address_that_is_not_there_says_so_as_a_problem(api: Any) -> None:
    for path in (f"{V1}/nothing/", f"{V1}/collections/no-id/"):
        response = api.get(path)
        assert (response.status_code, response["Content-Type"]) == (404, PROBLEM), path


def test_a_post_without_the_last_slash_stays_a_post(api: Any) -> None:
    response = api.post_json(f"{V1}/collections", {"name": "A"})
    assert (response.status_code, response["Location"]) == (308, f"{V1}/collections/")
    followed = api.post(
        f"{V1}/collections", {"name": "A"}, content_type="application/json", follow=True
    )
    assert (followed.status_code, followed.json()["name"]) == (201, "A")
