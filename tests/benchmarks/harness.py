"""A whole installation of its own for a benchmark, driven through its REST API."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from config.env import Runtime, load_runtime
from config.servers import free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
START_SECONDS = 180.0


class BenchmarkError(RuntimeError):
    """The installation under test did not do what it must."""


@dataclass(slots=True)
class Stack:
    """A running installation with a workspace and a key for it."""

    data_dir: Path
    port: int
    process: subprocess.Popen[bytes]
    key: str = ""

    @property
    def runtime(self) -> Runtime:
        """Where its servers are."""
        runtime = load_runtime(self.data_dir)
        if runtime is None:
            raise BenchmarkError("The installation is not running.")
        return runtime

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One REST request with a JSON body; status and decoded answer."""
        payload = b"" if body is None else json.dumps(body).encode()
        return self.send(method, path, payload, content_type="application/json")

    def send(
        self,
        method: str,
        path: str,
        payload: bytes,
        *,
        content_type: str,
        connection: http.client.HTTPConnection | None = None,
    ) -> tuple[int, Any]:
        """One REST request; the connection is kept if one is given."""
        own = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": content_type}
        own.request(method, f"/api/v1/{path}", body=payload, headers=headers)
        answer = own.getresponse()
        text = answer.read()
        if connection is None:
            own.close()
        is_json = "json" in (answer.getheader("content-type") or "")
        return answer.status, json.loads(text) if is_json and text else text

    def upload(
        self,
        collection: str,
        *,
        name: str,
        content: bytes,
        connection: http.client.HTTPConnection | None = None,
    ) -> dict[str, Any]:
        """Upload one file; the document as the API describes it."""
        payload, content_type = encode_form(name, content)
        status, answer = self.send(
            "POST",
            f"collections/{collection}/documents/",
            payload,
            content_type=content_type,
            connection=connection,
        )
        if status not in (200, 201):
            raise BenchmarkError(f"Upload of {name}: {status} {answer!r}")
        return dict(answer)

    def create_collection(self, name: str) -> str:
        """A new collection's id."""
        status, answer = self.call("POST", "collections/", {"name": name})
        if status != 201:
            raise BenchmarkError(f"Collection: {status} {answer!r}")
        return str(answer["id"])

    def query(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """Ask its database."""
        with psycopg.connect(self.runtime.database_url, autocommit=True) as connection:
            return connection.execute(sql, arguments).fetchall()

    def manage(self, *arguments: str) -> str:
        """Run a management command beside it; what it prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=own_environment(self.data_dir),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BenchmarkError(f"manage.py {arguments[0]}: {done.stderr[-2000:]}")
        return done.stdout

    def log_tail(self, name: str, *, size: int = 4000) -> str:
        """The end of a program's log."""
        path = self.data_dir / "logs" / f"{name}.log"
        return path.read_text(errors="replace")[-size:] if path.exists() else ""


def encode_form(name: str, content: bytes) -> tuple[bytes, str]:
    """A multipart body with the file and its relative path, and its content type."""
    boundary = secrets.token_hex(16)
    part = f"--{boundary}\r\nContent-Disposition: form-data; name="
    base = name.rsplit("/", 1)[-1]
    body = b"".join(
        [
            f'{part}"name"\r\n\r\n{name}\r\n'.encode(),
            f'{part}"file"; filename="{base}"\r\n'.encode(),
            b"Content-Type: application/octet-stream\r\n\r\n",
            content,
            f"\r\n--{boundary}--\r\n".encode(),
        ]
    )
    return body, f"multipart/form-data; boundary={boundary}"


@contextmanager
def running_stack(
    *, variables: dict[str, str] | None = None, data_dir: Path | None = None, key: str = ""
) -> Iterator[Stack]:
    """Start an installation, in a folder of its own that is removed afterwards, or on `data_dir`.

    It gets a workspace and a key for it, unless a `key` is given.
    """
    own = data_dir is None
    data_dir = data_dir or Path(tempfile.mkdtemp(prefix="plumbline-bench-"))
    port = free_port()
    stack = start_stack(data_dir, port=port, variables=variables)
    try:
        await_start(stack)
        stack.key = key or create_key(stack)
        yield stack
    finally:
        stack.process.send_signal(signal.SIGTERM)
        stack.process.wait(30)
        if own:
            shutil.rmtree(data_dir, ignore_errors=True)


def own_environment(data_dir: Path) -> dict[str, str]:
    """Ours, without the servers of a test run that may be going on around it."""
    not_its = {"DATABASE_URL", "REDIS_URL", "PLUMBLINE_TEST_STACK"}
    env = {name: value for name, value in os.environ.items() if name not in not_its}
    return env | {"DATA_DIR": str(data_dir)}


def create_key(stack: Stack) -> str:
    """A key for a new workspace."""
    created = stack.manage("create_workspace", "Benchmark", "--owner", "bench@example.com")
    return str(json.loads(created.splitlines()[-1])["api_key"])


def start_stack(data_dir: Path, *, port: int, variables: dict[str, str] | None = None) -> Stack:
    """Start an installation, without waiting for it. Its output goes to supervisor.log."""
    data_dir.mkdir(exist_ok=True)
    shared_models = ROOT / "data" / "models"
    if shared_models.is_dir() and not (data_dir / "models").exists():
        shutil.copytree(shared_models, data_dir / "models")
    env = own_environment(data_dir) | {"PORT": str(port), "HOST": "127.0.0.1"}
    env |= variables or {}
    with (data_dir / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.supervisor"],
            cwd=ROOT,
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return Stack(data_dir=data_dir, port=port, process=process)


def await_start(stack: Stack) -> None:
    """Wait until it is ready. Raises BenchmarkError with its output if it ends before."""

    def answers() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    alive = lambda: stack.process.poll() is None  # noqa: E731
    if not wait_until(answers, timeout_s=START_SECONDS, alive=alive):
        text = (stack.data_dir / "supervisor.log").read_text(errors="replace")
        raise BenchmarkError(f"It does not start:\n{text[-4000:]}")


COUNT_STATES = """
SELECT state, count(*) FROM documents_documentversion v WHERE document_id = ANY(%s)
AND number = (SELECT max(number) FROM documents_documentversion n
              WHERE n.document_id = v.document_id) GROUP BY state
"""


def await_documents(
    stack: Stack, ids: list[str], *, timeout_s: float, on_turn: Callable[[int], None] | None = None
) -> dict[str, int]:
    """Wait until every document is ready or failed; how many are in each state.

    Over one connection: ten sign-ins a second would take a tenth of a core from what is measured.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            with psycopg.connect(stack.runtime.database_url, autocommit=True) as connection:
                return _await_states(stack, ids, connection, deadline=deadline, on_turn=on_turn)
        except psycopg.OperationalError:  # some benchmarks kill it
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _await_states(
    stack: Stack,
    ids: list[str],
    connection: psycopg.Connection[Any],
    *,
    deadline: float,
    on_turn: Callable[[int], None] | None,
) -> dict[str, int]:
    while True:
        rows = connection.execute(COUNT_STATES, [ids]).fetchall()
        states = {str(state): int(count) for state, count in rows}
        done = sum(states.get(state, 0) for state in ("ready", "failed", "cancelled"))
        if done == len(ids):
            return states
        if time.monotonic() > deadline:
            raise BenchmarkError(f"Still waiting: {states}\n{stack.log_tail('worker')}")
        if on_turn is not None:
            on_turn(done)
        time.sleep(0.1)


PROGRAMS = {
    "uvicorn": "web",
    "multiprocessing": "web",
    "workers.beat": "beat",
    "celery": "worker",
    "zygote": "parser",
    "redis": "redis",
    "postgres": "postgres",
    "supervisor": "supervisor",
}
"""What stands in the command line of each part of an installation, and what to call it."""


def name_program(process: psutil.Process) -> str:
    """Which part of the installation a process is."""
    command = " ".join(process.cmdline())
    return next((name for part, name in PROGRAMS.items() if part in command), "other")


def processor_seconds(stack: Stack) -> dict[str, float]:
    """Seconds of processor time by program so far, of ended children that were waited for too."""
    root = psutil.Process(stack.process.pid)
    sums: dict[str, float] = defaultdict(float)
    for process in [root, *root.children(recursive=True)]:
        try:
            times = process.cpu_times()
            sums[name_program(process)] += sum(times[:4])
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return dict(sums)


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Columns as wide as their widest cell; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
        if number == 0:
            print("  ".join("-" * width for width in widths))
