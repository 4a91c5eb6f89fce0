"""The embedding models that workspaces have added, opened for whoever embeds.

Chunking and retrieval cannot import this app, so they reach it through core's doors.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError

from apps.core.embedder import EmbeddingChoice
from apps.gateway.clients import make_embeddings_client
from apps.gateway.models import EmbeddingModel
from inference.errors import ModelFilesError
from inference.protocols import Embedder
from inference.remote_embedder import RemoteEmbedder

PREFIX = "model:"
KEPT_SECONDS = 10.0
"""Seconds for which an opened server is reused before its row is read again for a new key."""

GONE = "This embedding model was deleted. Build an index with another one."


class _Models:
    """Opens each model once; behind `open_embedding_model` and `list_embedding_models`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[str, tuple[float, Embedder]] = {}
        self._folders: dict[str, Embedder] = {}

    def open(self, name: str) -> Embedder:
        """The model of this name. Raises ModelFilesError if it is gone, ModelError without key."""
        if name in self._folders:
            return self._folders[name]
        known = self._servers.get(name)
        if known is not None and time.monotonic() - known[0] < KEPT_SECONDS:
            return known[1]
        row = _find(name)
        if row.kind == EmbeddingModel.Kind.SERVER:
            embedder = open_server(row)
            self._servers[name] = time.monotonic(), embedder
            return embedder
        with self._lock:
            if name not in self._folders:
                self._folders[name] = open_folder(row)
            return self._folders[name]

    def list(self, workspace_id: UUID) -> Sequence[EmbeddingChoice]:
        """The workspace's models by name."""
        rows = EmbeddingModel.objects.filter(workspace_id=workspace_id).order_by("name")
        return [EmbeddingChoice(row.name_in_index, row.name, row.dimensions) for row in rows]

    def forget(self, name: str) -> None:
        """Forget an opened model, so that its next use reads the row again."""
        self._servers.pop(name, None)
        self._folders.pop(name, None)


MODELS = _Models()
open_embedding_model, list_embedding_models = MODELS.open, MODELS.list
"""What core's doors of these names lead to."""


def open_server(row: EmbeddingModel) -> Embedder:
    """A client of the row's server. Raises ModelError if its stored key cannot be read."""
    return RemoteEmbedder(
        make_embeddings_client(row),
        name=row.name_in_index,
        dimensions=row.dimensions,
        max_tokens=row.max_tokens,
        query_prefix=row.query_prefix,
        passage_prefix=row.passage_prefix,
    )


def open_folder(row: EmbeddingModel) -> Embedder:
    """The model in the row's folder. Raises ModelFilesError if it cannot be opened."""
    from inference.folder_embedder import FolderEmbedder

    return FolderEmbedder.load(
        locate_folder(row.folder),
        name=row.name_in_index,
        workers=max(1, settings.EMBEDDER_WORKERS),
        query_prefix=row.query_prefix,
        passage_prefix=row.passage_prefix,
    )


def locate_folder(name: str) -> Path:
    """The folder of this name among the models. Raises ModelFilesError for one outside of them."""
    root = Path(settings.MODELS_DIR).resolve()
    folder = (root / name).resolve()
    if folder.parent != root or not folder.is_dir():
        raise ModelFilesError(f"There is no folder “{name}” in the models directory.")
    return folder


def list_folders() -> list[str]:
    """The names of folders that look like an embedding model."""
    from inference.folder_files import is_model_folder

    root = Path(settings.MODELS_DIR)
    if not root.is_dir():
        return []
    return sorted(path.name for path in root.iterdir() if is_model_folder(path))


def _find(name: str) -> EmbeddingModel:
    try:
        row = EmbeddingModel.objects.filter(pk=name.removeprefix(PREFIX)).first()
    except ValidationError:
        row = None  # a model that an earlier installation had built in
    if row is None or not name.startswith(PREFIX):
        raise ModelFilesError(GONE)
    return row
