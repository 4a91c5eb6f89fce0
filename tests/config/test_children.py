from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from config import processes
from config.children import Children, Stopped
from config.processes import LogSink, Service, describe_exit, spawner
from config.servers import ServerError


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    made = Children(log_dir=tmp_path)
    yield made
    made.stop(list(made.services), timeout_s=0)
    made.close()


def python(code: str, name: str = "program") -> Service:
    return Service(name, python_spawner(code))


def python_spawner(code: str) -> processes.Spawn:
    return spawner([sys.executable, "-c", code], env=dict(os.environ), cwd=Path.cwd())


def turn_until_logged(children: Children, name: str, text: str) -> str:
    """Turn the loop until the log of `name` holds `text`; 20 s are a hung child."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        children.turn(timeout_s=0.05)
        content = children.log_of(name).read_text()
        if text in content:
            return content
    raise AssertionError(f"{text!r} is not in the log of {name}: {content!r}")


SERVE = "import os, time; print('up', os.getpid(), flush=True); time.sleep(600)"


def test_output_goes_to_the_log_and_the_terminal(
    children: Children, capsys: pytest.CaptureFixture[str]
) -> None:
    children.add(python("import time; print('hello'); print('there', flush=True); time.sleep(99)"))
    turn_until_logged(children, "program", "hello\nthere\n")
    assert "program   | hello\n" in capsys.readouterr().out


def test_a_child_that_was_killed_starts_again(
    children: Children, capsys: pytest.CaptureFixture[str]
) -> None:
    children.add(python(SERVE))
    first = children.services["program"].process
    assert first is not None
    turn_until_logged(children, "program", f"up {first.pid}")
    first.kill()
    first.wait()
    children.turn(timeout_s=0)
    children.services["program"].due_at = 0
    children.turn(timeout_s=0)
    second = children.services["program"].process
    assert second is not None
    assert second.pid != first.pid
    turn_until_logged(children, "program", f"up {second.pid}")
    assert "program ended (SIGKILL)" in capsys.readouterr().out


def test_what_a_killed_child_had_forked_is_ended_too(children: Children) -> None:
    children.add(
        python(
            "import os, time\npid = os.fork()\n"
            "if pid: print('child', pid, flush=True)\ntime.sleep(600)"
        )
    )
    log = turn_until_logged(children, "program", "\n")
    grandchild = int(log.split()[1])
    parent = children.services["program"].process
    assert parent is not None
    parent.kill()
    parent.wait()
    children.turn(timeout_s=0)
    deadline = time.monotonic() + 20
    while is_alive(grandchild):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_pause_doubles_with_every_early_death_and_ends_after_a_steady_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    service = Service("program", lambda _output: subprocess.Popen([sys.executable, "-c", ""]))
    pauses = []
    for lived in (0, 0, 0, 0, 0, 0, 0, 31):
        process = service.start(output=-1)
        process.wait()
        clock[0] += lived
        assert service.reap() == 0
        pauses.append(round(service.due_at - clock[0], 3))
        clock[0] = service.due_at
    assert pauses == [0.3, 0.6, 1.2, 2.4, 4.8, 9.6, 15.0, 0.3]


def test_a_service_that_cannot_even_be_spawned_is_tried_again(
    children: Children, capsys: pytest.CaptureFixture[str]
) -> None:
    attempts = []

    def spawn(output: int) -> subprocess.Popen[bytes]:
        attempts.append(output)
        if len(attempts) == 2:
            raise ServerError("the disk is full")
        return python_spawner("")(output)

    children.add(Service("program", spawn))
    first = children.services["program"].process
    assert first is not None
    first.wait()
    children.turn(timeout_s=0)
    for _ in range(2):
        children.services["program"].due_at = 0
        children.turn(timeout_s=0)
    assert len(attempts) == 3
    assert "program does not start: the disk is full" in capsys.readouterr().out


def test_a_stop_asks_first_and_forces_later(
    children: Children, capsys: pytest.CaptureFixture[str]
) -> None:
    children.add(python(SERVE, "polite"))
    children.add(
        python(
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "print('deaf', flush=True); time.sleep(600)",
            "deaf",
        )
    )
    turn_until_logged(children, "polite", "up")
    turn_until_logged(children, "deaf", "deaf")
    stubborn = children.services["deaf"].process
    children.stop(["polite", "deaf"], timeout_s=1)
    assert children.services["polite"].process is None
    assert stubborn is not None
    assert stubborn.returncode == -signal.SIGKILL
    assert "deaf does not stop; killing it" in capsys.readouterr().out


def test_a_command_runs_to_its_end(children: Children) -> None:
    assert children.run_once("setup", python_spawner("print('done'); raise SystemExit(3)")) == 3
    assert children.log_of("setup").read_text() == "done\n"


def test_a_stop_signal_ends_a_command(children: Children) -> None:
    children.stopping = True
    with pytest.raises(Stopped):
        children.run_once("setup", python_spawner("import time; time.sleep(600)"))


def test_a_log_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "MAX_LOG_BYTES", 100)
    sink = LogSink("web", path=tmp_path / "web.log", echo=False)
    for number in range(50):
        sink.write(f"line {number:04}\n".encode())
    sink.close()
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {"web.log", "web.log.1"}
    assert max(sizes.values()) <= 110
    assert (tmp_path / "web.log").read_text().endswith("line 0049\n")


def test_a_line_in_pieces_is_written_whole(tmp_path: Path) -> None:
    sink = LogSink("web", path=tmp_path / "web.log", echo=False)
    sink.write(b"one ")
    assert (tmp_path / "web.log").read_bytes() == b""
    sink.write(b"line\nand a rest")
    assert (tmp_path / "web.log").read_bytes() == b"one line\n"
    sink.close()
    assert (tmp_path / "web.log").read_bytes() == b"one line\nand a rest\n"


def test_an_endless_line_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "MAX_LINE_BYTES", 10)
    sink = LogSink("web", path=tmp_path / "web.log", echo=False)
    sink.write(b"x" * 11)
    assert (tmp_path / "web.log").read_bytes() == b"x" * 11 + b"\n"
    sink.close()


def test_exit_statuses_in_words() -> None:
    assert describe_exit(1) == "exit status 1"
    assert describe_exit(-9) == "SIGKILL"


def is_alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_a_full_disk_does_not_end_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sink = LogSink("web", path=tmp_path / "logs" / "web.log", echo=True)
    sink.write(b"one\ntwo\n")  # its folder is missing: no file can be opened
    (tmp_path / "logs").mkdir()
    sink.write(b"three\n")
    sink.close()
    assert (tmp_path / "logs" / "web.log").read_text() == (
        "(2 lines are missing: they could not be written)\nthree\n"
    )
    shown = capsys.readouterr().out
    assert shown.count("the log of web cannot be written: No such file or directory") == 1
    assert "web       | two" in shown


def test_a_line_that_fits_only_in_part_is_left_out(small_disk: Path) -> None:
    sink = LogSink("web", path=small_disk / "web.log", echo=False)
    sink.write(b"first\n")
    filler = small_disk / "filler"
    fill(filler)
    sink.write(b"lost " * 2000 + b"\n")
    filler.unlink()
    sink.write(b"last\n")
    sink.close()
    assert (small_disk / "web.log").read_text() == (
        "first\n(1 lines are missing: they could not be written)\nlast\n"
    )


def fill(path: Path) -> None:
    """Take all the space there is."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 4096):
            pass
