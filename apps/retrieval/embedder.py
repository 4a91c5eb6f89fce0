"""The embedding model, for retrieval and the apps above it."""

from __future__ import annotations

from apps.core.embedder import get_embedder

__all__ = ["get_embedder"]
