"""`make run`: PostgreSQL, Redis, the web server, the worker and beat, as one program.

One thread with one loop. The kernel ends every child when the supervisor dies, even by `kill -9`.
It does so when the thread that forked ends, so there are no other threads.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from config.address import BACKLOG, Address, AddressError
from config.children import Children, Stopped
from config.embedded import START_TIMEOUT_S
from config.env import (
    ConfigError,
    Runtime,
    data_dir,
    env_int,
    env_str,
    make_data_dir,
    runtime_path,
    save_runtime,
    secret_key,
)
from config.leftovers import RUN_VARIABLE, RunRecord, end_leftovers
from config.lockfile import DataDirBusyError, DataDirLock
from config.postgres import EmbeddedPostgres
from config.privileges import PrivilegeError
from config.processes import Service, say, spawner
from config.redis_server import EmbeddedRedis
from config.servers import EmbeddedServer, ServerError
from config.setup_steps import ROOT, DoneSteps, Step, plan_steps
from parsing.walls import gaps

READY_TIMEOUT_S = 30.0
PROBE_TIMEOUT_S = 1.0
EARLY_FAILURES = 4
STOP_PROGRAMS_S = 4.5
STOP_SERVERS_S = 3.5
POLITE_STOP_S = 3.0
SERVERS = ["redis", "postgres"]
PROGRAMS = ["beat", "worker", "web"]


class StartError(RuntimeError):
    """The installation cannot start; the message says why."""


class Supervisor:
    """Runs all programs until it is told to stop."""

    def __init__(self, folder: Path, *, address: Address, listener: socket.socket) -> None:
        self.data_dir = folder
        self.address = address
        self.listener = listener
        record = RunRecord(folder)
        os.environ[RUN_VARIABLE] = record.token  # for whatever our children start in turn
        self.children = Children(log_dir=folder / "logs", record=record)
        self.announced = False
        self.servers: list[EmbeddedServer] = []
        self.stopping_since: dict[str, float] = {}

    def run(self) -> None:
        """Start everything, serve, and stop everything within 8 seconds.

        The caller holds the lock of the data directory.
        """
        self.children.watch_signals()
        try:
            self._start()
            while True:
                self.children.turn_or_stop(timeout_s=1.0 if self.announced else 0.1)
                self._announce()
                self._hasten_stops()
        except Stopped:
            say("Stopping")
        finally:
            # The programs first, then the servers that they use.
            self.children.stop(PROGRAMS, timeout_s=STOP_PROGRAMS_S)
            self.children.stop(SERVERS, timeout_s=STOP_SERVERS_S)
            self.children.close()
            runtime_path(self.data_dir).unlink(missing_ok=True)

    def _start(self) -> None:
        for gap in gaps.describe_gaps():
            say(f"Mind: {gap}")
        database_url, redis_url = self._start_servers()
        env = child_env(self.data_dir, database_url=database_url, redis_url=redis_url)
        save_runtime(self.data_dir, Runtime(database_url, redis_url, self.address.url, os.getpid()))
        self._run_steps(env)
        listener = self.listener.fileno()
        for name, arguments in program_arguments(self.data_dir, listener=listener).items():
            keep = (listener,) if name == "web" else ()
            self.children.add(Service(name, spawner(arguments, env=env, cwd=ROOT, keep=keep)))
        self._await_web(env)

    def _start_servers(self) -> tuple[str, str]:
        servers: list[EmbeddedServer] = []
        database_url, redis_url = env_str("DATABASE_URL", ""), env_str("REDIS_URL", "")
        if not database_url:
            if not (self.data_dir / "postgres").exists():
                say("Creating the database …")
            servers.append(EmbeddedPostgres(self.data_dir))
            database_url = servers[-1].url
        if not redis_url:
            servers.append(EmbeddedRedis(self.data_dir))
            redis_url = servers[-1].url
        self.servers = servers
        for server in servers:
            self._add_server(server)
        for server in servers:
            self._await_server(server)
        return database_url, redis_url

    def _hasten_stops(self) -> None:
        """Stop servers at once that somebody asked politely: they would wait for our programs."""
        now = time.monotonic()
        for server in self.servers:
            if not server.is_stopping():
                self.stopping_since.pop(server.name, None)
            elif now - self.stopping_since.setdefault(server.name, now) > POLITE_STOP_S:
                say(f"{server.name} waits for its clients to leave; stopping it now")
                self.children.services[server.name].send(server.stop_signal)
                self.stopping_since.pop(server.name)

    def _add_server(self, server: EmbeddedServer) -> None:
        def spawn(output: int) -> subprocess.Popen[bytes]:
            server.prepare()
            return server.spawn(output=output)

        service = Service(server.name, spawn, stop_signal=server.stop_signal, echo=False)
        self.children.add(service)

    def _await_server(self, server: EmbeddedServer) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not server.is_ready():
            self.children.turn_or_stop(timeout_s=0.02)
            self._check_alive(server.name, deadline=deadline)

    def _check_alive(self, name: str, *, deadline: float) -> None:
        failed = self.children.services[name].failures >= EARLY_FAILURES
        if failed or time.monotonic() > deadline:
            raise StartError(f"{name} does not start; see {self.children.log_of(name)}")

    def _run_steps(self, env: dict[str, str], *, force: bool = False) -> None:
        models_dir = Path(env_str("MODELS_DIR", str(self.data_dir / "models")))
        own_database = "postgres" in self.children.services

        def planned() -> list[Step]:
            return plan_steps(self.data_dir, models_dir=models_dir, own_database=own_database)

        done = DoneSteps(self.data_dir)
        pending = [step for step in planned() if force or not done.covers(step)]
        for step in pending:
            say(f"{step.message} …")
            status = self.children.run_once(
                "setup", spawner(list(step.arguments), env=env, cwd=ROOT)
            )
            if status != 0:
                raise StartError(f"{step.message} failed; see {self.children.log_of('setup')}")
        for step in planned():  # computed again, since a step changes what its fingerprint covers
            done.add(step)

    def _await_web(self, env: dict[str, str]) -> None:
        """Wait for the first 200 of /readyz; repeat the set-up if it does not come.

        The fingerprints may say that the tables are up to date although an older dump has been
        restored since.
        """
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self.announced and time.monotonic() < deadline:
            self.children.turn_or_stop(timeout_s=0.1)
            self._check_alive("web", deadline=deadline + READY_TIMEOUT_S)
            self._announce()
        if not self.announced:
            say("Not ready yet; going through the set-up once more")
            self._run_steps(env, force=True)

    def _announce(self) -> None:
        if not self.announced and self.address.answers_ready(timeout_s=PROBE_TIMEOUT_S):
            self.announced = True
            say(f"Plumbline is ready at {self.address.url}")


def program_arguments(data_dir: Path, *, listener: int) -> dict[str, list[str]]:
    """The command lines of our own programs, by name; `listener` is the web server's socket."""
    # Celery warns about root because of pickle, which we do not accept.
    hush = ["-W", "ignore:You're running the worker with superuser privileges"]
    celery = [sys.executable, *hush, "-m", "celery", "--quiet"]
    return {
        "web": [
            sys.executable, "-m", "uvicorn", "config.asgi:application",
            "--fd", str(listener),
            "--loop", "uvloop", "--http", "httptools", "--lifespan", "on",
            "--no-access-log", "--no-server-header", "--backlog", str(BACKLOG),
            # Which proxies are believed is our own setting, TRUSTED_PROXIES.
            "--no-proxy-headers",
            "--timeout-graceful-shutdown", "3", "--log-level", "warning",
            "--workers", str(env_int("WEB_PROCESSES", min(2, os.cpu_count() or 1), minimum=1)),
        ],
        "worker": [
            *celery, "--app", "workers.celery", "worker", "--pool", "threads",
            "--concurrency", str(env_int("WORKER_CONCURRENCY", 8, minimum=1)),
            "--hostname", "worker@plumbline", "--loglevel", "INFO",
            "--without-gossip", "--without-mingle", "--without-heartbeat",
        ],
        "beat": [
            *celery, "--app", "workers.beat", "beat", "--loglevel", "WARNING",
            "--schedule", str(data_dir / "run" / "beat"), "--pidfile", "",
        ],
    }  # fmt: skip


