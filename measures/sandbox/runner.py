"""Runs one piece of code in the sandbox and reads the result.

The kernel isolates it: an allow-list of system calls (no file, network or process can be opened),
limits on processor time, memory and output, and a timeout outside. Where the system cannot enforce
them, nothing is run. The result is the code's own claim: malicious code can say that it passed, as
in every harness that runs tests in the same process.
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
    """The code did not finish or could not be run; the message is for people."""


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """Limits on processor time in seconds (the timeout is twice that) and on memory."""

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
