"""What beat sends, and how often. A message that waits for two intervals expires."""

from __future__ import annotations

from typing import Any

from workers.queues import Queue

SWEEP_EVERY_S = 5.0
TIDY_EVERY_S = 3600.0


def _entry(task: str, *, seconds: float) -> dict[str, Any]:
    return {
        "task": task,
        "schedule": seconds,
        "options": {"queue": Queue.MAINTENANCE.value, "expires": seconds * 2},
    }


BEAT_SCHEDULE = {
    "sweep": _entry("workers.maintenance.sweep", seconds=SWEEP_EVERY_S),
    "tidy": _entry("workers.maintenance.tidy", seconds=TIDY_EVERY_S),
}
