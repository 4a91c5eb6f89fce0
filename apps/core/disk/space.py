"""How much room is left where DATA_DIR lies, and the reserve below which nothing more is taken."""

from __future__ import annotations

import errno
import shutil

import psycopg
from django.conf import settings

from apps.core.formats import format_bytes

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
NO_ROOM = (
    "The server's disk is full, so this was not stored. Everything that was stored before is safe. "
    "Try again once the administrator has made room."
)


class NoRoomError(OSError):
    """A file was not taken, because the disk has too little room; nothing of it was kept."""

    def __init__(self) -> None:
        super().__init__(errno.ENOSPC, NO_ROOM)


def free_bytes() -> int | None:
    """The room that is left where DATA_DIR lies; None where that cannot be told."""
    try:
        return shutil.disk_usage(settings.DATA_DIR).free
    except OSError:
        return None


def has_room(size: int = 0) -> bool:
    """Whether `size` more bytes leave the reserve untouched."""
    free = free_bytes()
    return free is None or free - size >= settings.MIN_FREE_BYTES


def is_full(error: BaseException | None) -> bool:
    """Whether this error, or the one that it came from, says that a disk is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if isinstance(error, psycopg.errors.DiskFull):
            return True
        error = error.__cause__
    return False


def describe_shortage() -> str:
    """What people should know while there is too little room; empty while there is enough."""
    free = free_bytes()
    if free is None or free >= settings.MIN_FREE_BYTES:
        return ""
    return (
        f"The server's disk has {format_bytes(free)} left, less than the "
        f"{format_bytes(settings.MIN_FREE_BYTES)} that are kept free. No files are taken and "
        "documents wait to be read. Both go on by themselves once there is room."
    )
