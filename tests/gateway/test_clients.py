"""The factory of model clients: what each is, what each refuses, and that there is no other."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from apps.gateway.clients import (
    check_base_url,
    make_client,
    make_embeddings_client,
    make_logprob_client,
    make_rerank_client,
)
from apps.gateway.credentials import encrypt
from apps.gateway.models import EmbeddingModel, Endpoint
from inference.errors import ModelError
from inference.http_session import close_sessions
from inference.openai.client import OpenAIClient
from inference.openai.embeddings import EmbeddingsClient
from inference.openai.logprobs import LogprobClient
from inference.openai.rerank import RerankClient
from tests.architecture.source import parse, python_files, relative
from tests.embedding_server import serve_embeddings

LINK_LOCAL = "http://169.254.169.254/v1"
CLIENTS = {"OpenAIClient", "RerankClient", "LogprobClient", "EmbeddingsClient"}


def endpoint(base_url: str = LINK_LOCAL) -> Endpoint:
    return Endpoint(name="A", base_url=base_url, model="m", api_key_encrypted=encrypt("sk-1"))


def embedding_model(base_url: str = LINK_LOCAL) -> EmbeddingModel:
    return EmbeddingModel(
        name="A", kind="server", base_url=base_url, model="m", api_key_encrypted=encrypt("sk-1")
    )


MAKERS: list[tuple[Callable[..., Any], Callable[..., Any], type, Callable[[Any], Awaitable[Any]]]]
MAKERS = [
    (make_client, endpoint, OpenAIClient, lambda client: client.check()),
    (make_rerank_client, endpoint, RerankClient, lambda client: client.rerank("q", ["a"])),
    (make_logprob_client, endpoint, LogprobClient, lambda client: client.read("a", " b")),
    (make_embeddings_client, embedding_model, EmbeddingsClient, lambda client: client.embed(["a"])),
]


@pytest.fixture
async def sessions() -> AsyncIterator[None]:
    """Closes the connections of the test's loop."""
    yield
    await close_sessions()


@pytest.mark.usefixtures("sessions")
@pytest.mark.parametrize(("make", "row", "kind", "ask"), MAKERS)
async def test_no_client_contacts_what_may_not_be_contacted(
    make: Callable[..., Any],
    row: Callable[..., Any],
    kind: type,
    ask: Callable[[Any], Awaitable[Any]],
) -> None:
    client = make(row())

    assert type(client) is kind
    with pytest.raises(ModelError) as caught:
        await ask(client)
    assert caught.value.kind == "forbidden_address"


@pytest.mark.parametrize(("make", "row", "kind", "ask"), MAKERS)
def test_a_key_of_another_installation_is_to_be_entered_again(
    make: Callable[..., Any], row: Callable[..., Any], kind: type, ask: object, settings: Any
) -> None:
    stored = row()
    settings.SECRET_KEY = "another installation's"

    with pytest.raises(ModelError, match="cannot be read any more") as caught:
        make(stored)
    assert caught.value.kind == "auth"


@pytest.mark.usefixtures("sessions")
async def test_the_key_goes_to_the_server() -> None:
    with serve_embeddings() as server:
        server.key = "sk-1"
        vectors = await make_embeddings_client(embedding_model(server.base_url)).embed(["a", "b"])
        server.key = "sk-2"
        with pytest.raises(ModelError) as caught:
            await make_embeddings_client(embedding_model(server.base_url)).embed(["a"])

    assert len(vectors) == 2
    assert caught.value.kind == "auth"


@pytest.mark.parametrize("address", ["ftp://server/v1", "server", "http://", ""])
def test_what_is_no_address_is_said_to_be_none(address: str) -> None:
    check_base_url("http://server:8000/v1", model="m")

    with pytest.raises(ValueError, match="http"):
        check_base_url(address, model="m")


def test_clients_are_made_in_one_place() -> None:
    elsewhere = [
        f"{relative(path)}:{node.lineno}"
        for path in python_files("apps", "workers")
        if relative(path) != "apps/gateway/clients.py"
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in CLIENTS
    ]
    assert not elsewhere
