"""One document at a time recognises text, whichever of a worker's children reads it."""

from __future__ import annotations

import threading
from collections.abc import Callable

_POLL_SECONDS = 0.5


class OcrTurn:
    """A child's right to recognise the text of a page: from asking for it to its next message.

    That takes some 400 MB for a moment. Waiting for it counts as nobody's time.
    """

    def __init__(self, turns: threading.BoundedSemaphore) -> None:
        self._turns = turns
        self._is_taken = False

    def __enter__(self) -> OcrTurn:
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()

    def take(self, check_cancelled: Callable[[], None]) -> None:
        """Wait until no other child has it; what `check_cancelled` raises ends the wait."""
        while not self._turns.acquire(timeout=_POLL_SECONDS):
            check_cancelled()
        self._is_taken = True

    def give_back(self) -> None:
        """Let the next one go on."""
        if self._is_taken:
            self._is_taken = False
            self._turns.release()
