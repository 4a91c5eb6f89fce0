from __future__ import annotations

from typing import Any

import pytest

from apps.core.models import JobKind
from apps.documents.models import Collection
from tests.workers.helpers import make_collection
from workers import wakeups


@pytest.fixture(autouse=True)
def _no_marks() -> None:
    """No wake-up is pending from the test before."""
    for kind in JobKind:
        wakeups.unmark(kind)


@pytest.fixture
def collection(transactional_db: None, workspace: Any) -> Collection:
    return make_collection(workspace)
