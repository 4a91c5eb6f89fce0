"""Starts the sandbox for one piece of code and reads what came of it.

The walls are the kernel's: an allow-list of system calls (no file, network or process can be
opened), limits of processor time, memory and output, and a clock outside. Where the system cannot
hold them, nothing is run. What the code returns is its own claim: code that is out to deceive can
say that it passed, as in every harness that runs tests beside the code.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

CHILD = Path(__file__).with_name("child.py")
SECONDS = 5
MEMORY_MB = 512
MAX_REQUEST = 4 << 20
Mode = Literal["python", "evaluate", "sql"]


class SandboxError(Exception):
    """The code did not come to an end, or could not be run; the message is for people."""


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """Seconds of processor time (and as many again to wait), and memory."""

    seconds: int = SECONDS
    memory_mb: int = MEMORY_MB


def run_sandboxed(
    mode: Mode, request: Mapping[str, Any], *, limits: SandboxLimits | None = None
) -> dict[str, Any]:
    """Run and return what the child answers; raises ``SandboxError``.

    Blocks for about 0.1 s, and for at most twice ``limits.seconds``.
    """
    limits = limits or SandboxLimits()
    message = {"mode": mode, "seconds": limits.seconds, "memory_mb": limits.memory_mb, **request}
    body = orjson.dumps(message)
    if len(body) > MAX_REQUEST:
        raise SandboxError("The code and its data are too long to be run.")
    with tempfile.TemporaryFile() as output:  # a file, so that the kernel limits its size
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-S", str(CHILD)],
                input=body, stdout=output, stderr=subprocess.DEVNULL, check=False,
                timeout=2 * limits.seconds, env={"LANG": "C.UTF-8"}, cwd="/",
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise SandboxError(f"Stopped after {2 * limits.seconds} seconds.") from error
        output.seek(0)
        text = output.read()
    return _read_answer(text, done.returncode, limits)


def _read_answer(text: bytes, code: int, limits: SandboxLimits) -> dict[str, Any]:
    try:
        answer = orjson.loads(text)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        how = {-9: f"used more than {limits.seconds} seconds of processor time",
               -24: f"used more than {limits.seconds} seconds of processor time",
               -25: "wrote too much"}.get(code, "ended without a result")  # fmt: skip
        raise SandboxError(f"The code {how}.")
    if "unavailable" in answer:
        raise SandboxError(f"Code cannot be run safely here: {answer['unavailable']}.")
    return answer
