"""Asynchronous work in a thread of the worker: each piece of work gets its own event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from inference.http_session import close_sessions

P = ParamSpec("P")
R = TypeVar("R")


def run_async(work: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `work` to its end and close the connections to model servers that it opened."""

    async def run() -> R:
        try:
            return await work(*args, **kwargs)
        finally:
            await close_sessions()

    return asyncio.run(run())
