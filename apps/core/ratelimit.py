"""Fixed-window rate limits in Redis. If Redis is down, all requests pass."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

import redis

from apps.core.redis import sync_redis

logger = logging.getLogger(__name__)
WINDOW_S = 60


@dataclass(frozen=True, slots=True)
class Limited:
    """Why a request was refused, and in how many seconds the window ends."""

    scope: str
    retry_after_s: int


def _slot(scope: str, identifier: str) -> tuple[str, int]:
    now = int(time.time())
    return f"rate:{scope}:{identifier}:{now // WINDOW_S}", WINDOW_S - now % WINDOW_S


def count_request(limits: list[tuple[str, str, int]]) -> Limited | None:
    """Count one request against each (scope, identifier, limit per minute)."""
    slots = [_slot(scope, identifier) for scope, identifier, _ in limits]
    try:
        with sync_redis().pipeline(transaction=False) as pipe:
            for name, _ in slots:
                pipe.incr(name)
                pipe.expire(name, WINDOW_S * 2)
            counts = pipe.execute()[::2]
    except redis.RedisError as error:
        logger.warning("rate limits are off: %s", type(error).__name__)
        return None
    return _verdict(limits, slots, counts)


def _verdict(
    limits: list[tuple[str, str, int]], slots: list[tuple[str, int]], counts: list[int]
) -> Limited | None:
    for (scope, _, limit), (_, seconds), count in zip(limits, slots, counts, strict=True):
        if limit and count > limit:
            return Limited(scope=scope, retry_after_s=seconds)
    return None
