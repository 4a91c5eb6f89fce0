"""How vectors are searched, in words for people. Pure."""

from __future__ import annotations

from apps.retrieval.models import AnnKind, Precision

ONE_BY_ONE = "Compared one by one (exact)"


def name_vector_index(kind: str, precision: str) -> str:
    """`Graph (HNSW), 16 bits` for "hnsw" and "half"."""
    return f"{AnnKind(kind).label}, {Precision(precision).label}"


def name_built(built: str) -> str:
    """The same of `Index.ann_built`, which may be empty."""
    kind, _, precision = built.partition(" ")
    return name_vector_index(kind, precision) if built else ONE_BY_ONE
