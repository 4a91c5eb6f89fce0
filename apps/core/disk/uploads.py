"""Refuses uploads while the disk is short of room, before anything of them is written."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.template.loader import render_to_string

from apps.core.disk import space

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
COPIES = 2
"""How often the bytes of an upload are on disk at the same time: as they come, and as a blob."""
STATUS = 507


def require_room(app: App) -> App:
    """`app`, with 507 for forms with files that would use up the reserve.

    Django itself spools a whole body to the disk before any view or middleware of ours runs, so
    the room is looked at here, and a spool that finds none is answered here too.
    """

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        if not headers.get(b"content-type", b"").startswith(b"multipart/form-data"):
            await app(scope, receive, send)
            return
        length = headers.get(b"content-length", b"")
        if not space.has_room(COPIES * int(length) if length.isdigit() else 0):
            await _drain(receive)
            await _refuse(scope, headers, send)
            return
        started = False

        async def watched(message: Mapping[str, Any]) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await app(scope, receive, watched)
        except OSError as error:
            if started or not space.is_full(error):
                raise
            await _drain(receive)
            await _refuse(scope, headers, send)

    return guarded


async def _drain(receive: Receive) -> None:
    """Read and discard the body: most clients read the response only after sending all of it."""
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass


async def _refuse(scope: Scope, headers: Mapping[bytes, bytes], send: Send) -> None:
    is_json = scope["path"].startswith("/api/") or headers.get(b"accept", b"").startswith(
        b"application/json"
    )
    if is_json:
        kind, body = "application/problem+json", json.dumps(problem()).encode()
    else:
        kind = "text/html; charset=utf-8"
        body = (await sync_to_async(render_to_string)(f"core/errors/{STATUS}.html")).encode()
    names = {
        "content-type": kind,
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "connection": "close",
    }
    head = [(name.encode(), value.encode()) for name, value in names.items()]
    await send({"type": "http.response.start", "status": STATUS, "headers": head})
    await send({"type": "http.response.body", "body": body})


def problem() -> dict[str, Any]:
    """The problem document that says so."""
    return {
        "type": "about:blank",
        "title": "No room left",
        "status": STATUS,
        "detail": space.NO_ROOM,
        "code": "no_room",
    }
