from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from config import env
from config.lockfile import DataDirLock
from manage import NEEDS_NO_DATABASE, needs_embedded_services
from tests.architecture.source import ROOT


@pytest.fixture(autouse=True)
def no_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["manage.py", "migrate"], True),
        (["manage.py", "create_workspace", "Acme", "--owner", "a@example.com"], True),
        (["manage.py", "shell"], True),
        (["manage.py", "migrate", "--help"], False),
        (["manage.py", "makemigrations"], False),
        (["manage.py", "collectstatic"], False),
        (["manage.py", "--version"], False),
        (["manage.py"], False),
    ],
)
def test_a_command_brings_its_database_if_it_needs_one(arguments: list[str], needed: bool) -> None:
    assert needs_embedded_services(arguments) is needed


def test_a_given_database_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://a@b/c")
    assert not needs_embedded_services(["manage.py", "migrate"])


def test_a_running_server_is_used(tmp_path: Path) -> None:
    with DataDirLock(tmp_path, holder="make run"):
        env.save_runtime(tmp_path, env.Runtime("postgresql://a@b/c", "redis://d", "", 1))
        assert not needs_embedded_services(["manage.py", "migrate"])
    assert needs_embedded_services(["manage.py", "migrate"])


def test_commands_that_need_no_database_exist() -> None:
    from django.core.management import get_commands

    assert set(get_commands()) | {"help", "version"} >= NEEDS_NO_DATABASE


def test_a_command_runs_on_an_empty_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As somebody calls it: it brings PostgreSQL along and takes it away again."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    done = subprocess.run(
        [sys.executable, "manage.py", "inspectdb", "--database", "default"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "auto-generated Django model module" in done.stdout
    assert (tmp_path / "postgres" / "PG_VERSION").exists()
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()
