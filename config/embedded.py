"""Starting the embedded PostgreSQL and Redis together.

`make run` supervises them while it runs (config/supervisor.py); manage.py and the test
suite use `ephemeral_services`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.env import make_data_dir
from config.lockfile import DataDirLock
from config.postgres import EmbeddedPostgres
from config.redis_server import EmbeddedRedis
from config.servers import EmbeddedServer, ServerError, stop_process, wait_until

__all__ = ["EmbeddedPostgres", "EmbeddedRedis", "Services", "ephemeral_services", "start_services"]

START_TIMEOUT_S = 60.0  # crash recovery replays the WAL before it accepts connections


@dataclass(slots=True)
class Services:
    """Running servers; `stop` ends them and unlocks the data directory."""

    database_url: str
    redis_url: str
    lock: DataDirLock
    running: list[tuple[EmbeddedServer, subprocess.Popen[bytes]]]

    def stop(self) -> None:
        """Stop Redis, then PostgreSQL; harmless when called twice."""
        while self.running:
            server, process = self.running.pop()
            stop_process(process, stop_signal=server.stop_signal)
        self.lock.release()


def start_services(
    data_dir: Path, *, fsync: bool = True, holder: str = "a command", wait_s: float = 1.0
) -> Services:
    """Start both servers on `data_dir` and wait until they accept connections.

    `fsync=False` trades durability for speed: for test runs only. Raises DataDirBusyError when
    another process holds the directory for longer than `wait_s` seconds, ServerError with the
    server's own message when one does not start.
    """
    make_data_dir(data_dir)
    lock = DataDirLock(data_dir, holder=holder)
    lock.acquire(timeout_s=wait_s)
    services = Services("", "", lock, [])
    try:
        postgres = EmbeddedPostgres(data_dir, durable=fsync)
        redis = EmbeddedRedis(data_dir)
        servers: list[EmbeddedServer] = [postgres, redis]
        for server in servers:
            server.prepare()
            with (data_dir / "logs" / f"{server.name}.log").open("ab") as log:
                services.running.append((server, server.spawn(output=log)))
        for running, process in services.running:
            _await_ready(running, process, log=data_dir / "logs" / f"{running.name}.log")
    except BaseException:
        services.stop()
        raise
    services.database_url, services.redis_url = postgres.url, redis.url
    return services


@contextmanager
def ephemeral_services(
    data_dir: Path, *, fsync: bool = True, holder: str = "a command", wait_s: float = 1.0
) -> Iterator[Services]:
    """Both servers for the duration of a `with` block."""
    services = start_services(data_dir, fsync=fsync, holder=holder, wait_s=wait_s)
    try:
        yield services
    finally:
        services.stop()


def _await_ready(server: EmbeddedServer, process: subprocess.Popen[bytes], *, log: Path) -> None:
    ready = wait_until(
        server.is_ready, timeout_s=START_TIMEOUT_S, alive=lambda: process.poll() is None
    )
    if not ready:
        raise ServerError(f"{server.name} does not start:\n{_tail(log)}")


def _tail(path: Path, size: int = 2000) -> str:
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - size))
        return file.read().decode(errors="replace").strip()
