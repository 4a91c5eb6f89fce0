"""What a reading process may not do: use the network, open files, signal, take memory at will."""

from __future__ import annotations

import contextlib
import ctypes
import mimetypes
import os
import resource
import signal
import struct
import sys
from pathlib import Path

from parsing.types import Limits
from parsing.walls import gaps, landlock
from parsing.walls.seccomp import forbid_kill, install_filter

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_KEEPCAPS, _PR_SET_NO_NEW_PRIVS = 1, 4, 8, 38
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_READ_SEARCH = 2
_SYSTEM_FILES = (
    "/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts",
    "/dev/null", "/dev/urandom", "/dev/zero", "/proc/cpuinfo", "/proc/meminfo",
    "/sys/devices/system/cpu",
)  # fmt: skip
"""What programs and libraries of the system read; none of it is ours or a secret."""
MEGABYTE = 1024 * 1024


def _libc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    return ctypes.CDLL(None, use_errno=True)


def isolate_process() -> None:
    """For the fork server: no network, no privileges, no files but Python's and the system's.

    Every document is read in a child of this process, so what is given up here stays given up.
    Where the system cannot do a part of it, go on without; `gaps.describe_gaps` tells people.
    """
    libc = _libc()
    _remember_address_space()
    if libc is not None:
        _leave_network(libc)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    is_open = gaps.is_python_open_to_all()
    is_locked = landlock.allow_only_reading(_list_readable())
    if os.geteuid() == 0 and (is_locked or is_open):
        _become_reader(libc, may_search=is_locked and not is_open)
    if libc is not None:
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    install_filter()


def _list_readable() -> list[Path]:
    """Python with its packages, our readers, and what the system's libraries read."""
    ours = Path(__file__).resolve().parent
    packages = [entry for entry in sys.path if "site-packages" in entry]
    python = [sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.dirname(os.__file__)]
    texts = [*mimetypes.knownfiles, os.environ.get("TESSDATA_PREFIX", "")]
    named = [Path(place).resolve() for place in (*packages, *python, *texts) if place]
    # A prefix of "/" would open everything.
    return [ours, *(p for p in named if p != Path("/")), *map(Path, _SYSTEM_FILES)]


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


def _become_reader(libc: ctypes.CDLL | None, *, may_search: bool) -> None:
    """A user that owns nothing, without capabilities.

    With `may_search` it keeps the one to pass through any folder, for a Python below /root. What
    it may read is then up to Landlock alone.
    """
    if may_search and libc is not None:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    try:
        os.setgroups([])
        os.setresgid(gaps.READER_UID, gaps.READER_UID, gaps.READER_UID)
        os.setresuid(gaps.READER_UID, gaps.READER_UID, gaps.READER_UID)
    except OSError:
        return  # a container in which this user does not exist
    if may_search and libc is not None:
        mask = 1 << _CAP_DAC_READ_SEARCH
        header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
        libc.capset(header, struct.pack("6I", mask, mask, 0, 0, 0, 0))


def confine_child(limits: Limits, *, file_bytes: int) -> None:
    """For the child of one document: limits that the kernel keeps."""
    libc = _libc()
    if libc is not None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if not landlock.forbid_signals():
        forbid_kill()
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


_statm: int | None = None


def _remember_address_space() -> None:
    """Keep open where the fork server's address space is told; each child begins with as much."""
    global _statm
    with contextlib.suppress(OSError):
        _statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)


def _address_space() -> int:
    """Bytes of address space this process has now."""
    try:
        if _statm is None:
            text = Path("/proc/self/statm").read_text(encoding="ascii")
        else:
            text = os.pread(_statm, 200, 0).decode("ascii")
        pages = int(text.split()[0])
    except (OSError, ValueError, IndexError):
        return 1024 * MEGABYTE
    return pages * resource.getpagesize()


def _limit(kind: int, soft: int, hard: int) -> None:
    current = resource.getrlimit(kind)[1]
    if current != resource.RLIM_INFINITY:
        soft, hard = min(soft, current), min(hard, current)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (soft, hard))
