"""`manage.py backup [--to FILE]` and `manage.py restore FILE`."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from config.backup import database
from config.backup.archive import (
    BLOB,
    BLOBS,
    DATABASE,
    KEY,
    Manifest,
    open_archive,
    write_archive,
)
from config.backup.errors import BackupError
from config.env import env_str, make_data_dir, secret_key, write_private
from config.version import VERSION

COMMANDS = frozenset({"backup", "restore"})
KEEP_SAFE = "It holds the secret key, so whoever has it can read everything: keep it safe."
ROOT = Path(__file__).resolve().parents[2]
_BLOB = re.compile(BLOB)


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line behind `manage.py`; ends the program if it makes no sense."""
    parser = argparse.ArgumentParser(prog="manage.py")
    commands = parser.add_subparsers(dest="command", required=True)
    backup = commands.add_parser("backup", help="write everything into one archive")
    backup.add_argument("--to", type=Path, help="the file to write; by default named by the time")
    restore = commands.add_parser("restore", help="fill an empty installation from an archive")
    restore.add_argument("file", type=Path)
    return parser.parse_args(arguments)


def run(arguments: list[str], *, data_dir: Path, database_url: str) -> None:
    """Run one of the two commands. Raises BackupError with words for people."""
    options = parse_arguments(arguments)
    make_data_dir(data_dir)
    try:
        if options.command == "backup":
            now = dt.datetime.now(dt.UTC)
            path = options.to or Path(f"plumbline-{now:%Y%m%d-%H%M%S}.tar")
            manifest = back_up(path, data_dir=data_dir, database_url=database_url)
            text = f"{path}: {describe(manifest)}. It was read again and is whole.\n" + KEEP_SAFE
        else:
            manifest = restore(options.file, data_dir=data_dir, database_url=database_url)
            text = f"Restored {describe(manifest)}, from {manifest.created_at}."
        sys.stdout.write(f"{text}\n")
    except psycopg.Error as error:
        raise BackupError(f"The database: {str(error).strip()}") from error
    except OSError as error:
        raise BackupError(f"{error.filename or data_dir}: {error.strerror}") from error


def describe(manifest: Manifest) -> str:
    """What an archive holds, in words."""
    blobs = sum(name.startswith(BLOBS) for name in manifest.files)
    megabytes = sum(size for size, _ in manifest.files.values()) / 1e6
    rows = sum(manifest.rows.values())
    return f"{rows:,} rows, {blobs:,} uploaded files, the key; {megabytes:,.1f} MB"


def back_up(path: Path, *, data_dir: Path, database_url: str) -> Manifest:
    """Write an archive to `path` while the product runs, and read it again.

    Rows are those of one moment. A file is on the disk before the row that names it, and names
    are hashes, so files need no moment of their own; links keep those that are deleted meanwhile.
    """
    if path.exists():
        raise BackupError(f"{path} exists already. Choose another name.")
    key = secret_key(data_dir)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    dump = path.with_name(f".{path.name}.{os.getpid()}.dump")
    key_file = data_dir / "run" / f".key.{os.getpid()}"
    try:
        with _staging(data_dir) as folder:
            _link_blobs(data_dir, folder)
            with database.open_snapshot(database_url) as snapshot:
                _link_blobs(data_dir, folder)  # those that came between
                _check_complete(snapshot.blobs, folder)
                dump.touch(mode=0o600)
                database.dump(database_url, dump, snapshot=snapshot.id)
            write_private(key_file, key)
            manifest = Manifest(
                release=VERSION,
                created_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                postgres=snapshot.postgres,
                rows=snapshot.rows,
                migrations=snapshot.migrations,
            )
            blobs = [(f"{BLOBS}{name}", folder / name) for name in sorted(snapshot.blobs)]
            write_archive(part, manifest, members=[(KEY, key_file), (DATABASE, dump), *blobs])
        with open_archive(part) as archive:
            archive.check()
        database.check_dump(dump)
        part.replace(path)
    finally:
        for file in (part, dump, key_file):
            file.unlink(missing_ok=True)
    return manifest


@contextmanager
def _staging(data_dir: Path) -> Iterator[Path]:
    """A folder for links, on the disk of the blobs."""
    folder = data_dir / "run" / f"backup.{os.getpid()}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _link_blobs(data_dir: Path, folder: Path) -> None:
    """Link every blob into `folder`, so that it stays when the product deletes it."""
    for source in (data_dir / "blobs").glob("*/??/*"):
        name = source.relative_to(data_dir / "blobs")
        if _BLOB.fullmatch(name.as_posix()):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError, FileNotFoundError):
                os.link(source, target)


def _check_complete(blobs: Iterable[str], folder: Path) -> None:
    lost = [name for name in blobs if not (folder / name).is_file()]
    if lost:
        raise BackupError(
            f"{len(lost)} uploaded files that the database names are not on the disk, such as "
            f"blobs/{lost[0]}. Is DATA_DIR the one of this database?"
        )


def restore(path: Path, *, data_dir: Path, database_url: str) -> Manifest:
    """Fill an empty installation from an archive. Nothing that exists is written over."""
    with open_archive(path) as archive:
        archive.check()
        manifest = archive.manifest
        _check_release(manifest)
        _check_empty(data_dir, database_url)
        key = archive.read(KEY).decode()
        given = env_str("SECRET_KEY", "")
        if given and given != key:
            raise BackupError(
                "SECRET_KEY is not the key of this backup, so the stored keys of model endpoints "
                "could not be read. Give the key that is in the archive as secret.key."
            )
        building = data_dir / "blobs.restoring"
        dump = data_dir / "run" / f"restore.{os.getpid()}.dump"
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(mode=0o700)
        try:
            for name in manifest.files:
                if name.startswith(BLOBS):
                    archive.extract(name, building / name.removeprefix(BLOBS))
            archive.extract(DATABASE, dump)
            database.restore(database_url, dump)
            _check_counts(manifest, database_url)
            shutil.rmtree(data_dir / "blobs")
            building.rename(data_dir / "blobs")
        finally:
            dump.unlink(missing_ok=True)
            shutil.rmtree(building, ignore_errors=True)
        if not given:
            write_private(data_dir / "secret.key", key)
    return manifest


def _check_release(manifest: Manifest) -> None:
    """Refuse an archive with migrations that this checkout does not have."""
    for app, names in manifest.migrations.items():
        folder = ROOT / "apps" / app / "migrations"
        unknown = [name for name in names if not (folder / f"{name}.py").is_file()]
        if folder.is_dir() and unknown:
            raise BackupError(
                f"The backup comes from a newer release ({manifest.release}): this one does not "
                f"know the migration {app}.{unknown[0]}. Update first."
            )


def _check_empty(data_dir: Path, database_url: str) -> None:
    if any(path.is_file() for path in (data_dir / "blobs").rglob("*")):
        raise BackupError(f"{data_dir}/blobs holds files already. Restore into an empty DATA_DIR.")
    if tables := database.find_tables(database_url):
        raise BackupError(
            f"The database holds {len(tables)} tables already, and nothing is written over. "
            "Restore into an empty DATA_DIR, or an empty database."
        )


def _check_counts(manifest: Manifest, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        rows = database.count_rows(connection)
    wrong = sorted(name for name, count in manifest.rows.items() if rows.get(name) != count)
    if wrong:
        raise BackupError(f"The table {wrong[0]} has not as many rows as the manifest says.")
