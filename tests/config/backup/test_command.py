"""Backup and restore against a real database: what comes back, and what is refused."""

from __future__ import annotations

import dataclasses
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection

from apps.documents.models import Collection, DocumentVersion
from apps.documents.services import add_upload
from apps.documents.storage import locate_blob
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor
from config.backup import command, database
from config.backup.archive import KEY, open_archive
from config.backup.command import back_up, restore
from config.backup.errors import BackupError
from config.env import make_data_dir
from tests.documents.make import make_collection

pytestmark = pytest.mark.django_db(transaction=True)


def url_of(name: str) -> str:
    parts: dict[str, Any] = connection.settings_dict
    password, host = quote(str(parts["PASSWORD"])), quote(str(parts["HOST"]))
    return f"postgresql://{parts['USER']}:{password}@/{name}?host={host}"


@pytest.fixture
def url() -> str:
    return url_of(str(connection.settings_dict["NAME"]))


@pytest.fixture
def empty_url(url: str) -> Iterator[str]:
    """A database of its own with nothing in it."""
    name = f"restored_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    yield url_of(name)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def data_dir(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    settings.DATA_DIR = tmp_path / "data"
    make_data_dir(settings.DATA_DIR)
    (settings.DATA_DIR / "secret.key").write_text("the key of this installation\n")
    return Path(settings.DATA_DIR)


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    make_data_dir(tmp_path / "fresh")
    return tmp_path / "fresh"


@pytest.fixture
def collection(workspace: Workspace, data_dir: Path) -> Collection:
    collection = make_collection(workspace)
    for name, text in (("leave.md", b"Leave is 27 days."), ("travel.md", b"Trains first.")):
        add_upload(collection, file=[text], filename=name, actor=Actor())
    return collection


@pytest.fixture
def archive(collection: Collection, data_dir: Path, url: str, tmp_path: Path) -> Path:
    path = tmp_path / "backup.tar"
    back_up(path, data_dir=data_dir, database_url=url)
    return path


def test_everything_comes_back(
    archive: Path, url: str, empty_url: str, data_dir: Path, fresh: Path
) -> None:
    (fresh / "secret.key").write_text("made by the first start of the new installation\n")
    manifest = restore(archive, data_dir=fresh, database_url=empty_url)
    with psycopg.connect(url) as old, psycopg.connect(empty_url) as new:
        assert database.count_rows(old) == database.count_rows(new) == manifest.rows
        names = "SELECT name FROM documents_document ORDER BY name"
        assert new.execute(names).fetchall() == [("leave.md",), ("travel.md",)]
    assert manifest.rows["documents_document"] == 2
    for version in DocumentVersion.objects.all():
        assert (fresh / "blobs" / version.blob).read_bytes() == locate_blob(
            version.blob
        ).read_bytes()
    assert (fresh / "secret.key").read_text() == "the key of this installation"
    assert not list(fresh.glob("blobs.restoring")) + list((fresh / "run").glob("restore*"))


def test_a_file_deleted_while_the_backup_runs_is_in_it(
    collection: Collection, data_dir: Path, url: str, tmp_path: Path, monkeypatch: Any
) -> None:
    dump = database.dump

    def delete_first(*arguments: Any, **named: Any) -> None:
        for version in DocumentVersion.objects.all():
            locate_blob(version.blob).unlink()
        dump(*arguments, **named)

    monkeypatch.setattr(database, "dump", delete_first)
    manifest = back_up(tmp_path / "late.tar", data_dir=data_dir, database_url=url)
    assert sum(name.startswith("blobs/") for name in manifest.files) == 2


def test_rows_written_while_the_backup_runs_are_not_half_in_it(
    collection: Collection, data_dir: Path, url: str, empty_url: str, tmp_path: Path, fresh: Path,
    monkeypatch: Any,
) -> None:  # fmt: skip
    dump = database.dump

    def add_first(*arguments: Any, **named: Any) -> None:
        add_upload(collection, file=[b"Late."], filename="late.md", actor=Actor())
        dump(*arguments, **named)

    monkeypatch.setattr(database, "dump", add_first)
    back_up(tmp_path / "late.tar", data_dir=data_dir, database_url=url)
    manifest = restore(tmp_path / "late.tar", data_dir=fresh, database_url=empty_url)
    assert manifest.rows["documents_document"] == 2  # the counts were compared with the dump's


