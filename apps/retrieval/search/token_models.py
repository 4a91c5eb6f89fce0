"""This process's model for token vectors, loaded on first use."""

from __future__ import annotations

import threading
from pathlib import Path

from django.conf import settings

from inference.late_interaction import TokenEncoder

_lock = threading.Lock()
_loaded: dict[str, TokenEncoder] = {}


def get_token_encoder() -> TokenEncoder:
    """The token encoder that belongs to `settings.EMBEDDER`.

    Raises `inference.errors.ModelFilesError` when the model was not prepared.
    """
    name: str = settings.EMBEDDER
    with _lock:
        if name not in _loaded:
            _loaded[name] = _load(name)
        return _loaded[name]


def _load(name: str) -> TokenEncoder:
    # Imported here: few processes ever rerank.
    if name == "hash":
        from inference.fake import HashTokenEncoder

        return HashTokenEncoder()
    from inference.minilm.tokens import MiniLMTokenEncoder

    return MiniLMTokenEncoder.load(
        Path(settings.MODELS_DIR), workers=max(1, settings.EMBEDDER_WORKERS)
    )
