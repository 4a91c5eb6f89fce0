"""Limits how many threads of a process run one kind, without losing a wake-up."""

from __future__ import annotations

from threading import Lock


class Slots:
    """`enter` takes a slot if one is free; `leave` gives it back unless a wake-up has come."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = Lock()
        self._running = 0
        self._was_woken = False

    def enter(self) -> bool:
        """Take a slot. False if all are taken; a thread that holds one will then look again."""
        with self._lock:
            if self._running >= self._limit:
                self._was_woken = True
                return False
            self._running += 1
            return True

    def leave(self) -> bool:
        """Give the slot back. False if a wake-up came meanwhile: look for jobs once more."""
        with self._lock:
            if self._was_woken:
                self._was_woken = False
                return False
            self._running -= 1
            return True

    def abandon(self) -> None:
        """Give the slot back after an error, whether or not a wake-up came."""
        with self._lock:
            self._running -= 1
