"""The interface that the embedded PostgreSQL and Redis share, and helpers for both."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Protocol


class ServerError(RuntimeError):
    """An embedded server does not start; the message includes its output."""


class EmbeddedServer(Protocol):
    """A server that the supervisor, manage.py or a test run starts and stops."""

    name: str
    stop_signal: signal.Signals

    @property
    def url(self) -> str:
        """The address for clients, which stays the same after a restart."""

    def prepare(self) -> None:
        """Create its folder and configuration, and clean up what a crash left behind."""

    def spawn(self, *, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
        """Start the process, with its log on `output`. Call `prepare` first."""

    def is_ready(self) -> bool:
        """Whether it accepts connections."""

    def is_stopping(self) -> bool:
        """Whether it is shutting down, which may wait for clients that never leave."""


def package_dir(package: str) -> Path:
    """The folder of an installed package, without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ServerError(f"The package {package} is not installed; run `make run` to install it.")
    return Path(next(iter(spec.submodule_search_locations)))


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def wait_until(
    condition: Callable[[], bool], *, timeout_s: float, alive: Callable[[], bool] = lambda: True
) -> bool:
    """Wait until `condition` holds, checked every 20 ms; False on timeout or once not `alive`."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        if not alive():
            return condition()
        time.sleep(0.02)
    return condition()


def stop_process(
    process: subprocess.Popen[bytes], *, stop_signal: signal.Signals, timeout_s: float = 8.0
) -> None:
    """Ask `process` to end, and kill it if it has not after `timeout_s` seconds."""
    if process.poll() is not None:
        return
    process.send_signal(stop_signal)
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