def test_existing_data_is_not_written_over(
    archive: Path, url: str, empty_url: str, data_dir: Path, fresh: Path
) -> None:
    with pytest.raises(BackupError, match="nothing is written over"):
        restore(archive, data_dir=fresh, database_url=url)
    with pytest.raises(BackupError, match="holds files already"):
        restore(archive, data_dir=data_dir, database_url=empty_url)
    assert database.find_tables(empty_url) == []
    assert (data_dir / "secret.key").read_text() == "the key of this installation\n"


def test_an_existing_archive_is_not_written_over(archive: Path, data_dir: Path, url: str) -> None:
    before = archive.read_bytes()
    with pytest.raises(BackupError, match="exists already"):
        back_up(archive, data_dir=data_dir, database_url=url)
    assert archive.read_bytes() == before


def test_a_lost_file_is_no_backup(
    collection: Collection, data_dir: Path, url: str, tmp_path: Path
) -> None:
    locate_blob(DocumentVersion.objects.all()[0].blob).unlink()
    with pytest.raises(BackupError, match="1 uploaded files that the database names are not"):
        back_up(tmp_path / "backup.tar", data_dir=data_dir, database_url=url)
    assert not list(tmp_path.glob("*backup.tar*"))


def test_another_key_is_refused(
    archive: Path, empty_url: str, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "another")
    with pytest.raises(BackupError, match="SECRET_KEY is not the key of this backup"):
        restore(archive, data_dir=fresh, database_url=empty_url)
    monkeypatch.setenv("SECRET_KEY", "the key of this installation")
    restore(archive, data_dir=fresh, database_url=empty_url)
    assert not (fresh / "secret.key").exists()


def test_a_newer_release_is_refused(
    archive: Path, empty_url: str, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_archive(archive) as opened:
        manifest = opened.manifest
    migrations = {**manifest.migrations, "core": [*manifest.migrations["core"], "9999_later"]}
    newer = dataclasses.replace(manifest, migrations=migrations, release="9.9")
    with pytest.raises(BackupError, match="newer release"):
        command._check_release(newer)


def test_a_failed_restoration_leaves_nothing(
    archive: Path, empty_url: str, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_check_counts", _raise)
    with pytest.raises(BackupError, match="as a test"):
        restore(archive, data_dir=fresh, database_url=empty_url)
    assert not [path for path in (fresh / "blobs").rglob("*") if path.is_file()]
    assert not (fresh / "secret.key").exists()


def _raise(*_: object) -> None:
    raise BackupError("as a test")


def test_the_commands_say_what_they_did(
    collection: Collection, data_dir: Path, url: str, empty_url: str, fresh: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = tmp_path / "said.tar"
    command.run(["backup", "--to", str(path)], data_dir=data_dir, database_url=url)
    assert "2 uploaded files, the key" in (said := capsys.readouterr().out)
    assert "holds the secret key" in said
    command.run(["restore", str(path)], data_dir=fresh, database_url=empty_url)
    assert "Restored" in capsys.readouterr().out


def test_the_password_is_no_argument(
    collection: Collection, data_dir: Path, url: str, tmp_path: Path, monkeypatch: Any
) -> None:
    commands: list[list[str]] = []
    run: Callable[..., Any] = subprocess.run

    def watch(arguments: list[str], **named: Any) -> Any:
        commands.append(arguments)
        return run(arguments, **named)

    monkeypatch.setattr(subprocess, "run", watch)
    back_up(tmp_path / "backup.tar", data_dir=data_dir, database_url=url)
    assert commands
    assert str(connection.settings_dict["PASSWORD"]) not in repr(commands)


def test_the_key_is_the_one_that_encrypts(archive: Path, data_dir: Path) -> None:
    with open_archive(archive) as opened:
        assert opened.read(KEY).decode() == (data_dir / "secret.key").read_text().strip()
