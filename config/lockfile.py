"""An exclusive lock on a data directory, held by whoever runs its embedded servers.

The lock is an flock on DATA_DIR/run/lock: the kernel drops it when its holder dies, however it
dies, so a stale file can never keep anyone out (a pid file could, once the pid is reused).
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType


class DataDirBusyError(RuntimeError):
    """Another process runs the embedded servers of this data directory."""


def lock_path(data_dir: Path) -> Path:
    """Where the lock of `data_dir` lies."""
    return data_dir / "run" / "lock"


def is_held(data_dir: Path) -> bool:
    """Whether a living process holds the lock of `data_dir`."""
    try:
        fd = os.open(lock_path(data_dir), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Shared, so that two processes that look at once do not mistake each other for the holder.
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


class DataDirLock:
    """The lock itself, a context manager. Its file names the holder, for the error message."""

    def __init__(self, data_dir: Path, *, holder: str) -> None:
        self.data_dir = data_dir
        self.holder = holder
        self._fd: int | None = None

    def acquire(self, *, timeout_s: float = 1.0) -> None:
        """Take the lock, or raise DataDirBusyError after `timeout_s` seconds.

        The default is long enough to wait for `is_held` in another process, which holds the lock
        for an instant.
        """
        path = lock_path(self.data_dir)
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    other = os.pread(fd, 200, 0).decode(errors="replace").strip()
                    os.close(fd)
                    raise DataDirBusyError(
                        f"{self.data_dir} is in use by {other or 'another process'}. "
                        "Stop it first, or choose another DATA_DIR."
                    ) from None
                time.sleep(0.05)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{self.holder} (pid {os.getpid()})\n".encode(), 0)
        self._fd = fd

    def release(self) -> None:
        """Give the lock up; harmless when it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> DataDirLock:
        self.acquire()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
