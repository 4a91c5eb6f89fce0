"""Failures of model servers, in words that the people who run a workspace understand."""

from __future__ import annotations

from typing import Literal

ErrorKind = Literal[
    "unreachable",
    "forbidden_address",
    "timeout",
    "auth",
    "not_found",
    "rate_limited",
    "overloaded",
    "bad_request",
    "too_long",
    "interrupted",
    "empty",
    "server_error",
    "invalid_response",
]

RETRYABLE_KINDS: frozenset[ErrorKind] = frozenset(
    {"unreachable", "timeout", "rate_limited", "overloaded", "interrupted", "server_error"}
)


class ModelError(Exception):
    """A model server did not deliver.

    ``kind`` is for programs, ``message`` for people: it holds no key, no header and no address
    beyond what its owner typed. ``retryable`` says whether the same request may work later.
    ``retry_after`` is how many seconds the server asks to wait, where it does.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        retryable: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.message = message
        self.retryable = kind in RETRYABLE_KINDS if retryable is None else retryable
        self.retry_after = retry_after

    def __repr__(self) -> str:
        return f"ModelError({self.kind!r}, {self.message!r})"


class ModelFilesError(Exception):
    """The files of a local model are absent, damaged or not the expected ones."""
