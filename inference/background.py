"""An event loop in a thread of its own, for blocking callers of asynchronous clients.

Connections are pooled by loop: with one loop they are kept between calls from any thread.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

R = TypeVar("R")

_lock = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}
"""By process id: threads do not survive a fork."""


def run_blocking(coroutine: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine on the background loop and wait for it. Never call this on that loop."""
    return asyncio.run_coroutine_threadsafe(coroutine, _loop()).result()


def _loop() -> asyncio.AbstractEventLoop:
    with _lock:
        loop = _loops.get(os.getpid())
        if loop is None:
            loop = _loops[os.getpid()] = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="model-http", daemon=True).start()
        return loop