def child_env(data_dir: Path, *, database_url: str, redis_url: str) -> dict[str, str]:
    """The environment for our programs: our own, plus the addresses of the servers."""
    env = {
        **os.environ,
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONUNBUFFERED": "1",
    }
    for name in ("DATABASE_URL_FILE", "REDIS_URL_FILE"):
        env.pop(name, None)
    # By default glibc has an arena per thread, and each would keep what a finished task freed.
    env.setdefault("MALLOC_ARENA_MAX", "2")
    return env


def main() -> int:
    """Read HOST, PORT and DATA_DIR, then run until stopped.

    The lock and the port come first: a second start must change nothing before it is refused.
    """
    try:
        port = env_int("PORT", 8000, minimum=1, maximum=65535)
        address = Address(env_str("HOST", "127.0.0.1"), port)
        folder = data_dir()
        make_data_dir(folder)
        with DataDirLock(folder, holder="make run"):
            if count := end_leftovers(folder):
                say(f"Ended {count} processes that the last run on {folder} had left behind")
            with address.listen() as listener:
                secret_key(folder)
                Supervisor(folder, address=address, listener=listener).run()
    except (
        AddressError,
        ConfigError,
        DataDirBusyError,
        PrivilegeError,
        ServerError,
        StartError,
    ) as error:
        print(f"plumbline: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"plumbline: {error.filename or data_dir()}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
