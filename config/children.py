"""The loop that keeps children running: it forwards their output and restarts those that die."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import time
from pathlib import Path

from config.leftovers import RunRecord
from config.processes import LogSink, Service, Spawn, describe_exit, kill_group, say
from config.servers import ServerError


class Stopped(Exception):
    """A stop signal arrived during a wait."""


class Children:
    """All children of the supervisor. Signals wake the loop, which handles them between turns."""

    def __init__(self, *, log_dir: Path, record: RunRecord | None = None) -> None:
        self.services: dict[str, Service] = {}
        self.stopping = False
        self._log_dir = log_dir
        self._record = record
        self._selector = selectors.DefaultSelector()
        self._sinks: dict[str, LogSink] = {}
        self._wakeup, waker = socket.socketpair()
        self._wakeup.setblocking(False)
        waker.setblocking(False)
        self._waker = waker
        self._selector.register(self._wakeup, selectors.EVENT_READ, None)

    def watch_signals(self) -> None:
        """Stop on SIGINT, SIGTERM and SIGHUP; notice at once when a child ends."""
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_stop_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _on_stop_signal(self, _number: int, _frame: object) -> None:
        self.stopping = True

    def add(self, service: Service) -> None:
        """Start `service` and keep it running."""
        self.services[service.name] = service
        self._launch(service)

    def turn(self, *, timeout_s: float) -> None:
        """One turn of the loop, which waits at most `timeout_s` seconds for an event."""
        self._pump(timeout_s=timeout_s)
        for service in self.services.values():
            status = service.reap()
            if status is not None and not self.stopping:
                pause = max(0.0, service.due_at - time.monotonic())
                say(f"{service.name} ended ({describe_exit(status)}); next start in {pause:.1f} s")
            if service.is_due() and not self.stopping:
                self._restart(service)

    def turn_or_stop(self, *, timeout_s: float) -> None:
        """One turn of the loop. Raises Stopped after a stop signal."""
        self.turn(timeout_s=timeout_s)
        if self.stopping:
            raise Stopped

    def run_once(self, name: str, spawn: Spawn) -> int:
        """Run a command to its end while the loop continues; returns its exit status."""
        service = Service(name, spawn)
        process = self._launch(service)
        try:
            while process.poll() is None:
                self.turn_or_stop(timeout_s=0.05)
        finally:
            kill_group(process.pid, signal.SIGKILL)
            process.wait()
        self.turn(timeout_s=0)
        return int(process.returncode)

    def stop(self, names: list[str], *, timeout_s: float) -> None:
        """Stop these services together, by force after `timeout_s` seconds."""
        self.stopping = True
        services = [self.services[name] for name in names if name in self.services]
        for service in services:
            service.send(service.stop_signal)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and any(s.process is not None for s in services):
            self.turn(timeout_s=0.05)
        for service in services:
            if service.process is not None:
                say(f"{service.name} does not stop; killing it")
                kill_group(service.process.pid, signal.SIGKILL)
                service.process.wait()

    def close(self) -> None:
        """Write the rest of the logs and close them."""
        self._pump(timeout_s=0)
        for sink in self._sinks.values():
            sink.close()

    def log_of(self, name: str) -> Path:
        """The file that holds the output of `name`."""
        return self._log_dir / f"{name}.log"

    def _launch(self, service: Service) -> subprocess.Popen[bytes]:
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        if service.name not in self._sinks:
            self._sinks[service.name] = LogSink(
                service.name, path=self.log_of(service.name), echo=service.echo
            )
        self._selector.register(reader, selectors.EVENT_READ, self._sinks[service.name])
        try:
            process = service.start(output=writer)
        finally:
            os.close(writer)
        if self._record is not None:
            self._record.add(service.name, process.pid)
        return process

    def _restart(self, service: Service) -> None:
        try:
            self._launch(service)
        except (OSError, ServerError) as error:
            service.due_at = time.monotonic() + 5.0
            say(f"{service.name} does not start: {error}")

    def _pump(self, *, timeout_s: float) -> None:
        for key, _ in self._selector.select(timeout_s):
            sink = key.data
            if sink is None:
                self._wakeup.recv(4096)
                continue
            data = os.read(key.fd, 65536)
            if data:
                sink.write(data)
            else:
                self._selector.unregister(key.fd)
                os.close(key.fd)
