"""A reader that a hostile file has taken over: what it can still reach of the server. Nothing."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parsing.service import ParserService
from parsing.types import ParsedPage
from parsing.walls import gaps, landlock
from parsing.walls.seccomp import forbid_kill
from tests.parsing.pictures import as_png, draw_paragraph

ROOT = Path(__file__).resolve().parents[2]
LINUX = sys.platform.startswith("linux")

ATTACK = """
import ctypes, json, os, signal, sys
from pathlib import Path
from parsing import sandbox
from parsing.walls import landlock
from parsing.types import Limits
folder, victim, disguise = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if disguise == "ordinary user":
    os.geteuid = lambda: 1000  # keeps the user's files open to it: Landlock alone must hold
if disguise == "old kernel":
    landlock.version = lambda: 0
sandbox.isolate_process()
here, there = os.pipe()
if os.fork() == 0:
    sandbox.confine_child(Limits(), file_bytes=0)
    outcome = {"uid": os.getuid()}
    def attempt(name, action):
        try:
            outcome[name] = repr(action())
        except OSError as error:
            outcome[name] = type(error).__name__
    libc = ctypes.CDLL(None, use_errno=True)
    def call(*arguments):
        if libc.syscall(*arguments) < 0:
            raise OSError(ctypes.get_errno(), "no")
        return "done"
    for name in ("secret.key", "blobs/1/ab/abcd", "postgres/PG_VERSION"):
        attempt(name, (folder / name).read_bytes)
    attempt("list", lambda: os.listdir(folder / "blobs"))
    attempt("through proc", Path(f"/proc/{victim}/root{folder}/secret.key").read_bytes)
    attempt("its environment", Path(f"/proc/{victim}/environ").read_bytes)
    attempt("its memory", lambda: open(f"/proc/{victim}/mem", "rb").read(1))
    attempt("signal", lambda: os.kill(victim, signal.SIGTERM))
    attempt("signal the server", lambda: os.kill(os.getppid(), signal.SIGTERM))
    attempt("its limits", lambda: call(302, victim, 0, ctypes.create_string_buffer(16), None))
    attempt("trace", lambda: call(101, 16, victim, 0, 0))
    attempt("by handle", lambda: call(304, 0, 0, 0))
    attempt("shared memory", lambda: call(29, 0, 4096, 0o1600))
    attempt("messages", lambda: call(68, 0, 0o1600))
    attempt("a user namespace", lambda: call(56, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0))
    outcome["environment"] = sorted(os.environ)
    os.write(there, json.dumps(outcome).encode())
    os._exit(0)
os.close(there)
with os.fdopen(here) as answer:
    print(answer.read())
os.wait()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory as the server has it: for its own user alone."""
    for name in ("secret.key", "blobs/1/ab/abcd", "postgres/PG_VERSION"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("precious")
        path.chmod(0o600)
    tmp_path.chmod(0o711)
    return tmp_path


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """A program of the same user with a secret in its environment."""
    code = "import time; time.sleep(600)"
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "SECRET_KEY": "precious"}
    )
    yield process
    process.kill()
    process.wait()


def attack(folder: Path, victim: int, disguise: str = "") -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", ATTACK, str(folder), str(victim), disguise],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.skipif(not landlock.version(), reason="the kernel has no Landlock")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="it numbers system calls")
@pytest.mark.parametrize("disguise", ["", "ordinary user"])
def test_a_reader_reaches_nothing_of_the_server(
    folder: Path, worker: subprocess.Popen[bytes], disguise: str
) -> None:
    outcome = attack(folder, worker.pid, disguise)
    assert worker.poll() is None
    denied = {name: said for name, said in outcome.items() if name not in {"uid", "environment"}}
    assert set(denied.values()) == {"PermissionError"}, denied
    if os.geteuid() == 0 and not disguise:
        assert outcome["uid"] == gaps.READER_UID


@pytest.mark.skipif(
    os.geteuid() != 0 or not gaps.is_python_open_to_all(),
    reason="without Landlock only root can give readers a user of their own, if it reaches Python",
)
def test_without_landlock_the_user_of_its_own_holds(
    folder: Path, worker: subprocess.Popen[bytes]
) -> None:
    outcome = attack(folder, worker.pid, "old kernel")
    assert outcome["uid"] == gaps.READER_UID
    assert outcome["secret.key"] == outcome["its environment"] == "PermissionError"


@pytest.mark.skipif(not LINUX, reason="the system call filter is for Linux")
def test_kernels_whose_landlock_knows_no_signals_filter_the_call(
    worker: subprocess.Popen[bytes],
) -> None:
    code = (
        "import ctypes, os, sys\n"
        "from parsing.walls.seccomp import forbid_kill\n"
        "ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)\n"
        "assert forbid_kill()\n"
        "try:\n    os.kill(int(sys.argv[1]), 15)\n"
        "except PermissionError:\n    print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(worker.pid)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "refused\n"
    assert worker.poll() is None


def test_what_the_machine_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 0)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert gaps.NO_FILES in gaps.describe_gaps()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(gaps, "is_python_open_to_all", lambda: True)
    assert gaps.NO_FILES not in gaps.describe_gaps()
    monkeypatch.setattr(landlock, "version", lambda: 7)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert gaps.NO_FILES not in gaps.describe_gaps()
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert gaps.describe_gaps() == [gaps.NO_SECCOMP]
    assert not forbid_kill()


def test_the_environment_is_hidden_where_nothing_else_keeps_readers_out() -> None:
    code = (
        "import os, ctypes\n"
        "from parsing.walls import gaps, landlock\n"
        "landlock.version = lambda: 0\n"
        "os.geteuid = lambda: 1000\n"
        "gaps.hide_environment()\n"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == ("0\n" if LINUX else "1\n")


@pytest.mark.skipif(not LINUX, reason="it is looked at through /proc")
def test_the_fork_server_inherits_nothing_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read from the real one: no secret in its environment, no file but its sockets."""
    monkeypatch.setenv("SECRET_KEY", "precious")
    path = tmp_path / "note.md"
    path.write_text("# Note\n\nText.")
    service = ParserService()
    held = path.open("rb")
    os.set_inheritable(held.fileno(), True)
    try:
        assert list(service.parse(path, filename="note.md"))
        server = service._server
        assert server is not None
        folder = Path(f"/proc/{server.pid}")
        assert b"precious" not in (folder / "environ").read_bytes()
        assert str(path) not in {str(fd.readlink()) for fd in (folder / "fd").iterdir()}
        if os.geteuid() == 0 and gaps.has_own_user():
            assert f"Uid:\t{gaps.READER_UID}\t" in (folder / "status").read_text()
    finally:
        held.close()
        service.close()


def test_text_is_recognised_behind_the_walls(tmp_path: Path) -> None:
    """It loads its library and its networks only in the child, when all doors are closed."""
    path = tmp_path / "scan.png"
    path.write_bytes(as_png(draw_paragraph("The committee met on 14 March to review")))
    service = ParserService()
    try:
        items = list(service.parse(path, filename="scan.png"))
    finally:
        service.close()
    pages = [item.text for item in items if isinstance(item, ParsedPage)]
    assert pages == ["The committee met on 14 March to review"]
