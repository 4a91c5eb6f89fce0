"""Which passages carry a tag, for those who ask and for those who are asked."""

from __future__ import annotations

from typing import Any

TAGS = {"": 1, "tenth": 10, "hundredth": 100, "thousandth": 1_000}
"""By tag, the one in so many documents that carries it."""

DOCUMENT_CHUNKS = 10
TOP = 10
"""Passages that every question asks for."""


def has_tag(numbers: Any, tag: str) -> Any:
    """Which passages belong to a document with the tag."""
    every = TAGS[tag]
    return (numbers // DOCUMENT_CHUNKS) % every == every // 2
