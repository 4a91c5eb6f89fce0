"""Two workspaces with the same documents: no key of one reads or changes anything of the other."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from tests.core.rest.operations import declared_of
from tests.factories import make_api
from tests.isolation.addresses import Address, leaks, list_addresses, methods_of
from tests.isolation.house import QUESTION, TEXT, House

pytestmark = pytest.mark.django_db

V1 = "/api/v1"
TAKES_IDS = {
    "/api/v1/search/",
    "/api/v1/conversations/delete/",
    "/api/v1/assistants/",
    "/api/v1/conversations/",
    "/api/v1/experiments/",
    "/api/v1/lab/runs/",
    "/api/v1/playground/",
    "/api/v1/probes/perturbation/",
    "/api/v1/probes/needle/",
}
"""Where a POST without an id in its path names things by their ids in its body."""
TAKES_NONE = {
    "/api/v1/api-keys/",
    "/api/v1/collections/",
    "/api/v1/endpoints/",
    "/api/v1/embedding-models/",
    "/api/v1/chunking/profiles/",
    "/api/v1/datasets/",
    "/api/v1/prompts/",
    "/api/v1/prompts/import/",
}


def rest() -> list[Address]:
    found = list_addresses("api/v1/")
    assert len(found) > 20
    return found


def send(client: Client, method: str, path: str, data: Any = None) -> Any:
    return client.generic(
        method.upper(), path, b"" if data is None else _json(data), "application/json"
    )


def _json(data: Any) -> bytes:
    return orjson.dumps(data, default=str)


def without_keys(rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """A snapshot without the keys, which note when they were used."""
    return {name: found for name, found in rows.items() if name != "workspaces.ApiKey"}


def body_of(response: Any) -> bytes:
    if response.streaming:
        return b"".join(response.streaming_content)
    return bytes(response.content)


def test_ids_of_others_are_not_there(victim: House, intruder: House) -> None:
    before, own_before, open_doors = victim.snapshot(), intruder.snapshot(), []
    for address in rest():
        for path in address.trespasses(intruder, victim):
            for method in methods_of(address):
                data = {"rating": "up"} if path.endswith("/feedback/") else None
                response = send(intruder.api, method, path, data)
                if response.status_code != 404 or leaks(body_of(response), victim, asked=path):
                    open_doors.append((method, path, response.status_code))
    assert not open_doors
    assert victim.snapshot() == before
    assert without_keys(intruder.snapshot()) == without_keys(own_before)


def test_lists_hold_ones_own_alone(victim: House, intruder: House) -> None:
    query = {
        "assistant": victim.assistant.slug,
        "member": str(victim.owner.pk),
        "collection": str(victim.rest["collection_id"]),
    }
    for address in rest():
        if "get" in methods_of(address) and not address.parameters:
            taken = query.keys() & declared_of(address, "get").query
            for asked in ({}, {name: query[name] for name in taken}):
                response = intruder.api.get(address.fill({}), asked)
                assert response.status_code == 200, address
                assert not leaks(body_of(response), victim), address


def test_bodies_take_no_ids_of_others(victim: House, intruder: House) -> None:
    before, theirs, own = victim.snapshot(), victim.rest, intruder.rest
    assert victim.assistant.current is not None
    version = victim.assistant.current.prompt_version_id
    collections = [own["collection_id"], theirs["collection_id"]]
    mine = f"{V1}/assistants/{intruder.assistant.pk}/"
    attempts: list[tuple[str, str, dict[str, Any]]] = [
        ("post", f"{V1}/search/", {"collection": theirs["collection_id"], "query": QUESTION}),
        ("post", f"{V1}/search/", {"collections": collections, "query": QUESTION}),
        ("post", f"{V1}/collections/{own['collection_id']}/changes/",
         {"action": "move", "filter": {}, "target": theirs["collection_id"]}),
        ("post", f"{V1}/assistants/", {"name": "X", "collections": collections}),
        ("post", f"{V1}/assistants/",
         {"name": "X", "collections": [], "endpoint": theirs["endpoint_id"]}),
        ("post", f"{V1}/conversations/delete/",
         {"ids": [own["conversation_id"], theirs["conversation_id"]]}),
        ("post", f"{V1}/conversations/", {"assistant": victim.assistant.slug}),
        ("patch", mine, {"collections": collections}),
        ("patch", mine, {"endpoint": theirs["endpoint_id"]}),
        ("post", f"{V1}/probes/perturbation/",
         {"assistant": victim.assistant.pk, "questions": ["?"]}),
        ("post", f"{V1}/probes/needle/", {"endpoint": theirs["endpoint_id"], "lengths": [500]}),
        ("post", f"{V1}/playground/",
         {"assistant": victim.assistant.pk, "question": "?", "variants": [{}]}),
        ("post", f"{V1}/playground/",
         {"assistant": intruder.assistant.pk, "question": "?",
          "variants": [{"endpoint": theirs["endpoint_id"]}]}),
        ("patch", mine, {"prompt_version": version}),
        ("post", f"{mine}releases/",
         {"prompt_version": version}),
    ]  # fmt: skip
    plan = {
        "name": "X", "assistant": own["assistant_id"], "dataset": own["dataset_id"], "version": 1,
        "releases": [1], "evaluators": [{"evaluator": "token_f1"}],
    }  # fmt: skip
    for name in ("assistant", "dataset"):
        attempts.append(("post", f"{V1}/experiments/", plan | {name: theirs[f"{name}_id"]}))
    attempts.append(("post", f"{V1}/experiments/", plan | {"judge": theirs["endpoint_id"]}))
    measured = {"dataset": own["dataset_id"], "version": 1, "collections": collections[:1]}
    for changes in (
        {"dataset": theirs["dataset_id"]},
        {"collections": collections},
        {"index_a": theirs["index_id"]},
    ):
        attempts.append(("post", f"{V1}/lab/runs/", measured | changes))
    ours = f"{V1}/experiments/{own['experiment_id']}/"
    items = {"first": own["item_id"], "second": theirs["item_id"], "winner": "first"}
    attempts += [
        ("post", f"{ours}arena/matches/", items),
        ("post", f"{ours}arena/judge/", {"endpoint": theirs["endpoint_id"]}),
        ("post", f"{ours}grades/", {"item": theirs["item_id"], "value": 3}),
    ]
    attempts.append(
        ("post", f"{V1}/lab/runs/{own['lab_run_id']}/candidate/",
         {"side": "a", "assistant": theirs["assistant_id"]}),
    )  # fmt: skip
    release = intruder.assistant.current_id
    for method, path, data in attempts:
        response = send(intruder.api, method, path, data)
        assert response.status_code == 404, (path, data)
        assert not leaks(body_of(response), victim, asked=str(data))
    steps = {"rerank": "endpoint", "rerank_endpoint": str(theirs["endpoint_id"])}
    question = {"assistant": intruder.assistant.pk, "question": "?"}
    nested: list[tuple[str, str, dict[str, Any]]] = [
        ("post", f"{V1}/assistants/", {"name": "X", "collections": [], "retrieval": steps}),
        ("patch", mine, {"retrieval": steps}),
        ("post", f"{mine}releases/", {"retrieval": steps}),
        ("post", f"{V1}/playground/", question | {"variants": [{"profile": steps}]}),
        ("post", f"{V1}/lab/runs/", measured | {"profile_a": steps}),
    ]
    for method, path, data in nested:
        response = send(intruder.api, method, path, data)
        assert response.status_code == 400, (path, data)
        assert "no endpoint of this id" in response.content.decode(), path
        assert not leaks(body_of(response), victim, asked=str(data))
    assert victim.snapshot() == before
    intruder.assistant.refresh_from_db()
    assert intruder.assistant.current_id == release


def test_every_post_without_an_id_is_known_here() -> None:
    posts = {a.fill({}) for a in rest() if not a.parameters and "post" in methods_of(a)}
    assert posts == TAKES_IDS | TAKES_NONE


def test_the_same_search_finds_ones_own_documents(victim: House, intruder: House) -> None:
    for house, other in ((victim, intruder), (intruder, victim)):
        asked = {"collection": house.rest["collection_id"], "query": QUESTION}
        response = send(house.api, "post", f"{V1}/search/", asked)
        assert [hit["text"] for hit in response.json()["hits"]] == [TEXT]
        assert [hit["document"] for hit in response.json()["hits"]] == [
            str(house.rest["document_id"])
        ]
        assert not leaks(response.content, other)


def test_no_key_and_wrong_keys_open_nothing(victim: House) -> None:
    before, open_doors = victim.snapshot(), []
    headers = {
        "none": {},
        "basic": {"authorization": "Basic b3duZXI6b3duZXI="},
        "unknown": {"authorization": f"Bearer {victim.api.key[:-2]}zz"},
        "revoked": {"authorization": f"Bearer {victim.revoked_key}"},
    }
    for address in rest():
        path = address.fill(address.arguments(victim))
        for method in methods_of(address):
            for kind, values in headers.items():
                response = send(Client(headers=values), method, path)
                if response.status_code != 401 or "WWW-Authenticate" not in response:
                    open_doors.append((kind, method, path, response.status_code))
    assert not open_doors
    assert victim.snapshot() == before


def test_a_key_without_scopes_may_do_nothing(victim: House) -> None:
    client, open_doors = Client(headers={"authorization": f"Bearer {victim.bare_key}"}), []
    for address in rest():
        path = address.fill(address.arguments(victim))
        for method in methods_of(address):
            response = send(client, method, path)
            if response.status_code != 403:
                open_doors.append((method, path, response.status_code))
            assert response["Content-Type"] == "application/problem+json"
    assert not open_doors


def test_conversations_belong_to_the_key_that_began_them(victim: House) -> None:
    """Another key of the same workspace does not see what a program asked."""
    colleague = make_api(victim.workspace, victim.owner)
    assert colleague.get(f"{V1}/conversations/").json()["results"] == []
    for path in (
        f"{V1}/conversations/{victim.rest['conversation_id']}/",
        f"{V1}/messages/{victim.rest['message_id']}/",
        f"{V1}/messages/{victim.pages['message_id']}/",
    ):
        assert colleague.get(path).status_code == 404
    assert victim.api.get(f"{V1}/messages/{victim.pages['message_id']}/").status_code == 404


def test_the_owners_key_finds_everything(victim: House) -> None:
    """The arguments of the other tests are right: with them, the own key gets in everywhere."""
    missed = []
    for address in rest():
        path = address.fill(address.arguments(victim))
        for method in sorted(methods_of(address), key="delete".__eq__):
            if method != "delete":
                response = send(victim.api, method, path, {})
                if response.status_code == 404 or (method == "get" and response.status_code != 200):
                    missed.append((method, path, response.status_code))
    for address in rest():
        if "delete" in methods_of(address):
            path = address.fill(address.arguments(victim))
            status = send(victim.api, "delete", path).status_code
            # A collection's document is gone with it, as an assistant's conversation is.
            if status not in (204, 404):
                missed.append(("delete", path, status))
    assert not missed


V1_ADDRESSES = [
    ("get", "/v1/models"),
    ("get", "/v1/models/<str:name>"),
    ("post", "/v1/chat/completions"),
    ("get", "/v1/<path:path>"),
]


def ask(key: str, method: str, path: str, data: Any) -> Any:
    """A request of the OpenAI-compatible API, whose views live on the event loop."""

    async def send_it() -> Any:
        return await AsyncClient().generic(
            method.upper(),
            path,
            _json(data),
            "application/json",
            headers={"Authorization": f"Bearer {key}"},
        )

    return async_to_sync(send_it)()


@pytest.mark.django_db(transaction=True)
def test_assistants_of_others_are_no_models(victim: House, intruder: House) -> None:
    assert {f"/{address.route}" for address in list_addresses("v1/")} == {
        path for _, path in V1_ADDRESSES
    }
    before = victim.snapshot()
    listed = ask(intruder.api.key, "get", "/v1/models", {})
    assert [model["id"] for model in listed.json()["data"]] == [intruder.assistant.slug]
    theirs = ask(intruder.api.key, "get", f"/v1/models/{victim.assistant.slug}", {})
    assert (theirs.status_code, theirs.json()["error"]["code"]) == (404, "model_not_found")
    question = {
        "model": victim.assistant.slug,
        "messages": [{"role": "user", "content": QUESTION}],
    }
    asked = ask(intruder.api.key, "post", "/v1/chat/completions", question)
    assert asked.status_code == 404
    assert asked.json()["error"]["code"] == "model_not_found"
    assert not leaks(asked.content, victim, asked=victim.assistant.slug)
    for method, path in V1_ADDRESSES:
        for key, status in (
            ("", 401),
            ("x", 401),
            (victim.revoked_key, 401),
            (victim.bare_key, 403),
        ):
            assert ask(key, method, path, question).status_code == status
    assert without_keys(victim.snapshot()) == without_keys(before)
