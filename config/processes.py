"""Supervised child processes: their output, restarts and end."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from config.privileges import prepare_child

MAX_LOG_BYTES = 5 * 1024 * 1024
MAX_LINE_BYTES = 64 * 1024
Spawn = Callable[[int], subprocess.Popen[bytes]]
"""Starts a process with its output on the given file descriptor."""

FIRST_DELAY_S = 0.3
LONGEST_DELAY_S = 15.0
STEADY_AFTER_S = 30.0


class LogSink:
    """Writes a child's output to its log file, and to the terminal with its name in front.

    At 5 MB the file is renamed to NAME.log.1, so that a child uses 10 MB of disk at most. Lines
    that the disk has no room for are counted and left out: a log must never end the program.
    """

    def __init__(self, name: str, *, path: Path, echo: bool) -> None:
        self.name = name
        self.path = path
        self.echo = echo
        self._rest = b""
        self._lost = 0
        self._file: io.FileIO | None = None
        with suppress(OSError):
            self._file = io.FileIO(path, "ab")

    def write(self, data: bytes) -> None:
        """Write a piece of output; an incomplete line is kept until its rest arrives."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._write_line(line)

    def close(self) -> None:
        """Write the rest and close the file."""
        if self._rest:
            self._write_line(self._rest)
            self._rest = b""
        self._close_file()

    def _close_file(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def _write_line(self, line: bytes) -> None:
        try:
            if self._lost:
                self._append(b"(%d lines are missing: they could not be written)" % self._lost)
                self._lost = 0
            self._append(line)
        except OSError as error:
            if not self._lost:
                say(f"the log of {self.name} cannot be written: {error.strerror}")
            self._lost += 1
            self._close_file()
        if self.echo:
            say(line.decode(errors="replace"), source=self.name)

    def _append(self, line: bytes) -> None:
        """Write a whole line or none of it. Raises OSError."""
        if self._file is None:
            self._file = io.FileIO(self.path, "ab")
        start = self._file.seek(0, os.SEEK_END)
        if start + len(line) > MAX_LOG_BYTES:
            self._close_file()
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
            self._file = io.FileIO(self.path, "ab")
            start = 0
        data = line + b"\n"
        if self._file.write(data) != len(data):
            self._file.truncate(start)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def say(text: str, *, source: str = "plumbline") -> None:
    """Print a line. If the terminal is gone, the line is lost and serving goes on."""
    with suppress(OSError):
        print(f"{source:<9} | {text}", file=sys.stdout, flush=True)


@dataclass(slots=True)
class Service:
    """A child that should run as long as we do."""

    name: str
    spawn: Spawn
    stop_signal: signal.Signals = signal.SIGTERM
    echo: bool = True
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    started_at: float = 0.0
    due_at: float = 0.0

    def start(self, *, output: int) -> subprocess.Popen[bytes]:
        """Start it now."""
        self.started_at = time.monotonic()
        self.process = self.spawn(output)
        return self.process

    def is_due(self) -> bool:
        """Whether it is stopped and due to start again."""
        return self.process is None and time.monotonic() >= self.due_at

    def reap(self) -> int | None:
        """Its exit status if it has ended since the last call, which also schedules its restart.

        The pause doubles with every early death, up to 15 s; a child that ran for half a minute
        is restarted at once.
        """
        if self.process is None or self.process.poll() is None:
            return None
        status, pid = self.process.returncode, self.process.pid
        self.process = None
        kill_group(pid, signal.SIGKILL)
        now = time.monotonic()
        self.failures = 1 if now - self.started_at > STEADY_AFTER_S else self.failures + 1
        self.due_at = now + min(FIRST_DELAY_S * 2 ** (self.failures - 1), LONGEST_DELAY_S)
        return int(status)

    def send(self, signal_number: signal.Signals) -> None:
        """Signal the process itself, which is responsible for its own children."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal_number)


def kill_group(pid: int, signal_number: signal.Signals) -> None:
    """Signal the group that `pid` leads, which includes parsers that it forked."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal_number)


def spawner(
    arguments: list[str], *, env: dict[str, str], cwd: Path, keep: tuple[int, ...] = ()
) -> Spawn:
    """A `Service.spawn` that runs `arguments`, in its own session; it dies with us.

    It inherits the file descriptors in `keep`.
    """

    def spawn(output: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            pass_fds=keep,
            start_new_session=True,
            preexec_fn=prepare_child(),
        )

    return spawn


def describe_exit(status: int) -> str:
    """An exit status in words: 'exit status 1' or 'SIGKILL'."""
    if status >= 0:
        return f"exit status {status}"
    with suppress(ValueError):
        return signal.Signals(-status).name
    return f"signal {-status}"
