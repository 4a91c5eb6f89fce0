"""A page and its REST twin write the same row, so that neither promises what the other does not.

Each is asked in a transaction that is rolled back before the other is, so that both find the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps as django_apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models, transaction
from django.test import Client

from apps.workspaces.models import ALL_SCOPES
from tests.embedding_server import serve_embeddings
from tests.factories import make_api
from tests.isolation.house import House, furnish
from tests.parity.entries import ENTRIES, Entry

ALWAYS_OTHER = {"id", "created_at"}


@pytest.fixture
def house(db: None) -> House:
    return furnish("acme")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name.replace(" ", "-"))
def test_page_and_rest_write_the_same_row(
    entry: Entry, house: House, client_for: Callable[[Any], Client]
) -> None:
    if entry.prepare is not None:
        entry.prepare(house)
    page, api = client_for(house.owner), make_api(house.workspace, house.owner, ALL_SCOPES)

    def by_page() -> Any:
        path = f"/w/{house.workspace.slug}{entry.page.format_map(house.pages)}"
        return page.post(path, entry.form(house))

    def by_rest() -> Any:
        send = getattr(api, entry.method)
        path = f"/api/v1{entry.rest.format_map(house.rest)}"
        return send(path, entry.body(house), content_type="application/json")

    assert write(entry, by_page) == write(entry, by_rest)


def write(entry: Entry, send: Callable[[], Any]) -> dict[str, Any]:
    """What sending leaves in the row, without a trace of it afterwards."""
    model = django_apps.get_model(entry.model)
    before = {row.pk: columns(row) for row in model._default_manager.all()}
    mark = transaction.savepoint()
    response = send()
    assert response.status_code in (200, 201, 302), complaint(response)
    rows = [row for row in model._default_manager.all() if before.get(row.pk) != columns(row)]
    assert len(rows) == 1, f"{len(rows)} rows of {entry.model} were written"
    values = columns(rows[0])
    assert {name.partition(".")[0] for name in entry.differs} <= set(values)
    for column, _, key in (name.partition(".") for name in entry.differs if "." in name):
        values[column] = {k: value for k, value in values[column].items() if k != key}
    values |= {
        name: sorted(getattr(rows[0], name).values_list("pk", flat=True)) for name in entry.many
    }
    transaction.savepoint_rollback(mark)
    return {name: value for name, value in values.items() if name not in leave_out(entry)}


def complaint(response: Any) -> str:
    """What was wrong with the form, or what REST said."""
    form = (response.context or {}).get("form")
    return str(form.errors.as_json()) if form else response.content.decode()[:600]


def leave_out(entry: Entry) -> set[str]:
    return ALWAYS_OTHER | set(entry.differs)


def columns(row: models.Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_an_embedding_model_is_the_same_row(
    house: House, client_for: Callable[[Any], Client]
) -> None:
    page, api = client_for(house.owner), make_api(house.workspace, house.owner, ALL_SCOPES)
    with serve_embeddings() as server:
        values = {
            "name": "  Ours  ", "base_url": server.base_url, "model": "bge", "api_key": "s3cret",
            "query_prefix": "query: ", "passage_prefix": "passage: ",
        }  # fmt: skip
        entry = Entry(
            "embedding model", "gateway.EmbeddingModel", "", lambda house: values, "",
            lambda house: values,
            differs={"api_key_encrypted": "encrypted anew", "checked_at": "a moment later"},
        )  # fmt: skip
        path = f"/w/{house.workspace.slug}/settings/embedding-models/"
        by_page = write(entry, lambda: page.post(path, values))
        assert by_page == write(entry, lambda: api.post_json("/api/v1/embedding-models/", values))


def test_an_uploaded_file_is_the_same_version(
    house: House, client_for: Callable[[Any], Client]
) -> None:
    page, api = client_for(house.owner), make_api(house.workspace, house.owner, ALL_SCOPES)
    entry = Entry(
        "upload", "documents.DocumentVersion", "", lambda house: {}, "", lambda house: {},
        differs={"document_id": "made with it", "created_by_id": "a key is no person"},
    )  # fmt: skip

    def file() -> SimpleUploadedFile:
        return SimpleUploadedFile("leave.md", b"# Leave\n\n25 days.", "text/markdown")

    path = f"collections/{house.pages['collection_id']}"
    by_page = write(
        entry,
        lambda: page.post(
            f"/w/{house.workspace.slug}/{path}/upload/", {"file": file(), "path": "team/leave.md"}
        ),
    )
    by_rest = write(
        entry,
        lambda: api.post(f"/api/v1/{path}/documents/", {"file": file(), "name": "team/leave.md"}),
    )
    assert by_page == by_rest
