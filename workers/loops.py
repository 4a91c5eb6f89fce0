"""Asynchronous work in a worker's thread: an event loop of its own for each piece of work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from inference.http_session import close_sessions

P = ParamSpec("P")
R = TypeVar("R")


def run_async(work: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `work` to its end. Its connections to model servers end with it."""

    async def run() -> R:
        try:
            return await work(*args, **kwargs)
        finally:
            await close_sessions()

    return asyncio.run(run())
