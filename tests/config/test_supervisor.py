"""The supervisor as a program, with stand-ins for ours: a web server that says it is ready."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest

from config.env import load_runtime
from config.lockfile import DataDirLock, is_held
from config.postgres import processes_in
from config.servers import free_port
from config.supervisor import child_env, program_arguments

T = TypeVar("T")

# Patched in a process of its own, because it takes over the signals.
RUN = """
import sys
from config import setup_steps, supervisor

WEB = '''
import http.server, os, socket, sys
if os.environ.get("LEAVE_A_CHILD") and os.fork() == 0:
    os.setsid()  # takes no notice of its parent's end, and keeps the port
    print("leftover", os.getpid(), flush=True)
    import time
    time.sleep(600)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
server.socket = socket.socket(fileno=int(sys.argv[1]))
server.serve_forever()
'''
WORKER = "import os, time; print('worker', os.getpid(), flush=True); time.sleep(600)"
supervisor.plan_steps = lambda data_dir, **kwargs: [
    setup_steps.Step("hello", "Saying hello", (sys.executable, "-c", "print('hello')"), "1")
]
supervisor.program_arguments = lambda data_dir, **kwargs: {
    "web": [sys.executable, "-c", WEB, str(kwargs["listener"])],
    "worker": [sys.executable, "-c", WORKER],
}
raise SystemExit(supervisor.main())
"""


class Running:
    """A supervisor in a child process, whose terminal lines can be waited for."""

    def __init__(self, data_dir: Path, port: int, **variables: str) -> None:
        env = {**os.environ, "DATA_DIR": str(data_dir), "PORT": str(port), "HOST": "127.0.0.1"}
        env |= variables
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
        self._skipped: list[str] = []  # programs start side by side, so their order varies
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, text: str) -> str:
        """The first line that holds `text` and that was not asked for before."""
        for skipped in self._skipped:
            if text in skipped:
                self._skipped.remove(skipped)
                return skipped
        while True:
            try:
                line = self._lines.get(timeout=30)
            except queue.Empty:
                raise AssertionError(f"{text!r} never came:\n{''.join(self.seen)}") from None
            if line is None:
                raise AssertionError(f"{text!r} never came:\n{''.join(self.seen)}")
            self.seen.append(line)
            if text in line:
                return line
            self._skipped.append(line)

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


def test_a_port_in_use_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        second = Running(tmp_path / "data", other.getsockname()[1])
        second.wait_for("is in use. Stop what uses it")
        assert second.process.wait(30) == 1
    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.parametrize("share", ["port and folder", "port"])
def test_of_two_starts_at_once_one_goes_on(tmp_path: Path, share: str) -> None:
    port = free_port()
    names = ["data", "data" if share == "port and folder" else "other"]
    both = [Running(tmp_path / name, port) for name in names]
    try:
        ended = eventually(lambda: [one for one in both if one.process.poll() is not None])
        assert len(ended) == 1
        loser, winner = ended[0], both[1 - both.index(ended[0])]
        loser.wait_for("is in use")
        assert loser.process.returncode == 1
        winner.wait_for("Plumbline is ready at http://127.0.0.1:")
        assert winner.end() == 0
    finally:
        for one in both:
            with suppress(ProcessLookupError):
                one.process.kill()
            one.process.wait()


def test_a_start_ends_what_a_killed_one_left_behind(tmp_path: Path) -> None:
    """The leftover holds the port, and the data directory's servers are recovered."""
    data_dir, port = tmp_path / "data", free_port()
    first = Running(data_dir, port, LEAVE_A_CHILD="1")
    leftover = int(first.wait_for("web       | leftover").split()[-1])
    first.wait_for("Plumbline is ready")
    first.process.kill()
    first.process.wait()
    assert is_alive(leftover)
    assert port_is_taken(port)
    second = Running(data_dir, port)
    try:
        second.wait_for("that the last run on")
        second.wait_for("Plumbline is ready")
        assert not is_alive(leftover)
        runtime = load_runtime(data_dir)
        assert runtime is not None
        psycopg.connect(runtime.database_url).close()
        assert second.end() == 0
    finally:
        with suppress(ProcessLookupError):
            second.process.kill()
        second.process.wait()


def test_web_processes_die_with_the_supervisor(tmp_path: Path) -> None:
    """Uvicorn starts them by itself, so they have to see to it themselves."""
    code = (
        "import multiprocessing, time, os, threading\n"
        "def serve(pipe):\n"
        "    import config.asgi\n"
        "    pipe.send(os.getpid())\n"
        "    time.sleep(600)\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    here, there = context.Pipe()\n"
        "    child = context.Process(target=serve, args=(there,))\n"
        "    child.start()\n"
        "    print(here.recv(), flush=True)\n"
        "    child.join()\n"
    )
    script = tmp_path / "parent.py"
    script.write_text(code)
    env = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen([sys.executable, script], env=env, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
    assert eventually(lambda: not is_alive(child))


def test_our_programs_get_the_addresses_and_no_secret_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL_FILE", "/run/secrets/url")
    env = child_env(tmp_path, database_url="postgresql://a@/b", redis_url="redis://c")
    assert (env["DATABASE_URL"], env["REDIS_URL"]) == ("postgresql://a@/b", "redis://c")
    assert env["DATA_DIR"] == str(tmp_path)
    assert "DATABASE_URL_FILE" not in env


def test_the_programs_are_ours(tmp_path: Path) -> None:
    programs = program_arguments(tmp_path, listener=7)
    assert list(programs) == ["web", "worker", "beat"]
    web = programs["web"]
    assert web[web.index("--fd") + 1] == "7"


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


def eventually(look: Callable[[], T]) -> T:
    """What `look` returns once that is true; half a minute without it fails the test."""
    for _ in range(600):
        if result := look():
            return result
        threading.Event().wait(0.05)
    raise AssertionError("it never came")


def is_alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def port_is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False
