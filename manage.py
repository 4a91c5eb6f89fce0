#!/usr/bin/env python
"""Django's command line, which brings the database along when none is running.

With DATABASE_URL, or while `make run` serves the same DATA_DIR, commands use that database.
Otherwise the embedded PostgreSQL and Redis are started for the duration of the command.
`backup` and `restore` are ours and run without Django.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack

from config.backup import command as backup
from config.backup.errors import BackupError
from config.embedded import ephemeral_services
from config.env import data_dir, env_str, load_runtime
from config.lockfile import DataDirBusyError
from config.privileges import PrivilegeError
from config.servers import ServerError

NEEDS_NO_DATABASE = frozenset(
    {
        "check",
        "collectstatic",
        "compilemessages",
        "diffsettings",
        "findstatic",
        "help",
        "makemessages",
        "makemigrations",
        "spectacular",
        "startapp",
        "startproject",
        "test",
        "version",
    }
)
WAIT_FOR_OTHER_COMMAND_S = 60.0


def needs_embedded_services(arguments: list[str]) -> bool:
    """Whether the command given by `arguments` (sys.argv) must bring its own database."""
    if len(arguments) < 2 or arguments[1].startswith("-") or "--help" in arguments:
        return False
    if arguments[1] in NEEDS_NO_DATABASE or env_str("DATABASE_URL", ""):
        return False
    return load_runtime(data_dir()) is None


def main(arguments: list[str]) -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # A stop signal must unwind the stack, or the servers would be killed instead of stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ExitStack() as stack:
        if needs_embedded_services(arguments):
            services = stack.enter_context(
                ephemeral_services(
                    data_dir(),
                    holder=f"manage.py {arguments[1]}",
                    wait_s=WAIT_FOR_OTHER_COMMAND_S,
                )
            )
            os.environ["DATABASE_URL"] = services.database_url
            os.environ.setdefault("REDIS_URL", services.redis_url)
        if arguments[1:] and arguments[1] in backup.COMMANDS:
            runtime = load_runtime(data_dir())
            url = env_str("DATABASE_URL", runtime.database_url if runtime else "")
            backup.run(arguments[1:], data_dir=data_dir(), database_url=url)
            return
        from django.core.management import execute_from_command_line

        execute_from_command_line(arguments)


if __name__ == "__main__":
    try:
        main(sys.argv)
    except (BackupError, DataDirBusyError, PrivilegeError, ServerError) as error:
        sys.exit(f"manage.py: {error}")
