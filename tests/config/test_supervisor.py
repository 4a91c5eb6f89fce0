"""The supervisor as a program, with stand-ins for ours: a web server that says it is ready."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from config.env import load_runtime
from config.lockfile import DataDirLock, is_held
from config.postgres import processes_in
from config.servers import free_port
from config.supervisor import child_env, program_arguments

# Patched in a process of its own, because it takes over the signals.
RUN = """
import sys
from config import setup_steps, supervisor

WEB = '''
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
'''
WORKER = "import os, time; print('worker', os.getpid(), flush=True); time.sleep(600)"
supervisor.plan_steps = lambda data_dir, **kwargs: [
    setup_steps.Step("hello", "Saying hello", (sys.executable, "-c", "print('hello')"), "1")
]
supervisor.program_arguments = lambda data_dir, **kwargs: {
    "web": [sys.executable, "-c", WEB],
    "worker": [sys.executable, "-c", WORKER],
}
raise SystemExit(supervisor.main())
"""


class Running:
    """A supervisor in a child process, whose terminal lines can be waited for."""

    def __init__(self, data_dir: Path, port: int) -> None:
        env = {**os.environ, "DATA_DIR": str(data_dir), "PORT": str(port), "HOST": "127.0.0.1"}
        for name in ("DATABASE_URL", "REDIS_URL"):
            env.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.seen: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, text: str) -> str:
        """The next line that holds `text`."""
        while True:
            line = self._lines.get(timeout=30)
            if line is None:
                raise AssertionError(f"{text!r} never came:\n{''.join(self.seen)}")
            self.seen.append(line)
            if text in line:
                return line

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    started = Running(tmp_path / "data", free_port())
    yield started
    with suppress(ProcessLookupError):
        started.process.kill()
    started.process.wait()


def test_a_life(running: Running, tmp_path: Path) -> None:
    """Starts, says where it is, heals what is killed, and leaves nothing behind."""
    data_dir = tmp_path / "data"
    running.wait_for("Saying hello")
    worker_pid = int(running.wait_for("worker    | worker").split()[-1])
    running.wait_for("Plumbline is ready at http://127.0.0.1:")

    runtime = load_runtime(data_dir)
    assert runtime is not None
    assert runtime.supervisor_pid == running.process.pid
    assert json.loads((data_dir / "run" / "setup.json").read_text()) == {"hello": "1"}
    with psycopg.connect(runtime.database_url) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None

    os.kill(worker_pid, signal.SIGKILL)
    running.wait_for("worker ended (SIGKILL)")
    assert int(running.wait_for("worker    | worker").split()[-1]) != worker_pid

    for pid in processes_in(data_dir / "postgres"):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    running.wait_for("postgres ended (SIGKILL)")
    assert eventually_connects(runtime.database_url)

    assert running.end() == 0
    assert not is_held(data_dir)
    assert load_runtime(data_dir) is None
    assert processes_in(data_dir / "postgres") == []


def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with DataDirLock(data_dir, holder="make run"):
        second = Running(data_dir, free_port())
        second.wait_for("is in use by make run")
        assert second.process.wait(30) == 1


def test_our_programs_get_the_addresses_and_no_secret_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL_FILE", "/run/secrets/url")
    env = child_env(tmp_path, database_url="postgresql://a@/b", redis_url="redis://c")
    assert (env["DATABASE_URL"], env["REDIS_URL"]) == ("postgresql://a@/b", "redis://c")
    assert env["DATA_DIR"] == str(tmp_path)
    assert "DATABASE_URL_FILE" not in env


def test_the_programs_are_ours(tmp_path: Path) -> None:
    from config.address import Address

    programs = program_arguments(tmp_path, address=Address("0.0.0.0", 81))
    assert list(programs) == ["web", "worker", "beat"]
    web = programs["web"]
    assert web[web.index("--host") + 1 : web.index("--port") + 2] == ["0.0.0.0", "--port", "81"]


def eventually_connects(url: str) -> bool:
    """Whether the database comes back within half a minute."""
    for _ in range(600):
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            threading.Event().wait(0.05)
        else:
            return True
    return False
