"""Sends one wake-up for many jobs of a kind: no second until a runner has found nothing left.

Receiving a message costs the worker more processor time than claiming most small jobs. So whoever
queues a job marks its kind in Redis, and sends a message only if the kind was not marked. A runner
that finds nothing due removes the mark and then looks once more, because a job that was queued
under that mark is committed by then. The mark of a runner that died expires.
"""

from __future__ import annotations

import redis

from apps.core.redis import sync_redis

MARK_MS = 2000
"""Milliseconds; shorter than `RESEND_AFTER_S`, after which the sweep sends a job again."""


def mark(kind: str) -> bool:
    """Mark the kind. True if a message must be sent, because no runner is certain to look again."""
    try:
        return bool(sync_redis().set(_key(kind), 1, nx=True, px=MARK_MS))
    except redis.RedisError:
        return True


def unmark(kind: str) -> None:
    """Make the next job of this kind send a message. The caller must look for due jobs after it."""
    try:
        sync_redis().delete(_key(kind))
    except redis.RedisError:
        return


def _key(kind: str) -> str:
    return f"plumbline:wake:{kind}"
