"""Which processes the next start takes for its own data directory's, and which it leaves alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.leftovers import RUN_VARIABLE, RunRecord, describe, end_leftovers, record_path

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(SLEEP)
    yield process
    process.kill()
    process.wait()


def test_a_descendant_is_known_by_the_token_of_its_run(data_dir: Path) -> None:
    record = RunRecord(data_dir)
    with subprocess.Popen(SLEEP, env={**os.environ, RUN_VARIABLE: record.token}) as process:
        assert end_leftovers(data_dir) == 1
        assert process.wait(10) == -9


def test_a_child_is_known_by_its_id_start_and_program(
    data_dir: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    RunRecord(data_dir).add("redis", sleeper.pid)
    assert end_leftovers(data_dir) == 1
    assert sleeper.wait(10) == -9


@pytest.mark.parametrize("change", [{"started": 1}, {"program": "/usr/bin/other"}])
def test_an_id_that_was_given_again_is_left_alone(
    data_dir: Path, sleeper: subprocess.Popen[bytes], change: dict[str, object]
) -> None:
    RunRecord(data_dir).add("redis", sleeper.pid)
    path = record_path(data_dir)
    content = json.loads(path.read_text())
    content["children"][0] |= change
    path.write_text(json.dumps(content))
    assert end_leftovers(data_dir) == 0
    assert describe("", sleeper.pid) is not None


def test_the_run_of_another_folder_is_left_alone(
    data_dir: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    RunRecord(data_dir)
    with subprocess.Popen(SLEEP, env={**os.environ, RUN_VARIABLE: "another token"}) as process:
        assert end_leftovers(data_dir) == 0
        assert process.poll() is None
        process.kill()


def test_postgres_is_left_to_its_own_recovery(
    data_dir: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    RunRecord(data_dir).add("postgres", sleeper.pid)
    assert end_leftovers(data_dir) == 0
    assert sleeper.poll() is None


@pytest.mark.parametrize("text", ["", "[]", '{"token": "", "boot": "", "children": []}'])
def test_a_broken_record_ends_nothing(data_dir: Path, text: str) -> None:
    record_path(data_dir).write_text(text)
    assert end_leftovers(data_dir) == 0


def test_a_record_of_before_the_machine_started_ends_nothing(
    data_dir: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    RunRecord(data_dir).add("redis", sleeper.pid)
    path = record_path(data_dir)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"boot": "earlier"}))
    assert end_leftovers(data_dir) == 0
    assert sleeper.poll() is None
