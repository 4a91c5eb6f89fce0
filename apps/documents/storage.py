"""Blobs: the uploaded bytes, in files named after the hash of their content.

A blob lies in `DATA_DIR/blobs/<workspace>/<first two digits>/<sha256>`. The workspace is part of
the path, so that nothing is shared between tenants and a workspace can be removed as one folder.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings

from apps.core.disk.space import NoRoomError, has_room, is_full

INCOMING = "incoming"


class TooLargeError(Exception):
    """More bytes arrived than one file may have; `limit` is that number of bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


@dataclass(frozen=True, slots=True)
class IncomingBlob:
    """Received bytes that no version owns yet. `size` is in bytes."""

    workspace_id: UUID
    path: Path
    sha256: str
    size: int

    @property
    def name(self) -> str:
        """What a version keeps: the path below the blob folder that `place` will give it."""
        return f"{self.workspace_id}/{self.sha256[:2]}/{self.sha256}"

    def place(self) -> str:
        """Give the blob its final place and return its name. Harmless if it is there already."""
        target = locate_blob(self.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        self.path.replace(target)
        return self.name

    def discard(self) -> None:
        """Remove what was received, unless it was placed."""
        self.path.unlink(missing_ok=True)


def blob_root() -> Path:
    """The folder that holds every workspace's blobs."""
    return Path(settings.DATA_DIR) / "blobs"


def locate_blob(name: str) -> Path:
    """Where the blob of this name lies."""
    return blob_root() / name


def receive_blob(workspace_id: UUID, chunks: Iterable[bytes], *, limit: int) -> IncomingBlob:
    """Write chunks to disk as they come, hashing on the way.

    Raises TooLargeError as soon as `limit` bytes are exceeded, and NoRoomError when the disk's
    reserve would be used up; nothing is kept then.
    """
    if not has_room():
        raise NoRoomError
    folder = blob_root() / str(workspace_id) / INCOMING
    path = folder / secrets.token_hex(16)
    digest, size = hashlib.sha256(), 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise TooLargeError(limit)
                if not has_room(len(chunk)):
                    raise NoRoomError
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        path.unlink(missing_ok=True)
        if is_full(error):
            raise NoRoomError from error
        raise
    return IncomingBlob(workspace_id=workspace_id, path=path, sha256=digest.hexdigest(), size=size)


def remove_blob(name: str) -> None:
    """Remove a blob; no error if it has gone."""
    path = locate_blob(name)
    path.unlink(missing_ok=True)
    with suppress(OSError):
        path.parent.rmdir()


def remove_workspace_blobs(workspace_id: str) -> None:
    """Remove all blobs of a workspace that no longer exists."""
    shutil.rmtree(blob_root() / workspace_id, ignore_errors=True)


def list_workspace_folders() -> list[str]:
    """The ids of the workspaces that have blobs."""
    root = blob_root()
    return [entry.name for entry in root.iterdir() if entry.is_dir()] if root.is_dir() else []


def remove_abandoned_uploads(*, older_than_s: float) -> int:
    """Remove uploads that broke off with their process; returns how many."""
    horizon, count = time.time() - older_than_s, 0
    for path in blob_root().glob(f"*/{INCOMING}/*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < horizon:
                path.unlink()
                count += 1
    return count
