"""The ASGI application: pages through Django's handler, `/v1/` through a leaner one.

At its start the process loads the embedder, so that the first question need not wait for it. At its
end it marks the answers that are still being generated as interrupted.
"""

from __future__ import annotations

import asyncio
import io
import logging
import multiprocessing
import os
import resource
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config.privileges import die_with_parent

if (_parent := multiprocessing.parent_process()) is not None and _parent.pid is not None:
    # One of several web processes. Left behind, it would keep the port from the next start.
    die_with_parent(_parent.pid)

import django

django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402
from django.core.handlers.asgi import ASGIHandler, ASGIRequest  # noqa: E402
from django.core.handlers.base import BaseHandler  # noqa: E402
from django.core.handlers.exception import convert_exception_to_response  # noqa: E402
from django.http import HttpResponse, StreamingHttpResponse  # noqa: E402
from django.http.response import HttpResponseBase  # noqa: E402
from django.urls import set_urlconf  # noqa: E402
from django.utils.module_loading import import_string  # noqa: E402

from apps.core.disk.uploads import require_room  # noqa: E402
from config.body_limit import limit_body  # noqa: E402

logger = logging.getLogger(__name__)
OPEN_FILES = 65_536

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


MAX_BODY = 4 << 20
FORM_BYTES = 1 << 20
"""Bytes that a form may hold beside its file."""


class ApiHandler(BaseHandler):
    """Django's views, URLs and errors, without its sessions, signals and thread per request.

    Only `API_MIDDLEWARE` runs, all of which is asynchronous. When a client disconnects, its view
    or the stream that it was reading is cancelled.
    """

    def __init__(self) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        inner = self._get_response_async  # type: ignore[attr-defined]  # the stubs lack it
        handler = convert_exception_to_response(inner)
        for name in reversed(settings.API_MIDDLEWARE):
            handler = convert_exception_to_response(import_string(name)(handler))
        self._middleware_chain = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read_body(receive)
        if body is None:
            return
        answering = asyncio.ensure_future(self._answer(scope, body, send))
        gone = asyncio.ensure_future(receive())
        try:
            await asyncio.wait({answering, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not answering.done():
                answering.cancel()
        with suppress(asyncio.CancelledError):
            await answering

    async def _answer(self, scope: Scope, body: bytes, send: Send) -> None:
        set_urlconf(settings.ROOT_URLCONF)
        if len(body) > MAX_BODY:
            response: HttpResponseBase = HttpResponse("The request is too large.", status=413)
        else:
            request = ASGIRequest(scope, io.BytesIO(body))
            response = await cast(Awaitable[HttpResponseBase], self._middleware_chain(request))
        headers = [(n.lower().encode(), v.encode("latin-1")) for n, v in response.items()]
        start = {"type": "http.response.start", "status": response.status_code}
        await send(start | {"headers": headers})
        if response.streaming:
            stream = cast(StreamingHttpResponse, response)
            async with aclosing(cast("AsyncGenerator[bytes]", aiter(stream))) as parts:
                async for part in parts:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": getattr(response, "content", b"")})


async def _read_body(receive: Receive) -> bytes | None:
    """The body, cut off just above the limit; None if the client disconnected."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        size += len(part)
        if size <= MAX_BODY + len(part):
            parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


_pages = limit_body(require_room(ASGIHandler()), max_bytes=settings.MAX_UPLOAD_BYTES + FORM_BYTES)
_api = ApiHandler()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["path"].startswith("/v1/"):
        await _api(scope, receive, send)
    else:
        await _pages(scope, receive, send)


async def _live(receive: Receive, send: Send) -> None:
    """The lifespan protocol: start up, wait, shut down."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await _start_up()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await _shut_down()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _allow_open_streams() -> None:
    """Raise the limit of open files: each answer needs two sockets, and 1,024 are soon used up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


async def _start_up() -> None:
    _allow_open_streams()
    from apps.chat.live import hear_signals
    from apps.core.embedder import get_embedder

    hear_signals()
    try:
        await asyncio.to_thread(lambda: get_embedder().encode_query("warm up"))
    except Exception:
        # /readyz reports it, and pages that need no embedder still work.
        logger.exception("the embedder cannot be loaded")


async def _shut_down() -> None:
    from apps.chat.live import shut_down
    from apps.core.aio import close_connections
    from inference.http_session import close_sessions

    await shut_down()
    await close_sessions()
    await asyncio.to_thread(close_connections)
