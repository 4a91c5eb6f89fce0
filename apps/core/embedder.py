"""The embedding models of this process, loaded on first use and shared by all threads.

The built-in model is handled here, because every question needs it. All others belong to a
workspace, and the app that stores them opens them, behind a door.
"""

from __future__ import annotations

import ctypes
import gc
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast
from uuid import UUID

from django.conf import settings

from apps.core import doors
from inference.protocols import Embedder

if TYPE_CHECKING:
    from inference.minilm.embedder import Backend

_lock = threading.Lock()
_loaded: dict[str, Embedder] = {}
_bulk = False
_used_at = 0.0


@dataclass(frozen=True, slots=True)
class EmbeddingChoice:
    """A model that an index can be built with. The index refers to it by `name`."""

    name: str
    label: str
    dimensions: int


def get_embedder(name: str = "") -> Embedder:
    """The model of this name, or without a name the built-in one.

    `settings.EMBEDDER` says which is built in: `minilm`, or `hash` where meaning is not needed.
    Raises `inference.errors.ModelFilesError` if the model's files are missing; the next call tries
    again.
    """
    global _used_at
    _used_at = time.monotonic()
    chosen: str = settings.EMBEDDER
    builtin = _loaded.get(chosen) or _load_once(chosen)
    if not name or name == builtin.name:
        return builtin
    return doors.open_embedding_model(name)


def list_embedders(workspace_id: UUID) -> list[EmbeddingChoice]:
    """The models that an index of the workspace can be built with, the built-in one first."""
    builtin = get_embedder()
    first = EmbeddingChoice(builtin.name, _label(builtin.name), builtin.dimensions)
    return [first, *doors.list_embedding_models(workspace_id)]


def _label(name: str) -> str:
    return f"{name.rpartition('/')[2]} (built in)"


def _load_once(name: str) -> Embedder:
    with _lock:
        embedder = _loaded.get(name) or _load(name)
        _loaded[name] = embedder
        return embedder


def prefer_throughput() -> None:
    """Prefer the backend that is faster in bulk (see `EMBEDDER_BACKEND`). Call before first use."""
    global _bulk
    _bulk = True


def release_idle(*, seconds: float) -> bool:
    """Unload the built-in model if it was unused for `seconds`; True if it was unloaded.

    Only in processes that embed in bulk: between uploads their memory is better used elsewhere,
    and the next batch can wait half a second for the model. Current users of the model keep it.
    """
    with _lock:
        if not _bulk or not _loaded or time.monotonic() - _used_at < seconds:
            return False
        _loaded.clear()
    return_memory()
    return True


def return_memory() -> None:
    """Return freed memory to the system, where the C library supports it (glibc)."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _choose_backend() -> Backend:
    from inference.minilm.sessions import prefers_openvino

    chosen: str = settings.EMBEDDER_BACKEND
    if chosen == "auto":
        return "openvino" if _bulk and prefers_openvino() else "onnxruntime"
    if chosen not in ("onnxruntime", "openvino"):
        raise ValueError(f"EMBEDDER_BACKEND must be auto, onnxruntime or openvino, not {chosen!r}.")
    return cast("Backend", chosen)


def _load(name: str) -> Embedder:
    # Imported here: onnxruntime and numpy cost memory that not every process needs.
    if name == "hash":
        from inference.fake import HashEmbedder

        return HashEmbedder()
    if name == "minilm":
        from inference.minilm.embedder import MiniLMEmbedder

        return MiniLMEmbedder.load(
            Path(settings.MODELS_DIR),
            workers=max(1, settings.EMBEDDER_WORKERS),
            backend=_choose_backend(),
        )
    raise ValueError(f"EMBEDDER must be minilm or hash, not {name!r}.")
