"""Writes about embedding models: adding, testing, changing, deleting."""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.gateway import doors
from apps.gateway.clients import check_base_url, make_embeddings_client
from apps.gateway.credentials import check_key_stays, encrypt
from apps.gateway.embedding_models import MODELS, open_folder, open_server
from apps.gateway.models import EmbeddingModel
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor, record_audit
from inference.background import run_blocking
from inference.errors import ModelError, ModelFilesError
from inference.openai.wire import make_error

MAX_DIMENSIONS = 4_000
"""The longest 16-bit vectors that pgvector's graph can index."""

SAMPLE = "How long is the notice period?"


class InUseError(Exception):
    """Indexes were built with this model and could not be searched by meaning without it."""


@dataclass(frozen=True, slots=True)
class EmbeddingModelFields:
    """What people enter. `api_key` None leaves a stored key as it is; "" removes it."""

    name: str
    kind: str = EmbeddingModel.Kind.SERVER
    base_url: str = ""
    model: str = ""
    api_key: str | None = None
    folder: str = ""
    query_prefix: str = ""
    passage_prefix: str = ""


def list_models(workspace: Workspace | UUID) -> QuerySet[EmbeddingModel]:
    """A workspace's embedding models by name."""
    return EmbeddingModel.objects.filter(workspace=workspace).order_by("name")


def add_model(
    workspace: Workspace, *, fields: EmbeddingModelFields, actor: Actor
) -> EmbeddingModel:
    """Add a model after asking it once, which is how its number of dimensions becomes known.

    Raises ModelError or ModelFilesError saying what is wrong, ValueError for a bad address.
    """
    row = EmbeddingModel(
        workspace=workspace,
        name=fields.name,
        kind=fields.kind,
        base_url=fields.base_url,
        model=fields.model,
        api_key_encrypted=encrypt(fields.api_key or ""),
        folder=fields.folder,
        query_prefix=fields.query_prefix,
        passage_prefix=fields.passage_prefix,
        dimensions=0,
    )
    if row.kind == EmbeddingModel.Kind.SERVER:
        row.dimensions = _ask_dimensions(row)
    else:
        embedder = open_folder(row)
        row.dimensions, row.max_tokens = embedder.dimensions, embedder.max_tokens
    if row.dimensions > MAX_DIMENSIONS:
        raise make_error(
            "invalid_response",
            f"Its vectors have {row.dimensions} numbers; at most {MAX_DIMENSIONS} can be searched.",
        )
    row.checked_at, row.check_ok = timezone.now(), True
    row.check_message = f"It answered with {row.dimensions} numbers."
    with transaction.atomic():
        row.save()
        _audit(row, action="embedding_model.created", actor=actor)
    return row


@transaction.atomic
def change_model(
    row: EmbeddingModel, *, name: str, base_url: str, api_key: str | None, actor: Actor
) -> EmbeddingModel:
    """Rename a model or change how it is reached.

    Raises ValueError for a bad address, KeyNeededError if it leads to another server than the one
    that the stored key is for and no key is given.
    """
    if row.kind == EmbeddingModel.Kind.SERVER:
        check_base_url(base_url, model=row.model)
        if api_key is None:
            stored = bytes(row.api_key_encrypted)
            check_key_stays(stored, before=row.base_url, after=base_url)
        row.base_url = base_url
        if api_key is not None:
            row.api_key_encrypted = encrypt(api_key)
    row.name, row.check_ok, row.check_message = name, None, ""
    row.save()
    MODELS.forget(row.name_in_index)
    _audit(row, action="embedding_model.changed", actor=actor)
    return row


def check_model(row: EmbeddingModel) -> EmbeddingModel:
    """Embed one question and note how it went on the row."""
    started = time.perf_counter()
    try:
        is_server = row.kind == EmbeddingModel.Kind.SERVER
        embedder = open_server(row) if is_server else open_folder(row)
        embedder.encode_query(SAMPLE)
    except (ModelError, ModelFilesError) as error:
        row.check_ok, row.check_message = False, str(error)
    else:
        row.check_ok = True
        milliseconds = (time.perf_counter() - started) * 1000
        row.check_message = f"A question took {milliseconds:.0f} ms, {row.dimensions} numbers."
    row.checked_at = timezone.now()
    row.save(update_fields=["check_ok", "check_message", "checked_at"])
    return row


@transaction.atomic
def delete_model(row: EmbeddingModel, *, actor: Actor) -> None:
    """Delete a model that no index needs. Raises InUseError."""
    if doors.count_model_uses(row.workspace_id, row.name_in_index):
        raise InUseError
    _audit(row, action="embedding_model.deleted", actor=actor)
    MODELS.forget(row.name_in_index)
    row.delete()


def _ask_dimensions(row: EmbeddingModel) -> int:
    texts = [row.query_prefix + SAMPLE]
    return int(run_blocking(make_embeddings_client(row).embed(texts)).shape[1])


def _audit(row: EmbeddingModel, *, action: str, actor: Actor) -> None:
    record_audit(
        row.workspace_id,
        actor=actor,
        action=action,
        subject=row,
        detail={"name": row.name, "kind": row.kind, "model": row.model or row.folder},
    )
