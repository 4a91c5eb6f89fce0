from __future__ import annotations

import pytest

from tests.isolation.house import House, furnish


@pytest.fixture
def victim(db: None) -> House:
    return furnish("acmevictim")


@pytest.fixture
def intruder(db: None) -> House:
    return furnish("intruderco")
