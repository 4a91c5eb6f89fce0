"""The live events of an answer in a Redis stream, for watchers in other processes.

Only a convenience: if Redis is away or purged, a watcher in another process sees the answer
when it is stored.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from typing import Any
from uuid import UUID

import orjson
import redis

from apps.assistants.answering.pipeline import Delta, Restart, Status
from apps.chat.events import Ended, LiveEvent
from apps.chat.models import MessageState
from apps.core.redis import async_redis

logger = logging.getLogger(__name__)
INTERVAL_S = 0.1
KEEP_S = 600
BLOCK_MS = 2000


def _stream(answer_id: UUID) -> str:
    return f"answer:{answer_id}"


def _stop(answer_id: UUID) -> str:
    return f"answer-stop:{answer_id}"


def _encode(events: Sequence[LiveEvent]) -> bytes:
    """Merge texts that arrived close together into one event."""
    encoded: list[list[Any]] = []
    for event in events:
        if isinstance(event, Delta):
            if encoded and encoded[-1][0] == "delta":
                encoded[-1][1] += event.text
            else:
                encoded.append(["delta", event.text])
        elif isinstance(event, Status):
            encoded.append(["status", event.text])
        elif isinstance(event, Restart):
            encoded.append(["restart"])
        else:
            encoded.append(["ended", event.state, event.reason])
    return orjson.dumps(encoded)


def _decode(data: bytes) -> list[LiveEvent]:
    events: list[LiveEvent] = []
    for kind, *values in orjson.loads(data):
        if kind == "delta":
            events.append(Delta(values[0]))
        elif kind == "status":
            events.append(Status(values[0]))
        elif kind == "restart":
            events.append(Restart())
        else:
            events.append(Ended(MessageState(values[0]), values[1]))
    return events


async def flush(
    answer_id: UUID, events: Sequence[LiveEvent], start: int, *, end: int | None = None
) -> None:
    """Send the events from `start` on; losing them is harmless."""
    batch = events[start:end]
    if not batch:
        return
    try:
        async with async_redis().pipeline(transaction=False) as pipe:
            pipe.xadd(_stream(answer_id), {"e": _encode(batch)})
            pipe.expire(_stream(answer_id), KEEP_S)
            await pipe.execute()
    except (redis.RedisError, OSError) as error:
        logger.warning("events are not relayed: %s", type(error).__name__)


async def follow(answer_id: UUID) -> AsyncGenerator[LiveEvent | None, None]:
    """Events that another process sends, from the first on; None when there was nothing new."""
    position: bytes | str = "0"
    while True:
        try:
            entries: list[Any] = await async_redis().xread(  # type: ignore[assignment]
                {_stream(answer_id): position}, count=100, block=BLOCK_MS
            )
        except (redis.RedisError, OSError):
            await asyncio.sleep(BLOCK_MS / 1000)
            entries = []
        if not entries:
            yield None
        for _, items in entries:
            for entry_id, fields in items:
                position = entry_id
                for event in _decode(fields[b"e"]):
                    yield event


async def request_stop(answer_id: UUID) -> None:
    """Ask the process that is making this answer to stop."""
    try:
        await async_redis().set(_stop(answer_id), b"1", ex=KEEP_S)
    except (redis.RedisError, OSError) as error:
        logger.warning("stop is not relayed: %s", type(error).__name__)


async def take_stops(answer_ids: Sequence[UUID]) -> list[UUID]:
    """Which of these answers somebody has asked to stop."""
    try:
        flags = await async_redis().mget([_stop(answer_id) for answer_id in answer_ids])
    except (redis.RedisError, OSError):
        return []
    return [answer_id for answer_id, flag in zip(answer_ids, flags, strict=True) if flag]
