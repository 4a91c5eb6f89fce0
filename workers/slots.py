"""How many runners of one kind a process has. A wake-up that finds them all busy is not lost."""

from __future__ import annotations

from threading import Lock


class Slots:
    """`enter` or be told that a running one will look again; `leave` only when nobody called."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = Lock()
        self._running = 0
        self._called = False

    def enter(self) -> bool:
        """Take a slot; False if all are taken, and then one of them will look again."""
        with self._lock:
            if self._running >= self._limit:
                self._called = True
                return False
            self._running += 1
            return True

    def leave(self) -> bool:
        """Give the slot back; False if somebody called meanwhile, so look once more."""
        with self._lock:
            if self._called:
                self._called = False
                return False
            self._running -= 1
            return True

    def abandon(self) -> None:
        """Give the slot back whatever happened."""
        with self._lock:
            self._running -= 1
