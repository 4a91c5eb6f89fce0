"""The whole product, backed up while it runs and restored beside itself; and killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.servers import free_port
from tests.benchmarks.fault_operations import check_backup, check_kill, fill
from tests.benchmarks.harness import running_stack

pytestmark = [pytest.mark.product, pytest.mark.timeout(600)]


def test_a_restored_product_gives_the_same_answer_with_the_same_citations(tmp_path: Path) -> None:
    with running_stack() as stack:
        assert check_backup(stack, fill(stack), folder=tmp_path)


def test_the_product_starts_again_after_kill_9(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_PROCESSES", "2")  # uvicorn starts them, not the supervisor
    assert check_kill(tmp_path / "data", port=free_port())
