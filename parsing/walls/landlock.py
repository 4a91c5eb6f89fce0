"""Landlock: files, ports and processes that a process may no longer reach, kept by the kernel.

Its three system calls have no wrapper in Python or libc. Linux has had them since 5.13; signals to
others are part of it since 6.12. What a process gives up, its children have given up too.
"""

from __future__ import annotations

import ctypes
import functools
import os
import stat
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""Everything that can be taken away, by the version that first knows it."""
_NETWORK_SINCE, _NETWORK_RIGHTS = 4, 0b11
SIGNALS_SINCE, _SCOPES = 6, 0b11
"""Abstract sockets and signals of processes outside."""


@functools.cache
def version() -> int:
    """Which Landlock the kernel has; 0 for none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, int(_libc().syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)))


def allow_only_reading(places: Iterable[Path]) -> bool:
    """Take away all files but these, which may be read and run, all TCP ports, and others' signals.

    `places` are files or folders; one that does not exist is passed over. Files that are open
    already stay usable. False where the kernel cannot do this. Needs PR_SET_NO_NEW_PRIVS.
    """
    known = version()
    if not known:
        return False
    files = _FILE_RIGHTS[max(since for since in _FILE_RIGHTS if since <= known)]
    network = _NETWORK_RIGHTS if known >= _NETWORK_SINCE else 0
    scopes = _SCOPES if known >= SIGNALS_SINCE else 0
    return _restrict(files, network, scopes, places)


def forbid_signals() -> bool:
    """Take away signals to all processes but this one and those it starts from now on."""
    return version() >= SIGNALS_SINCE and _restrict(0, 0, _SCOPES, ())


def _restrict(files: int, network: int, scopes: int, places: Iterable[Path]) -> bool:
    libc = _libc()
    attributes = struct.pack("QQQ", files, network, scopes)
    size = 24 if scopes else 16 if network else 8
    ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return False
    try:
        for place in places:
            _allow(libc, ruleset, place)
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, place: Path) -> None:
    try:
        fd = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        is_folder = stat.S_ISDIR(os.fstat(fd).st_mode)
        rights = _EXECUTE | _READ_FILE | (_READ_DIR if is_folder else 0)
        rule = struct.pack("=Qi", rights, fd)
        libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(fd)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
