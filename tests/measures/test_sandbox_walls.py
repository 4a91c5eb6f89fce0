"""What stands behind the sandbox's system call filter, tried with the filter taken away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from measures.sandbox.runner import run_sandboxed

ROOT = Path(__file__).resolve().parents[2]
ATTACK = """
import json, os, sys
from measures.sandbox import child
allow = (0x06, 0, 0, 0x7FFF0000)
child._build_filter = lambda: [allow]
child.close_doors(seconds=5, memory_mb=2048)
outcome = {"uid": os.getuid()}
for place in (sys.argv[1], f"/proc/{os.getppid()}/environ", "/etc/hostname"):
    try:
        open(place, "rb").read()
        outcome[place] = "read"
    except OSError as error:
        outcome[place] = type(error).__name__
os.write(1, json.dumps(outcome).encode())
"""


def has_landlock() -> bool:
    code = "import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return sys.platform.startswith("linux") and int(done.stdout) > 0


def test_without_the_filter_no_file_opens_either(tmp_path: Path) -> None:
    if not has_landlock():
        pytest.skip("the kernel has no Landlock")
    secret = tmp_path / "secret.key"
    secret.write_text("precious")
    done = subprocess.run(
        [sys.executable, "-c", ATTACK, str(secret)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    outcome = json.loads(done.stdout)
    uid = outcome.pop("uid")
    assert set(outcome.values()) == {"PermissionError"}, outcome
    if os.geteuid() == 0:
        assert uid == 60_601


def test_code_reaches_neither_files_nor_the_one_who_runs_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret.key"
    secret.write_text("precious")
    code = f"""
import os
reached = []
attempts = {{
    "key": lambda: os.open({str(secret)!r}, os.O_RDONLY),
    "environment": lambda: os.open("/proc/{os.getpid()}/environ", os.O_RDONLY),
    "signal": lambda: os.kill({os.getpid()}, 0),
    "list": lambda: os.listdir({str(tmp_path)!r}),
    "fork": os.fork,
}}
for name, attempt in attempts.items():
    try:
        attempt()
        reached.append(name)
    except OSError:
        pass
assert not reached, reached
assert set(os.environ) <= {{"LANG", "LC_CTYPE"}}, dict(os.environ)
"""
    assert run_sandboxed("python", {"code": code}) == {"passed": True, "printed": ""}
