"""The one place where a stored model server becomes a client that talks to it.

Keys are decrypted here and nowhere else, and every client checks the addresses that it connects
to. All functions raise ModelError of the kind "auth" if the stored key cannot be read any more.
"""

from __future__ import annotations

from typing import TypeVar

from apps.gateway.addresses import check_address
from apps.gateway.credentials import CredentialError, decrypt
from apps.gateway.models import EmbeddingModel, Endpoint
from inference.errors import ModelError
from inference.openai.client import OpenAIClient, Timeouts
from inference.openai.embeddings import EmbeddingsClient
from inference.openai.logprobs import LogprobClient
from inference.openai.rerank import RerankClient

Client = TypeVar("Client", bound=OpenAIClient)
UNREADABLE_KEY = "The stored key of this {thing} cannot be read any more. Enter it again."


def make_client(endpoint: Endpoint, *, timeouts: Timeouts | None = None) -> OpenAIClient:
    """A client that chats."""
    return _connect(OpenAIClient, endpoint, thing="endpoint", timeouts=timeouts)


def make_rerank_client(endpoint: Endpoint) -> RerankClient:
    """A client for a model that puts passages in order."""
    return _connect(RerankClient, endpoint, thing="endpoint")


def make_logprob_client(endpoint: Endpoint) -> LogprobClient:
    """A client that reads how likely a model finds a text."""
    return _connect(LogprobClient, endpoint, thing="endpoint")


def make_embeddings_client(model: EmbeddingModel) -> EmbeddingsClient:
    """A client for an embedding model on a server, stored or not yet."""
    return _connect(EmbeddingsClient, model, thing="model")


def check_base_url(base_url: str, *, model: str) -> None:
    """Raise ValueError, with a sentence for people, if no client could be made for an address."""
    OpenAIClient(base_url, model=model)


def _connect(
    kind: type[Client],
    row: Endpoint | EmbeddingModel,
    *,
    thing: str,
    timeouts: Timeouts | None = None,
) -> Client:
    try:
        key = decrypt(bytes(row.api_key_encrypted))
    except CredentialError as error:
        raise ModelError("auth", UNREADABLE_KEY.format(thing=thing)) from error
    return kind(
        row.base_url,
        model=row.model,
        api_key=key,
        timeouts=timeouts,
        check_address=check_address,
    )


__all__ = [
    "check_base_url", "make_client", "make_embeddings_client", "make_logprob_client",
    "make_rerank_client",
]  # fmt: skip
