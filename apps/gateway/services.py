"""Writes of endpoints, and the cost of their answers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from asgiref.sync import async_to_sync
from django.db import transaction
from django.utils import timezone

from apps.gateway.clients import check_base_url, make_client
from apps.gateway.credentials import check_key_stays, encrypt
from apps.gateway.models import Endpoint
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor, record_audit
from inference.errors import ModelError
from inference.openai.client import Timeouts

MILLION = Decimal(1_000_000)
SAVING_PATIENCE_S = 20.0
"""How long saving waits for the test. A model that is still being loaded can be tested later."""


@dataclass(frozen=True, slots=True)
class EndpointFields:
    """What people enter. `api_key` None leaves a stored key as it is; "" removes it."""

    name: str
    base_url: str
    model: str
    api_key: str | None = None
    context_tokens: int = 8192
    input_price: Decimal = Decimal(0)
    output_price: Decimal = Decimal(0)
    requests_per_minute: int | None = None
    licence: str = ""
    is_private: bool = False
    size_b: float | None = None


@transaction.atomic
def save_endpoint(
    workspace: Workspace, *, fields: EndpointFields, actor: Actor, endpoint: Endpoint | None = None
) -> Endpoint:
    """Create an endpoint or change one.

    Raises ValueError if the address is not one, KeyNeededError if it leads to another server than
    the one that the stored key is for and no key is given.
    """
    check_base_url(fields.base_url, model=fields.model)
    is_new = endpoint is None
    endpoint = endpoint or Endpoint(workspace=workspace)
    if fields.api_key is None:
        stored = bytes(endpoint.api_key_encrypted)
        check_key_stays(stored, before=endpoint.base_url, after=fields.base_url)
    endpoint.name, endpoint.base_url, endpoint.model = fields.name, fields.base_url, fields.model
    endpoint.context_tokens = fields.context_tokens
    endpoint.input_price, endpoint.output_price = fields.input_price, fields.output_price
    endpoint.requests_per_minute = fields.requests_per_minute
    endpoint.licence, endpoint.is_private = fields.licence, fields.is_private
    endpoint.size_b = fields.size_b
    if fields.api_key is not None:
        endpoint.api_key_encrypted = encrypt(fields.api_key)
    endpoint.check_ok, endpoint.check_message = None, ""
    endpoint.save()
    record_audit(
        workspace.pk,
        actor=actor,
        action="endpoint.created" if is_new else "endpoint.changed",
        subject=endpoint,
        detail={"name": fields.name, "base_url": fields.base_url, "model": fields.model},
    )
    return endpoint


@transaction.atomic
def delete_endpoint(endpoint: Endpoint, *, actor: Actor) -> None:
    """Delete an endpoint.

    Assistants that answered with it fall back to the built-in reader; those whose search asked it
    say that it is gone.
    """
    record_audit(
        endpoint.workspace_id,
        actor=actor,
        action="endpoint.deleted",
        subject=endpoint,
        detail={"name": endpoint.name},
    )
    endpoint.delete()


def check_endpoint(endpoint: Endpoint, *, patience_s: float = 60.0) -> Endpoint:
    """Ask the endpoint for one token and note how it went on its row."""
    try:
        client = make_client(endpoint, timeouts=Timeouts(first_token=patience_s))
        outcome = async_to_sync(client.check)()
    except ModelError as error:
        endpoint.check_ok, endpoint.check_message = False, error.message
    else:
        endpoint.check_ok = True
        endpoint.check_message = f"{outcome.model} answered in {outcome.latency_ms:.0f} ms."
    endpoint.checked_at = timezone.now()
    endpoint.save(update_fields=["check_ok", "check_message", "checked_at"])
    return endpoint


def compute_cost(
    *, input_tokens: int, output_tokens: int, input_price: Decimal, output_price: Decimal
) -> Decimal:
    """US dollars for one answer, from prices per million tokens."""
    return (input_tokens * input_price + output_tokens * output_price) / MILLION
