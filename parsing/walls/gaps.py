"""What keeps the readers of files apart from everything else here, and what this machine lacks.

Asked by the supervisor and by the status page, so it imports little and starts nothing.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from pathlib import Path

from parsing.walls import landlock
from parsing.walls.seccomp import MACHINES

_PR_SET_DUMPABLE = 4
READER_UID = 60_600
"""A user that owns nothing. Not `nobody`: the embedded PostgreSQL may run as that one."""

CLOSED = "Files are read in processes that can open no other file and reach no network."
NO_SECCOMP = (
    "This system cannot filter system calls. A file that takes over its reader could use the "
    "network."
)
NO_FILES = (
    "The kernel has no Landlock (Linux 5.13 or later has it) and the readers of files run as the "
    "same user as the server. A file that takes over its reader could read secret.key and other "
    "uploads."
)


def has_own_user() -> bool:
    """Whether readers get a user of their own: root can do that, where that user reaches Python.

    Where Landlock limits what can be read, a reader gets by without reaching it as a user.
    """
    return os.geteuid() == 0 and (landlock.version() > 0 or is_python_open_to_all())


def is_python_open_to_all() -> bool:
    """Whether any user may load Python and its packages; else lazy imports would fail later."""
    places = {Path(os.__file__), Path(ctypes.__file__), Path(__file__)}
    places |= {Path(entry) for entry in sys.path if "site-packages" in entry}
    for place in places:
        for folder in place.resolve().parents:
            if not folder.stat().st_mode & 0o001:
                return False
    return True


def hide_environment() -> None:
    """Keep other processes of the same user from this one's environment and memory.

    Only where nothing else keeps readers from it, since it also keeps debuggers out.
    """
    if sys.platform.startswith("linux") and not landlock.version() and not has_own_user():
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def describe_gaps() -> list[str]:
    """What this machine cannot do to keep readers apart, in words; empty if nothing is missing."""
    missing = []
    if not sys.platform.startswith("linux") or platform.machine() not in MACHINES:
        missing.append(NO_SECCOMP)
    if not landlock.version() and not has_own_user():
        missing.append(NO_FILES)
    return missing
