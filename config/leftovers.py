"""What a run that was killed left behind, and how the next start on its data directory ends it.

The kernel kills our children with us, and theirs with them. This is for what escapes that, as on
other systems than Linux, or a process that was just being started.

A process is known by the random token of its run, which every descendant inherits in its
environment, or by its id together with its start time and its program, since ids are used
again. A port or a name alone never decides.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from config.env import write_private
from config.servers import wait_until

RUN_VARIABLE = "PLUMBLINE_RUN"
ENDS_ITSELF = frozenset({"postgres"})
"""Servers that must not be killed: their own `prepare` stops an orphan in order."""
WAIT_S = 5.0
_PROC = Path("/proc")
_BOOT_ID = _PROC / "sys/kernel/random/boot_id"


@dataclass(frozen=True, slots=True)
class Process:
    """A process so that it cannot be taken for another one that later gets its id."""

    name: str
    pid: int
    started: int
    program: str


def record_path(data_dir: Path) -> Path:
    """Where a run keeps the list of its processes."""
    return data_dir / "run" / "processes.json"


class RunRecord:
    """The token and the children of one run, in DATA_DIR/run/processes.json."""

    def __init__(self, data_dir: Path) -> None:
        self.token = secrets.token_hex(16)
        self._path = record_path(data_dir)
        self._children: dict[str, Process] = {}
        self._save()

    def add(self, name: str, pid: int) -> None:
        """Note that the child of this name has this process id now."""
        if (process := describe(name, pid)) is not None:
            self._children[name] = process
            self._save()

    def _save(self) -> None:
        content = {
            "token": self.token,
            "boot": _boot_id(),
            "children": [asdict(child) for child in self._children.values()],
        }
        with suppress(OSError):  # a full disk must not keep a child from being restarted
            write_private(self._path, json.dumps(content, indent=2) + "\n")


def describe(name: str, pid: int) -> Process | None:
    """The process of this id as it is now; None if it has ended, or where there is no /proc."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        # Not the command line, which Redis and PostgreSQL rewrite.
        program = str((_PROC / str(pid) / "exe").readlink())
    except OSError:
        return None
    return None if fields[0] in "ZX" else Process(name, pid, int(fields[19]), program)


def end_leftovers(data_dir: Path) -> int:
    """Kill what the last run on `data_dir` left behind; returns how many processes.

    The caller holds the lock of the data directory, so that run is over.
    """
    try:
        record = json.loads(record_path(data_dir).read_text(encoding="utf-8"))
        token, boot = str(record["token"]), str(record["boot"])
        children = [Process(**child) for child in record["children"]]
    except (OSError, ValueError, TypeError, KeyError):
        return 0
    if not token or boot != _boot_id():
        return 0
    count = 0
    # Once more, for what was being started while the first ones were looked for.
    for _ in range(2):
        leftovers = _find(token, children)
        for pid in leftovers:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        _await_end(leftovers)
        count += len(leftovers)
    return count


def _await_end(pids: list[int]) -> None:
    wait_until(lambda: not any(map(_is_alive, pids)), timeout_s=WAIT_S)


def _find(token: str, children: list[Process]) -> list[int]:
    entry = f"{RUN_VARIABLE}={token}".encode()
    spared = {child.pid for child in children if child.name in ENDS_ITSELF} | {os.getpid()}
    found = {c.pid for c in children if c.pid not in spared and describe(c.name, c.pid) == c}
    for folder in _PROC.glob("[0-9]*"):
        pid = int(folder.name)
        with suppress(OSError):
            is_ours = entry in (folder / "environ").read_bytes().split(b"\0")
            is_server = (folder / "comm").read_text().strip() in ENDS_ITSELF
            if is_ours and not is_server and pid not in spared and _is_alive(pid):
                found.add(pid)
    return sorted(found)


def _is_alive(pid: int) -> bool:
    return describe("", pid) is not None


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
