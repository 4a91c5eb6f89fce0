"""Endpoints below pages and REST: what is stored, noted and asked."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.http import Http404

from apps.gateway.access import get_endpoint
from apps.gateway.models import Endpoint
from apps.gateway.selectors import list_endpoints
from apps.gateway.services import (
    EndpointFields,
    check_endpoint,
    compute_cost,
    delete_endpoint,
    save_endpoint,
)
from apps.workspaces.models import AuditEvent, User, Workspace
from apps.workspaces.services import Actor
from inference.stub_server import serve_in_thread

URL = "http://127.0.0.1:1/v1"


def save(workspace: Workspace, name: str = "House", **values: object) -> Endpoint:
    fields = EndpointFields(**{"name": name, "base_url": URL, "model": "qwen", **values})  # type: ignore[arg-type]
    return save_endpoint(workspace, fields=fields, actor=Actor())


@pytest.mark.django_db
def test_everything_that_is_entered_is_stored(workspace: Workspace, owner: User) -> None:
    fields = EndpointFields(
        "House", URL, "qwen", api_key="k", context_tokens=4096, input_price=Decimal("0.5"),
        output_price=Decimal("1.25"), requests_per_minute=30, licence="Apache-2.0",
        is_private=True, size_b=7.6,
    )  # fmt: skip

    endpoint = save_endpoint(workspace, fields=fields, actor=Actor(user=owner))

    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.base_url, endpoint.model) == ("House", URL, "qwen")
    assert (endpoint.context_tokens, endpoint.requests_per_minute) == (4096, 30)
    assert (endpoint.input_price, endpoint.output_price) == (Decimal("0.5"), Decimal("1.25"))
    assert (endpoint.licence, endpoint.is_private, endpoint.size_b) == ("Apache-2.0", True, 7.6)
    event = AuditEvent.objects.get(action="endpoint.created")
    assert event.actor_id == owner.pk
    assert event.detail == {"name": "House", "base_url": URL, "model": "qwen"}


@pytest.mark.django_db
def test_a_change_forgets_how_the_last_test_went(workspace: Workspace) -> None:
    endpoint = save(workspace)
    Endpoint.objects.update(check_ok=True, check_message="qwen answered.")
    endpoint.refresh_from_db()

    changed = save_endpoint(
        workspace, fields=EndpointFields("House", URL, "other"), actor=Actor(), endpoint=endpoint
    )

    assert changed.pk == endpoint.pk
    assert (changed.model, changed.check_ok, changed.check_message) == ("other", None, "")
    assert AuditEvent.objects.filter(action="endpoint.changed").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["ftp://server/v1", "server", "http://"])
def test_what_is_no_address_is_not_stored(workspace: Workspace, address: str) -> None:
    with pytest.raises(ValueError, match="http"):
        save(workspace, base_url=address)

    assert not Endpoint.objects.exists()


@pytest.mark.django_db
def test_names_are_unique_in_a_workspace_only(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    save(workspace, "Zoo")
    save(workspace, "House")
    theirs = save(other_workspace, "House")

    with pytest.raises(IntegrityError), transaction.atomic():
        save(workspace, "House")
    assert [endpoint.name for endpoint in list_endpoints(workspace)] == ["House", "Zoo"]
    assert list(list_endpoints(other_workspace.pk)) == [theirs]
    assert get_endpoint(other_workspace.pk, theirs.pk) == theirs
    with pytest.raises(Http404):
        get_endpoint(workspace.pk, theirs.pk)


@pytest.mark.django_db
def test_a_deleted_endpoint_leaves_a_note(workspace: Workspace) -> None:
    delete_endpoint(save(workspace), actor=Actor())

    assert not Endpoint.objects.exists()
    assert AuditEvent.objects.get(action="endpoint.deleted").detail == {"name": "House"}


@pytest.mark.django_db(transaction=True)
def test_a_test_notes_what_the_server_said(workspace: Workspace) -> None:
    with serve_in_thread() as stub:
        endpoint = save(workspace, base_url=stub.base_url, model="stub")
        check_endpoint(endpoint)
        endpoint.refresh_from_db()
        assert endpoint.check_ok is True
        assert "answered in" in endpoint.check_message
        first = endpoint.checked_at
        assert first is not None

    silent = check_endpoint(Endpoint.objects.get())  # nothing answers any more
    assert silent.check_ok is False
    assert silent.check_message
    assert silent.checked_at is not None
    assert silent.checked_at > first


def test_costs_are_per_million_tokens() -> None:
    cost = compute_cost(
        input_tokens=2_000, output_tokens=500, input_price=Decimal("0.5"),
        output_price=Decimal("2"),
    )  # fmt: skip

    assert cost == Decimal("0.002")  # 0.001 for each side
