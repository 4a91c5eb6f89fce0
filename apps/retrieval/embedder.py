"""Where retrieval and what stands above it get the embedding model from."""

from __future__ import annotations

from apps.core.embedder import get_embedder

__all__ = ["get_embedder"]
