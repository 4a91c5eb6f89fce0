"""Two workspaces with the same documents: no page of one says anything of the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.architecture.test_tenancy import OPEN_VIEWS
from tests.isolation.addresses import Address, leaks, list_addresses
from tests.isolation.house import QUESTION, House

# Some views run on the event loop, whose threads see only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)


def body_of(response: Any) -> bytes:
    if not response.streaming:
        return bytes(response.content)
    return b"" if response.is_async else b"".join(response.streaming_content)


def knock(client: Client, path: str) -> tuple[dict[str, int], bytes]:
    """GET and POST: the two statuses, and all that was said."""
    responses = {"get": client.get(path), "post": client.post(path, {"question": "Why?"})}
    statuses = {method: response.status_code for method, response in responses.items()}
    return statuses, b"".join(body_of(response) for response in responses.values())


def is_closed(statuses: dict[str, int]) -> bool:
    """404, but for the method that the address does not take at all."""
    return set(statuses.values()) <= {404, 405} and 404 in statuses.values()


def pages() -> list[Address]:
    found = list_addresses("w/")
    assert len(found) > 45
    return found


def test_a_strangers_addresses_are_not_there(
    victim: House, intruder: House, client_for: Callable[[Any], Client]
) -> None:
    client, before, open_doors = client_for(intruder.owner), victim.snapshot(), []
    for address in pages():
        path = address.fill(address.arguments(victim))
        statuses, body = knock(client, path)
        if not is_closed(statuses) or leaks(body, victim, asked=path):
            open_doors.append((address.name, statuses))
    assert not open_doors
    assert victim.snapshot() == before


def test_ids_of_others_lead_nowhere_in_ones_own_workspace(
    victim: House, intruder: House, client_for: Callable[[Any], Client]
) -> None:
    client, before, open_doors = client_for(intruder.owner), victim.snapshot(), []
    own_before = intruder.snapshot()
    for address in pages():
        for path in address.trespasses(intruder, victim):
            if path.startswith(f"/w/{victim.workspace.slug}/"):
                continue  # that is the test above
            statuses, body = knock(client, path)
            if not is_closed(statuses) or leaks(body, victim, asked=path):
                open_doors.append((path, statuses))
    assert not open_doors
    assert victim.snapshot() == before
    assert intruder.snapshot() == own_before


def test_ones_own_pages_name_nothing_of_others(
    victim: House, intruder: House, client_for: Callable[[Any], Client]
) -> None:
    client, told = client_for(intruder.owner), []
    query = {"q": QUESTION, "query": QUESTION, "collection": str(victim.pages["collection_id"])}
    for address in pages():
        response = client.get(address.fill(address.arguments(intruder)), query)
        if found := leaks(body_of(response), victim, asked=str(query)):
            told.append((address.name, found))
    assert not told


def test_pages_outside_of_workspaces_name_nothing_of_others(
    victim: House, intruder: House, client_for: Callable[[Any], Client]
) -> None:
    client = client_for(intruder.owner)
    outside = [a for a in list_addresses("") if not a.route.startswith(("w/", "api/v1/", "v1/"))]
    assert {address.name for address in outside} <= set(OPEN_VIEWS)
    for address in outside:
        if not address.parameters and address.name != "logout":
            response = client.get(address.fill({}), follow=True)
            assert not leaks(body_of(response), victim), address.name


def test_forms_take_no_ids_of_others(
    victim: House, intruder: House, client_for: Callable[[Any], Client]
) -> None:
    client, before = client_for(intruder.owner), victim.snapshot()
    here = f"/w/{intruder.workspace.slug}"
    new = f"{here}/assistants/new/create/"
    own = f"{here}/assistants/{intruder.assistant.slug}"
    theirs = victim.pages
    recipe = {
        "name": "Desk", "system": "s", "user": "{{ question }}", "temperature": 0, "limit": 8,
        "max_tokens": 100, "mode": "hybrid",
    }  # fmt: skip
    attempts: list[tuple[str, dict[str, Any], int]] = [
        (f"{own}/ask/", {"question": "?", "conversation": theirs["conversation_id"]}, 404),
        (
            f"{here}/conversations/delete/",
            {"selected": [intruder.pages["conversation_id"], theirs["conversation_id"]]},
            404,
        ),
        (new, {"name": "X", "collections": theirs["collection_id"]}, 422),
        (f"{own}/recipe/", recipe | {"collections": theirs["collection_id"]}, 422),
        (f"{own}/recipe/", recipe | {"endpoint": theirs["endpoint_id"]}, 422),
        (
            f"{own}/recipe/",
            recipe | {"rerank": "endpoint", "rerank_endpoint": theirs["endpoint_id"]},
            422,
        ),
    ]
    for path, values, status in attempts:
        response = client.post(path, values)
        assert response.status_code == status, path
        assert not leaks(body_of(response), victim, asked=str(values))
    assert victim.snapshot() == before


def test_nobody_reads_a_page_without_signing_in(victim: House) -> None:
    before, open_doors = victim.snapshot(), []
    for address in pages():
        path = address.fill(address.arguments(victim))
        for method in ("get", "post"):
            response = getattr(Client(), method)(path)
            to_login = response.status_code == 302 and response["Location"].startswith("/login/")
            if not to_login:
                open_doors.append((method, path, response.status_code))
    assert not open_doors
    assert victim.snapshot() == before


def test_the_owner_finds_everything(victim: House, client_for: Callable[[Any], Client]) -> None:
    """The arguments of the other tests are right: with them, the owner gets in everywhere."""
    client, missed = client_for(victim.owner), []
    for address in pages():
        path = address.fill(address.arguments(victim))
        statuses = [client.get(path).status_code, client.post(path).status_code]
        if 404 in statuses:
            missed.append((address.name, statuses))
    assert not missed
