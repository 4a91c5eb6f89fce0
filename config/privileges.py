"""Start a child that dies with us and that does not run as root even if we do.

PostgreSQL refuses to run as root. In a container or a virtual machine root is often the only
user there is, so the embedded server then runs as `plumbline` if such a user exists, else as
`nobody`, and owns its own folder only. If that user may not pass through the folders above, as in a
checkout below /root, the server gets one capability, to ignore directory permissions. Loosening
the permissions of folders that are not ours would be worse.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import stat
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 1 << 2
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAP_SETPCAP = 8
CAPABILITY_VERSION_3 = 0x20080522
SERVER_USERS = ("plumbline", "nobody")


class PrivilegeError(RuntimeError):
    """No user here can run the embedded server; the message says what would help."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The user that runs a server, with the capability that it needs to reach its files, if any."""

    uid: int
    gid: int
    capability: int | None = None


def choose_identity(*paths: Path) -> Identity | None:
    """The user for a server that refuses root, or None when we are not root ourselves.

    `paths` are the folders the server must be able to reach.
    """
    if os.geteuid() != 0:
        return None
    for name in SERVER_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        closed = [path for path in paths if not is_reachable(path, uid=entry.pw_uid)]
        if not closed:
            return Identity(entry.pw_uid, entry.pw_gid)
        return Identity(entry.pw_uid, entry.pw_gid, _search_capability(closed[0], name))
    raise PrivilegeError(
        "PostgreSQL does not run as root and there is no user named "
        f"{' or '.join(SERVER_USERS)}. Start as an ordinary user, or give DATABASE_URL."
    )


def is_reachable(path: Path, *, uid: int) -> bool:
    """Whether `uid` may pass through every folder above `path`; groups are ignored."""
    for folder in path.absolute().parents:
        status = folder.stat()
        bit = stat.S_IXUSR if status.st_uid == uid else stat.S_IXOTH
        if not status.st_mode & bit:
            return False
    return True


def _search_capability(path: Path, name: str) -> int:
    """The least capability that lets a server reach `path`, out of those that we hold."""
    ours = _effective_capabilities()
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        if ours >> capability & 1 and ours >> CAP_SETPCAP & 1:
            return capability
    raise PrivilegeError(
        f"PostgreSQL does not run as root, and the user {name} cannot reach {path}. Move it to "
        "a folder that others may pass through, start as an ordinary user, or give DATABASE_URL."
    )


def _effective_capabilities() -> int:
    """Our effective capabilities as a bit mask; 0 where the system has none."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)


def prepare_child(
    *, identity: Identity | None = None, death_signal: signal.Signals = signal.SIGKILL
) -> Callable[[], None]:
    """A preexec_fn: become `identity`, and receive `death_signal` when our parent dies.

    The parent is the thread that forks, so spawn from a thread that lives as long as the program.
    Only Linux can signal the death of a parent; elsewhere just a clean stop ends the child.
    """
    libc = _libc()
    parent = os.getpid()

    def prepare() -> None:
        if identity is not None:
            _become(identity, libc)
        if libc is not None:
            # After the change of user, which clears it.
            libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
            if os.getppid() != parent:  # the parent died in between
                os._exit(1)

    return prepare


def die_with_parent(parent: int) -> None:
    """Be killed when `parent` dies, as a process that one of our children started itself.

    Ends at once if it has died already. Only Linux can do this; elsewhere nothing happens.
    """
    libc = _libc()
    if libc is not None:
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def _become(identity: Identity, libc: ctypes.CDLL | None) -> None:
    keep = identity.capability
    if keep is not None and libc is not None:
        # Without this bit the change of user drops every capability, and access(2), by which
        # PostgreSQL looks for its own programs, would disregard the one that we keep.
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setresgid(identity.gid, identity.gid, identity.gid)
    os.setresuid(identity.uid, identity.uid, identity.uid)
    os.umask(0o077)
    if keep is not None and libc is not None:
        mask = 1 << keep
        header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
        data = struct.pack("6I", mask, mask, mask, 0, 0, 0)
        if libc.capset(header, data) != 0:
            os._exit(126)  # never continue with more privileges than intended
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, keep, 0, 0)


def _libc() -> ctypes.CDLL | None:
    """The C library, loaded before any fork; None where its Linux calls do not exist."""
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
