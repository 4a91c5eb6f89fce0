from __future__ import annotations

import pytest

from tests.isolation.house import House, furnish


@pytest.fixture
def house(db: None) -> House:
    return furnish("contracthouse")
