"""The archive: a tar file with a manifest, the key, the database and the uploaded files.

manifest.json       release, counts, and size and SHA-256 of everything else
secret.key          signs sessions, and encrypts the keys of model endpoints in the database
database.dump       as pg_dump writes it
blobs/…             the uploaded files, named by their content
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from config.backup.errors import BackupError

FORMAT = 1
MANIFEST, KEY, DATABASE, BLOBS = "manifest.json", "secret.key", "database.dump", "blobs/"
BLOB = r"[0-9a-f-]{36}/[0-9a-f]{2}/[0-9a-f]{64}"
"""A blob's name below its folder: workspace, two digits of its hash, its hash."""
_NAME = re.compile(rf"{re.escape(KEY)}|{re.escape(DATABASE)}|{BLOBS}{BLOB}")
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds. `rows` by table, `migrations` by app, `files` as [size, SHA-256]."""

    release: str
    created_at: str
    postgres: str
    rows: dict[str, int]
    migrations: dict[str, list[str]]
    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    format: int = FORMAT


def write_archive(path: Path, manifest: Manifest, *, members: Iterable[tuple[str, Path]]) -> None:
    """Write an archive of `members`, (name, file), to `path`, which only its owner may read.

    The bytes are hashed here, for the manifest. A blob whose content is not what its name says
    was damaged on the disk; that raises BackupError.
    """
    sources = dict(members)
    for name, source in sources.items():
        size, digest = hash_file(source)
        if name.startswith(BLOBS) and name.rpartition("/")[2] != digest:
            raise BackupError(f"{source} is damaged: its content is not what its name says.")
        manifest.files[name] = (size, digest)
    text = json.dumps(asdict(manifest), indent=1).encode()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            _add(tar, MANIFEST, io.BytesIO(text), len(text))
            for name, source in sources.items():
                with source.open("rb") as content:
                    _add(tar, name, content, manifest.files[name][0])
        file.flush()
        os.fsync(file.fileno())


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    tar.addfile(entry, content)


def hash_file(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    with path.open("rb") as file:
        return _hash(file)


def _hash(file: IO[bytes], *, into: IO[bytes] | None = None) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    while piece := file.read(_PIECE):
        digest.update(piece)
        size += len(piece)
        if into is not None:
            into.write(piece)
    return size, digest.hexdigest()


class Archive:
    """An archive that was opened for reading."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.manifest = _read_manifest(tar)

    def check(self) -> None:
        """Compare every member with the manifest. Raises BackupError."""
        missing = set(self.manifest.files)
        for entry in self._tar:
            if entry.name == MANIFEST:
                continue
            self._check_entry(entry)
            missing.discard(entry.name)
        if missing:
            raise BackupError(f"The archive is incomplete: {sorted(missing)[0]} is missing.")

    def _check_entry(self, entry: tarfile.TarInfo, *, into: IO[bytes] | None = None) -> None:
        content = self._tar.extractfile(entry)
        wanted = self.manifest.files.get(entry.name)
        if content is None or wanted is None or _hash(content, into=into) != tuple(wanted):
            raise BackupError(f"The archive is damaged: {entry.name} is not as it was written.")

    def extract(self, name: str, target: Path) -> None:
        """Write one member to `target`, for its owner alone, and compare it again."""
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as file:
            self._check_entry(self._tar.getmember(name), into=file)

    def read(self, name: str) -> bytes:
        """The content of a small member."""
        content = io.BytesIO()
        self._check_entry(self._tar.getmember(name), into=content)
        return content.getvalue()


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """An archive of ours. Raises BackupError for anything else."""
    try:
        with tarfile.open(path, mode="r:") as tar:
            yield Archive(tar)
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"{path} is no whole archive: {error}.") from error
    except FileNotFoundError as error:
        raise BackupError(f"There is no file {error.filename}.") from error


def _read_manifest(tar: tarfile.TarFile) -> Manifest:
    entry = tar.next()
    content = tar.extractfile(entry) if entry is not None and entry.name == MANIFEST else None
    if content is None:
        raise BackupError("This is not an archive that `manage.py backup` wrote.")
    try:
        values: dict[str, Any] = json.load(content)
        manifest = Manifest(**values)
    except (ValueError, TypeError) as error:
        raise BackupError("The manifest of the archive cannot be read.") from error
    if manifest.format != FORMAT:
        raise BackupError(f"The archive has format {manifest.format}; this release reads {FORMAT}.")
    files: object = manifest.files  # the file may say anything
    if not isinstance(files, dict) or not {KEY, DATABASE} <= set(files):
        raise BackupError("The manifest of the archive names no key or no database.")
    # Names are joined to a folder, and "blobs//etc/x" without its beginning is an absolute path.
    if not all(_NAME.fullmatch(name) for name in files):
        raise BackupError("The archive names files outside itself.")
    return manifest
