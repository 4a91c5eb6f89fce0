"""Limits the size of request bodies, before anything is written to disk.

Django's own handler spools a whole body to a temporary file before the first middleware runs,
so a single request could fill the disk.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def limit_body(app: App, *, max_bytes: int) -> App:
    """`app`, with 413 for bodies of more than `max_bytes` bytes."""

    async def limited(scope: Scope, receive: Receive, send: Send) -> None:
        if _declared_length(scope) > max_bytes:
            await _drain(receive)
            await _refuse(send, max_bytes=max_bytes)
            return
        await app(scope, _counting(receive, max_bytes=max_bytes), send)

    return limited


def _declared_length(scope: Scope) -> int:
    for name, value in scope.get("headers", ()):
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _counting(receive: Receive, *, max_bytes: int) -> Receive:
    """For bodies without a declared length: if one is too long, the app sees a disconnect."""
    size = 0

    async def counted() -> Mapping[str, Any]:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        return message if size <= max_bytes else {"type": "http.disconnect"}

    return counted


async def _drain(receive: Receive) -> None:
    """Read and discard the body: most clients read the response only after sending all of it."""
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass


async def _refuse(send: Send, *, max_bytes: int) -> None:
    megabytes = max_bytes // 1_048_576
    body = json.dumps(
        {
            "type": "about:blank",
            "title": "Too large",
            "status": 413,
            "detail": f"This is more than the {megabytes:,} MB that one request may hold.",
        }
    ).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
