"""The ASGI application: pages through Django's handler, `/v1/` through a leaner one.

The process also keeps what its event loop needs: the embedder is loaded before the first
question, and answers that still run when the process ends are marked as interrupted.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402
from django.core.handlers.asgi import ASGIHandler  # noqa: E402
from django.core.handlers.exception import convert_exception_to_response  # noqa: E402
from django.utils.module_loading import import_string  # noqa: E402

logger = logging.getLogger(__name__)
OPEN_FILES = 65_536


class ApiHandler(ASGIHandler):
    """Django's handler with `API_MIDDLEWARE` alone, all of it native to the event loop."""

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        handler = convert_exception_to_response(self._get_response_async)
        for name in reversed(settings.API_MIDDLEWARE):
            handler = convert_exception_to_response(import_string(name)(handler))
        self._middleware_chain = handler


_pages = ASGIHandler()
_api = ApiHandler()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["path"].startswith("/v1/"):
        await _api(scope, receive, send)
    else:
        await _pages(scope, receive, send)


async def _live(receive: Any, send: Any) -> None:
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
    """Each open answer needs two sockets; the usual soft limit of 1,024 files is too low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _start_up() -> None:
    _allow_open_streams()
    from apps.retrieval.embedder import get_embedder

    try:
        await asyncio.to_thread(lambda: get_embedder().encode_query("warm up"))
    except Exception:
        # /readyz says so, and pages that need no embedder still work.
        logger.exception("the embedder cannot be loaded")


async def _shut_down() -> None:
    from apps.chat.live import shut_down
    from inference.http_session import close_sessions

    await shut_down()
    await close_sessions()
