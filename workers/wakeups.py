"""How many wake-ups are enough: one, until a runner has looked and found nothing left.

A message costs the worker more processor time than most small jobs need to be claimed. So whoever
queues a job marks its kind in Redis, and sends a message only if the kind was not marked. A runner
takes the mark away when it finds nothing due, and then looks once more: a job that was queued
under the old mark is committed by then. A mark that a dead runner leaves behind expires.
"""

from __future__ import annotations

import redis

from apps.core.redis import sync_redis

MARK_MS = 2000
"""Shorter than the wait after which the sweep sends a job again."""


def mark(kind: str) -> bool:
    """Whether a message must be sent: no runner is sure to look at this kind again."""
    try:
        return bool(sync_redis().set(_key(kind), 1, nx=True, px=MARK_MS))
    except redis.RedisError:
        return True


def unmark(kind: str) -> None:
    """From now on a new job of this kind sends a message. Look for due jobs once more after it."""
    try:
        sync_redis().delete(_key(kind))
    except redis.RedisError:
        return


def _key(kind: str) -> str:
    return f"plumbline:wake:{kind}"
