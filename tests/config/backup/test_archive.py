"""An archive says exactly what it holds, and shows when it is not what was written."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from config.backup.archive import (
    BLOBS,
    DATABASE,
    KEY,
    MANIFEST,
    Manifest,
    open_archive,
    write_archive,
)
from config.backup.errors import BackupError

WORKSPACE = "0190aaaa-0000-7000-8000-000000000000"
NEEDED = {KEY: [0, ""], DATABASE: [0, ""]}


def make_manifest() -> Manifest:
    return Manifest("0.1.0", "2026-01-01T00:00:00+00:00", "18.1", {"a": 1}, {"core": ["0001"]})


@pytest.fixture
def members(tmp_path: Path) -> list[tuple[str, Path]]:
    content = b"the bytes of an upload" * 100
    name = hashlib.sha256(content).hexdigest()
    (tmp_path / name).write_bytes(content)
    (tmp_path / "key").write_text("secret")
    (tmp_path / "dump").write_text("rows")
    blob = f"{BLOBS}{WORKSPACE}/{name[:2]}/{name}"
    return [(KEY, tmp_path / "key"), (blob, tmp_path / name), (DATABASE, tmp_path / "dump")]


@pytest.fixture
def path(tmp_path: Path, members: list[tuple[str, Path]]) -> Path:
    path = tmp_path / "backup.tar"
    write_archive(path, make_manifest(), members=members)
    return path


def test_it_is_for_its_owner_alone(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_was_written_is_read(
    path: Path, members: list[tuple[str, Path]], tmp_path: Path
) -> None:
    with open_archive(path) as archive:
        archive.check()
        assert archive.manifest.rows == {"a": 1}
        assert archive.read(KEY) == b"secret"
        archive.extract(members[1][0], tmp_path / "out" / "blob")
    assert (tmp_path / "out" / "blob").read_bytes() == members[1][1].read_bytes()


def test_a_changed_byte_is_noticed(path: Path) -> None:
    content = path.read_bytes()
    at = content.index(b"the bytes of an upload")
    path.write_bytes(content[:at] + b"X" + content[at + 1 :])
    with pytest.raises(BackupError, match="damaged"), open_archive(path) as archive:
        archive.check()


def test_a_missing_end_is_noticed(path: Path, members: list[tuple[str, Path]]) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"the bytes of an upload") + 50])
    with pytest.raises(BackupError), open_archive(path) as archive:
        archive.check()


def test_a_blob_that_is_not_what_its_name_says_is_not_written(
    tmp_path: Path, members: list[tuple[str, Path]]
) -> None:
    members[1][1].write_bytes(b"rotten")
    with pytest.raises(BackupError, match="is damaged"):
        write_archive(tmp_path / "rotten.tar", make_manifest(), members=members)
    assert not (tmp_path / "rotten.tar").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "format 99"),
        ({"files": NEEDED | {"../evil": [0, ""]}}, "outside itself"),
        ({"files": NEEDED | {"/etc/evil": [0, ""]}}, "outside itself"),
        ({"files": NEEDED | {"blobs//etc/evil": [0, ""]}}, "outside itself"),
        ({"files": NEEDED | {"blobs/evil\0": [0, ""]}}, "outside itself"),
        ({"files": {DATABASE: [0, ""]}}, "no key"),
        ({"files": [KEY, DATABASE]}, "no key"),
        ({"surprise": 1}, "cannot be read"),
    ],
)
def test_a_strange_manifest_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    values = {"release": "", "created_at": "", "postgres": "", "rows": {}, "migrations": {}}
    text = json.dumps(values | change).encode()
    path = tmp_path / "strange.tar"
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo(MANIFEST)
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    with pytest.raises(BackupError, match=message), open_archive(path):
        pass


@pytest.mark.parametrize("content", [b"", b"not a tar file at all" * 100])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(BackupError), open_archive(path):
        pass


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="There is no file"), open_archive(tmp_path / "none"):
        pass
