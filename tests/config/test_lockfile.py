from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from config.lockfile import DataDirBusyError, DataDirLock, is_held

HOLD_FOREVER = """
import sys, time
from pathlib import Path
from config.lockfile import DataDirLock
DataDirLock(Path(sys.argv[1]), holder="make run").acquire()
print("held", flush=True)
time.sleep(600)
"""


def test_a_second_holder_is_told_who_the_first_is(tmp_path: Path) -> None:
    with DataDirLock(tmp_path, holder="make run"):
        with pytest.raises(DataDirBusyError, match=rf"make run \(pid {os.getpid()}\)"):
            DataDirLock(tmp_path, holder="manage.py migrate").acquire(timeout_s=0)
        assert is_held(tmp_path)
    assert not is_held(tmp_path)


def test_a_directory_that_nobody_ever_used_is_free(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "absent")


def test_the_lock_can_be_taken_again(tmp_path: Path) -> None:
    lock = DataDirLock(tmp_path, holder="first")
    lock.acquire()
    lock.release()
    lock.release()
    with DataDirLock(tmp_path, holder="second"):
        assert is_held(tmp_path)


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_FOREVER, tmp_path], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert is_held(tmp_path)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not is_held(tmp_path)
