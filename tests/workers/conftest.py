from __future__ import annotations

from typing import Any

import pytest

from apps.documents.models import Collection
from tests.workers.helpers import make_collection


@pytest.fixture
def collection(transactional_db: None, workspace: Any) -> Collection:
    return make_collection(workspace)
