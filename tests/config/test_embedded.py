"""The real servers, in a directory of their own: what a crash leaves behind must not matter."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config import postgres
from config.embedded import start_services
from config.lockfile import DataDirBusyError, is_held
from config.postgres import (
    EmbeddedPostgres,
    make_private_dir,
    memory_of_machine,
    memory_settings,
    processes_in,
    socket_dir_for,
)
from config.servers import ServerError, wait_until

START_AND_SLEEP = """
import sys, time
from pathlib import Path
from config.embedded import start_services
services = start_services(Path(sys.argv[1]), fsync=False, holder="a test")
print(services.running[1][1].pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster that the tests of this module start one after another; made once."""
    # Long, and closed to others: neither may keep the server from starting.
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    return closed / ("long-" * 30)


def start_in_child(data_dir: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", START_AND_SLEEP, data_dir], stdout=subprocess.PIPE
    )


def test_both_serve_and_stop(data_dir: Path) -> None:
    services = start_services(data_dir, fsync=False)
    try:
        with psycopg.connect(services.database_url) as connection:
            row = connection.execute(
                "SELECT current_user, lower('ÄÉ'), '[1,2]'::vector <-> '[1,5]'::vector,"
                " current_setting('is_superuser'), current_setting('listen_addresses')"
            ).fetchone()
        assert row == ("plumbline", "äé", 3.0, "off", "")
        client = redis.Redis.from_url(services.redis_url)
        assert client.ping()
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    finally:
        services.stop()
    assert not is_held(data_dir)
    assert processes_in(data_dir / "postgres") == []
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(services.database_url)


def test_only_the_password_lets_one_in(data_dir: Path) -> None:
    services = start_services(data_dir, fsync=False)
    try:
        folder = EmbeddedPostgres(data_dir).socket_dir
        for user, password in (("plumbline", "wrong"), ("postgres", ""), ("postgres", "postgres")):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(host=str(folder), user=user, password=password, dbname="plumbline")
        port = int(services.redis_url.rsplit(":", 1)[1].split("/")[0])
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=port, retry=Retry(NoBackoff(), 0)).ping()
    finally:
        services.stop()


def test_a_new_database_has_vectors(data_dir: Path) -> None:
    """Test runners make databases of their own, as a role that may not add extensions."""
    services = start_services(data_dir, fsync=False)
    try:
        with psycopg.connect(services.database_url, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS another")
            connection.execute("CREATE DATABASE another")
        with psycopg.connect(services.database_url, dbname="another") as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            connection.execute("CREATE TABLE points (at vector(3))")
    finally:
        services.stop()


def test_two_cannot_run_on_one_directory(data_dir: Path) -> None:
    services = start_services(data_dir, fsync=False, holder="make run")
    try:
        with pytest.raises(DataDirBusyError, match="make run"):
            start_services(data_dir, fsync=False, wait_s=0)
    finally:
        services.stop()


def test_a_killed_server_loses_nothing_committed(data_dir: Path) -> None:
    services = start_services(data_dir)
    with psycopg.connect(services.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000)")
    for _, process in services.running:
        process.send_signal(signal.SIGKILL)
        process.wait()
    services.stop()
    again = start_services(data_dir)
    try:
        with psycopg.connect(again.database_url) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
    finally:
        again.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
def test_the_servers_die_with_whoever_started_them(data_dir: Path) -> None:
    with start_in_child(data_dir) as parent:
        assert parent.stdout is not None
        redis_pid = int(parent.stdout.readline())
        assert processes_in(data_dir / "postgres")
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert wait_until(lambda: not processes_in(data_dir / "postgres"), timeout_s=20)
    assert wait_until(lambda: not is_alive(redis_pid), timeout_s=20)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes through /proc")
def test_a_server_that_outlived_its_supervisor_is_ended(data_dir: Path) -> None:
    services = start_services(data_dir, fsync=False)
    _, orphan = services.running[0]
    services.lock.release()  # as if the supervisor had died and the server had not
    again = start_services(data_dir, fsync=False)
    try:
        assert orphan.wait(5) is not None
        with psycopg.connect(again.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        again.stop()
        services.stop()


def test_a_reused_process_id_does_not_keep_it_from_starting(data_dir: Path) -> None:
    start_services(data_dir, fsync=False).stop()
    (data_dir / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{data_dir}\n")
    start_services(data_dir, fsync=False).stop()


def test_a_cluster_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(ServerError, match="made by PostgreSQL 16"):
        EmbeddedPostgres(tmp_path).prepare()


def test_a_crash_while_the_cluster_is_made_leaves_no_half_cluster(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: EmbeddedPostgres, _pgdata: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(EmbeddedPostgres, "_bootstrap", fail)
        with pytest.raises(KeyboardInterrupt):
            start_services(tmp_path, fsync=False)
    assert not (tmp_path / "postgres").exists()
    assert not is_held(tmp_path)
    start_services(tmp_path, fsync=False).stop()


def test_a_server_that_does_not_start_says_why(data_dir: Path) -> None:
    start_services(data_dir, fsync=False).stop()
    own = data_dir / "postgres" / "postgresql.conf"
    text = own.read_text()
    own.write_text(text + "\nshared_buffers = 'plenty'\n")
    try:
        with pytest.raises(ServerError, match="shared_buffers"):
            start_services(data_dir, fsync=False)
    finally:
        own.write_text(text)


def test_the_socket_path_is_short_and_differs_by_directory(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 200)
    folder = socket_dir_for(long, uid=1)
    assert len(str(folder / ".s.PGSQL.5432")) <= 107
    assert folder != socket_dir_for(tmp_path, uid=1)


def test_somebody_elses_socket_folder_is_refused(tmp_path: Path) -> None:
    planted = tmp_path / "socket"
    planted.symlink_to(tmp_path)
    with pytest.raises(ServerError, match="remove it"):
        make_private_dir(planted, uid=os.geteuid())
    mine = tmp_path / "mine"
    make_private_dir(mine, uid=os.geteuid())
    make_private_dir(mine, uid=os.geteuid())
    assert stat.S_IMODE(mine.stat().st_mode) == 0o700


def is_alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie that its new parent has yet to collect."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("memory_mb", "buffers", "cache"),
    [(512, "96MB", "512MB"), (8_192, "682MB", "2048MB"), (262_144, "2048MB", "65536MB")],
)
def test_buffers_grow_with_the_machine_within_limits(
    memory_mb: int, buffers: str, cache: str
) -> None:
    assert memory_settings(memory_mb) == {"shared_buffers": buffers, "effective_cache_size": cache}


def test_a_container_s_limit_counts_instead_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(postgres, "MEMORY_LIMIT_FILE", limit)
    whole = memory_of_machine()
    limit.write_text("max\n")
    assert memory_of_machine() == whole > 128
    limit.write_text(f"{64 * 2**20}\n")
    assert memory_of_machine() == 64
