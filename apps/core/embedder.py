"""The embedding models of this process: loaded at their first use, then shared by all threads.

The built-in model has a path of its own, because every question takes it. All others belong to a
workspace and are known to the app that keeps them, which the doors lead to.
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
    """A model that an index can be built with. `name` is what the index keeps of it."""

    name: str
    label: str
    dimensions: int


def get_embedder(name: str = "") -> Embedder:
    """The model of this name; without one, the built-in that `settings.EMBEDDER` names.

    `settings.EMBEDDER` is `minilm`, or `hash` where meaning is not needed. Raises
    `inference.errors.ModelFilesError` when the model was not prepared or is gone; the next call
    tries again.
    """
    global _used_at
    _used_at = time.monotonic()
    chosen: str = settings.EMBEDDER
    builtin = _loaded.get(chosen) or _load_once(chosen)
    if not name or name == builtin.name:
        return builtin
    return doors.open_embedding_model(name)


def list_embedders(workspace_id: UUID) -> list[EmbeddingChoice]:
    """What an index of the workspace can be built with; the built-in model comes first."""
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
    """Called by processes that embed in bulk, before the first use: see `EMBEDDER_BACKEND`."""
    global _bulk
    _bulk = True


def release_idle(*, seconds: float) -> bool:
    """Forget the built-in model if nobody asked for it for so long; True if it was dropped.

    For processes that embed in bulk: between uploads their memory belongs to others, and the
    next batch waits half a second for the model. Whoever still holds it keeps it.
    """
    with _lock:
        if not _bulk or not _loaded or time.monotonic() - _used_at < seconds:
            return False
        _loaded.clear()
    return_memory()
    return True


def return_memory() -> None:
    """Give freed memory back to the system where the C library can (glibc)."""
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
