"""Database work from the event loop.

A bounded pool of threads, each of which keeps its connection. A request on the hot path pays one
hop and no connection set-up, and a burst waits here instead of exhausting Postgres.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from threading import Barrier
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

P = ParamSpec("P")
R = TypeVar("R")
CLOSE_TIMEOUT_S = 5.0

_pool = ThreadPoolExecutor(max_workers=settings.DB_THREADS, thread_name_prefix="db")


def _drop_if_dead() -> None:
    """Close a connection that the server has closed: one that is readable before any query.

    This costs one system call, where a query to find out would cost a round trip.
    """
    raw = connection.connection
    if raw is None:
        return
    if raw.closed:
        connection.close()
        return
    poll = select.poll()  # select() itself cannot watch file numbers above 1,023
    poll.register(raw.fileno(), select.POLLIN)
    if poll.poll(0):
        connection.close()


def _call(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    _drop_if_dead()
    try:
        return function(*args, **kwargs)
    except (OperationalError, InterfaceError):
        # The server restarted or the connection died: drop it, so that the next call opens another.
        connection.close()
        raise


async def run_db(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run blocking database code in the pool."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_pool, partial(_call, function, *args, **kwargs))


def close_connections() -> None:
    """Close the connections that the pool's threads keep. Blocks; no other call may be running."""
    # No thread can take a second call before every thread has taken one.
    barrier = Barrier(settings.DB_THREADS)

    def close() -> None:
        barrier.wait(timeout=CLOSE_TIMEOUT_S)
        connection.close()

    wait([_pool.submit(close) for _ in range(settings.DB_THREADS)], timeout=CLOSE_TIMEOUT_S)
