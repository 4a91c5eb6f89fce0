"""What a parsing process may not do: use the network, write files, take memory or time at will."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

from parsing.seccomp import install_filter
from parsing.types import Limits

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_NOBODY = 65534
MEGABYTE = 1024 * 1024


def _libc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    return ctypes.CDLL(None, use_errno=True)


def isolate_process() -> None:
    """For the fork server: no network, no privileges. Where the system forbids it, go on without.

    Every document is read in a child of this process, so what is given up here stays given up.
    """
    libc = _libc()
    if libc is not None:
        _leave_network(libc)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.geteuid() == 0 and _is_world_readable():
        _become_nobody()
    install_filter()


def _leave_network(libc: ctypes.CDLL) -> None:
    """A network namespace of its own has no interface that is up, not even loopback."""
    if libc.unshare(_CLONE_NEWNET) == 0:
        return
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def _is_world_readable() -> bool:
    """Whether any user may load Python and its packages; else lazy imports would fail later."""
    places = {Path(os.__file__), Path(ctypes.__file__), Path(__file__)}
    places |= {Path(entry) for entry in sys.path if "site-packages" in entry}
    for place in places:
        for folder in place.resolve().parents:
            if not folder.stat().st_mode & 0o001:
                return False
    return True


def _become_nobody() -> None:
    with contextlib.suppress(OSError):
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def confine_child(limits: Limits, *, file_bytes: int) -> None:
    """For the child of one document: limits that the kernel keeps."""
    libc = _libc()
    if libc is not None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    seconds = max(1, int(limits.seconds))
    _limit(resource.RLIMIT_CPU, seconds, seconds + 5)
    _limit(resource.RLIMIT_FSIZE, 0, 0)
    _limit(resource.RLIMIT_CORE, 0, 0)
    _limit(resource.RLIMIT_NOFILE, 128, 128)
    if libc is not None:
        room = _address_space() + 2 * file_bytes + limits.memory_mb * MEGABYTE
        _limit(resource.RLIMIT_AS, room, room)


def forbid_processes() -> None:
    """No further process or thread, for formats that need none."""
    _limit(resource.RLIMIT_NPROC, 0, 0)


def _address_space() -> int:
    """Bytes of address space this process has now."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 1024 * MEGABYTE
    return pages * resource.getpagesize()


def _limit(kind: int, soft: int, hard: int) -> None:
    current = resource.getrlimit(kind)[1]
    if current != resource.RLIM_INFINITY:
        soft, hard = min(soft, current), min(hard, current)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (soft, hard))
