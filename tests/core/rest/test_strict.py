"""What a request names must be there: the guard walks every address of the REST API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.parsers import MultiPartParser

from apps.core.rest.strict import NO_SUCH_FIELD, READ_ONLY
from tests.core.rest.operations import Operation, list_objects, list_operations, wrap
from tests.factories import ApiClient, add_documents

pytestmark = pytest.mark.django_db
V1 = "/api/v1"
NOBODY = UUID(int=0)


class AnyArgument(dict[str, Any]):
    """Arguments of an address for which there need not be anything."""

    def __missing__(self, name: str) -> Any:
        return 1 if name in ("number", "passage_id") else NOBODY


def send(api: ApiClient, operation: Operation, data: Any) -> Any:
    path = operation.address.fill(AnyArgument(version_name="1", label="staging"))
    if MultiPartParser in operation.address.view.cls.parser_classes[:1]:
        return api.post(path, data)
    return getattr(api, operation.method)(path, data, content_type="application/json")


def test_every_query_parameter_that_is_not_there_is_refused_by_name(api: ApiClient) -> None:
    let_in = []
    for operation in list_operations():
        path = operation.address.fill(AnyArgument(version_name="1", label="staging"))
        response = api.generic(operation.method.upper(), f"{path}?nonsense=1&sort_by=x")
        errors = response.json().get("errors", {}) if response.status_code == 400 else {}
        if not {"nonsense", "sort_by"} <= set(errors):
            let_in.append((str(operation), response.status_code))
    assert not let_in


def test_every_field_that_is_not_there_is_refused_by_name(api: ApiClient) -> None:
    let_in = []
    for operation in list_operations():
        if operation.method == "get":
            continue
        places = list(list_objects(operation.declared.body)) or [()]
        for place in places:
            response = send(api, operation, wrap({"nonsense": "x"}, place))
            errors: Any = response.json().get("errors", {}) if response.status_code == 400 else {}
            for step in place:
                errors = errors.get(str(step), {}) if isinstance(errors, dict) else {}
            if errors.get("nonsense") != [NO_SUCH_FIELD]:
                let_in.append((str(operation), place, response.status_code))
    assert not let_in


def test_the_guard_looks_into_nested_objects() -> None:
    nested = {
        (operation.address.route, place)
        for operation in list_operations()
        for place in list_objects(operation.declared.body)
        if place
    }
    assert ("api/v1/playground/", ("variants", 0, "profile")) in nested
    assert ("api/v1/experiments/", ("evaluators", 0)) in nested


def test_all_unknown_names_are_told_at_once(api: ApiClient) -> None:
    response = api.post_json(f"{V1}/collections/?force=1", {"name": "A", "colour": 1, "size": 2})
    assert response.status_code == 400
    assert set(response.json()["errors"]) == {"colour", "size", "force"}
    assert api.get(f"{V1}/collections/").json()["count"] == 0


def test_a_field_that_is_only_read_cannot_be_sent(api: ApiClient) -> None:
    response = api.post_json(f"{V1}/collections/", {"name": "A", "num_documents": 9})
    assert response.status_code == 400
    assert response.json()["errors"] == {"num_documents": [READ_ONLY]}


def test_forms_are_read_as_strictly_as_json(api: ApiClient, workspace: Any) -> None:
    collection = add_documents(workspace, {})
    path = f"{V1}/collections/{collection.pk}/documents/"
    file = SimpleUploadedFile("note.md", b"# Note")
    response = api.post(path, {"file": file, "folder": "x"})
    assert (response.status_code, response.json()["errors"]) == (400, {"folder": [NO_SUCH_FIELD]})
    file.seek(0)
    assert api.post(path, {"file": file, "name": "team/note.md"}).status_code == 201
    change = {"action": "add_tag", "tag": "hr", "dry_run": "true", "filter.name": "x"}
    changes = f"{V1}/collections/{collection.pk}/changes/"
    assert api.post(changes, change).status_code == 200
    refused = api.post(changes, change | {"filter.colour": "red"})
    assert refused.json()["errors"] == {"filter": {"colour": [NO_SUCH_FIELD]}}


def test_a_body_where_none_is_taken_is_refused(api: ApiClient) -> None:
    path = f"{V1}/endpoints/{NOBODY}/test/"
    assert api.post_json(path, {}).status_code == 404
    assert api.post_json(path, {"force": True}).status_code == 400
    assert api.post_json(path, [1]).status_code == 400


def test_the_key_comes_before_the_names(client: Any) -> None:
    assert client.get(f"{V1}/collections/?nonsense=1").status_code == 401
