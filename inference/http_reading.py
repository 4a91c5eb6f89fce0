"""Reading HTTP responses with bounded patience and bounded size."""

from __future__ import annotations

import asyncio

import aiohttp

from inference.openai.wire import make_error

# How long to wait, after the answer is complete, for the end that lets the connection be reused.
DRAIN_SECONDS = 0.1


class Watchdog:
    """Fails a read that waits longer than its patience.

    A timer per token would cost more than reading the token: here one timer checks now and then
    whether a read is overdue. The reader sets ``waiting_since`` to ``now()`` before each read and
    to ``None`` after it, so time that the consumer of the answer takes is not counted.
    """

    def __init__(self, content: aiohttp.StreamReader) -> None:
        loop = asyncio.get_running_loop()
        self.now = loop.time
        self.waiting_since: float | None = None
        self._call_later = loop.call_later
        self._content = content
        self._patience = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def restart(self, *, patience: float) -> None:
        """Watch with this patience in seconds from now on."""
        self.stop()
        self._patience = patience
        self._timer = self._call_later(patience, self._look)

    def stop(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        left = self._patience
        if self.waiting_since is not None:
            left -= self.now() - self.waiting_since
        if left <= 0:
            self._content.set_exception(TimeoutError())
        else:
            self._timer = self._call_later(left, self._look)


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
