"""Reading HTTP responses with bounded patience and bounded size."""

from __future__ import annotations

import asyncio

import aiohttp

from inference.openai_wire import make_error

# How long to wait, after the answer is complete, for the end that lets the connection be reused.
DRAIN_SECONDS = 0.1


class Watchdog:
    """Fails a read that waits too long.

    A timer per token would cost more than reading the token: here one timer looks now and then
    whether a read is overdue, and time that the reader of the answer takes is not counted.
    """

    def __init__(self, content: aiohttp.StreamReader, patience: float) -> None:
        self.patience = patience
        self._content = content
        self._loop = asyncio.get_running_loop()
        self._since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Watchdog:
        self._timer = self._loop.call_later(self.patience, self._look)
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def start_waiting(self) -> None:
        """Note that a read begins."""
        self._since = self._loop.time()

    def stop_waiting(self) -> None:
        """Note that a read ended."""
        self._since = None

    def _look(self) -> None:
        left = self.patience
        if self._since is not None:
            left -= self._loop.time() - self._since
            if left <= 0:
                self._content.set_exception(TimeoutError())
                return
        self._timer = self._loop.call_later(max(left, 0.01), self._look)


async def read_body(response: aiohttp.ClientResponse, *, limit: int) -> bytes:
    """Return the whole body; raises ``ModelError`` when it is larger than ``limit`` bytes."""
    parts: list[bytes] = []
    size = 0
    while data := await response.content.readany():
        size += len(data)
        if size > limit:
            raise make_error("invalid_response", "The answer is too large.")
        parts.append(data)
    return b"".join(parts)


async def drain(content: aiohttp.StreamReader) -> None:
    """Wait briefly for the end of the response; without it the connection is not reused."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while not content.at_eof():
                await content.readany()
    except (TimeoutError, aiohttp.ClientError, OSError):
        return
