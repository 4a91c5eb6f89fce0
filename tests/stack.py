"""The real embedded PostgreSQL and Redis under the tests, started once and thrown away.

A plugin (see `addopts`) and not part of conftest.py, because Django reads its settings before
any conftest runs. xdist's workers inherit the addresses; each makes a database of its own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from config.embedded import Services, start_services

_running: list[tuple[Services, Path]] = []


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    if os.environ.get("PLUMBLINE_TEST_STACK"):
        return
    data_dir = Path(tempfile.mkdtemp(prefix="plumbline-test-"))
    services = start_services(data_dir, fsync=False, holder="the tests")
    _running.append((services, data_dir))
    os.environ.update(
        PLUMBLINE_TEST_STACK="1",
        DATA_DIR=str(data_dir),
        DATABASE_URL=services.database_url,
        REDIS_URL=services.redis_url,
        EMBEDDER="hash",
        RATE_LIMIT_REFUSED="0",  # every test comes from one address
        LOG_LEVEL="ERROR",
    )


def pytest_unconfigure() -> None:
    while _running:
        services, data_dir = _running.pop()
        services.stop()
        shutil.rmtree(data_dir, ignore_errors=True)
