"""The health checks of containers: `python -m config.probe web` and `… worker`.

They import little, because a check that runs every few seconds must start fast.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import redis

from config.address import Address
from config.env import env_int, env_str

SWEEP_KEY = "sweep:last"
SWEEP_LATE_S = 60.0


def web_is_well() -> bool:
    """Whether the web process of this container is ready to serve."""
    return Address("127.0.0.1", env_int("PORT", 8000)).answers_ready()


def worker_is_well() -> bool:
    """Whether the sweep ran in the last minute: beat sends it and the worker runs it."""
    client = redis.Redis.from_url(env_str("REDIS_URL"), socket_timeout=3)
    stamp = client.get(SWEEP_KEY)
    return isinstance(stamp, bytes) and time.time() - float(stamp) < SWEEP_LATE_S


PROBES: dict[str, Callable[[], bool]] = {
    "web": web_is_well,
    "worker": worker_is_well,
    "beat": worker_is_well,
}


def main(arguments: list[str]) -> int:
    """The exit status that the container runtime looks at."""
    if len(arguments) != 1 or arguments[0] not in PROBES:
        return 2
    try:
        return 0 if PROBES[arguments[0]]() else 1
    except (redis.RedisError, ValueError):
        return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
