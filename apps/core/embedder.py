"""The embedding model of this process: loaded at its first use, then shared by all threads."""

from __future__ import annotations

import threading
from pathlib import Path

from django.conf import settings

from inference.protocols import Embedder

_lock = threading.Lock()
_loaded: dict[str, Embedder] = {}


def get_embedder() -> Embedder:
    """The model that `settings.EMBEDDER` names: `minilm`, or `hash` where meaning is not needed.

    Raises `inference.errors.ModelFilesError` when the model was not prepared; the next call tries
    again.
    """
    name: str = settings.EMBEDDER
    embedder = _loaded.get(name)
    if embedder is None:
        with _lock:
            embedder = _loaded.get(name) or _load(name)
            _loaded[name] = embedder
    return embedder


def _load(name: str) -> Embedder:
    # Imported here: onnxruntime and numpy cost memory that not every process needs.
    if name == "hash":
        from inference.fake import HashEmbedder

        return HashEmbedder()
    if name == "minilm":
        from inference.minilm.embedder import MiniLMEmbedder

        return MiniLMEmbedder.load(
            Path(settings.MODELS_DIR), workers=max(1, settings.EMBEDDER_WORKERS)
        )
    raise ValueError(f"EMBEDDER must be minilm or hash, not {name!r}.")
