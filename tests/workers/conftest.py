from __future__ import annotations

from typing import Any

import pytest

from apps.core.models import JobKind
from apps.documents.models import Collection
from tests.workers.helpers import make_collection
from workers import wakeups
from workers.pipelines import ingest_plain


@pytest.fixture(autouse=True)
def _no_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    """No wake-up is pending from the test before, and nobody waits for more jobs."""
    monkeypatch.setattr(ingest_plain, "GATHER_S", 0.0)
    for kind in JobKind:
        wakeups.unmark(kind)


@pytest.fixture
def collection(transactional_db: None, workspace: Any) -> Collection:
    return make_collection(workspace)
