"""What an isolated process can no longer do, tried in a process of its own."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ATTEMPTS = """
import json, os, socket, sys
from parsing.sandbox import confine_child, isolate_process
from parsing.types import Limits
isolate_process()
confine_child(Limits(memory_mb=64), file_bytes=0)
path = sys.argv[1]
outcome = {}
def attempt(name, action):
    try:
        action()
        outcome[name] = "done"
    except (OSError, MemoryError) as error:
        outcome[name] = type(error).__name__
attempt("connect", lambda: socket.create_connection(("127.0.0.1", 9), timeout=1))
attempt("unix", lambda: socket.socket(socket.AF_UNIX))
attempt("create", lambda: open(path + ".new", "w"))
attempt("overwrite", lambda: open(path, "r+"))
attempt("delete", lambda: os.unlink(path))
attempt("rename", lambda: os.rename(path, path + ".old"))
attempt("memory", lambda: bytearray(256 * 1024 * 1024))
attempt("read", lambda: open("/dev/null", "rb").read())
attempt("run", lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0))
print(json.dumps(outcome))
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or platform.machine() not in {"x86_64", "aarch64"},
    reason="the system call filter is for Linux",
)
def test_isolated_process_is_harmless(tmp_path: Path) -> None:
    path = tmp_path / "victim.txt"
    path.write_text("precious")
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPTS, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == {
        "connect": "PermissionError",
        "unix": "PermissionError",
        "create": "PermissionError",
        "overwrite": "PermissionError",
        "delete": "PermissionError",
        "rename": "PermissionError",
        "memory": "MemoryError",
        "read": "done",
        "run": "done",
    }
    assert path.read_text() == "precious"
    assert [item.name for item in tmp_path.iterdir()] == ["victim.txt"]
