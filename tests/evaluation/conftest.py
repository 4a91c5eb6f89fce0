"""A finished experiment on two releases, for the tests of what is read from it."""

from __future__ import annotations

from typing import Any

import pytest

from apps.evaluation.models import Experiment
from tests.evaluation.helpers import (
    current_release,
    make_assistant,
    make_experiment,
    make_version,
    make_worse_release,
)
from tests.workers.helpers import run_all


@pytest.fixture
def finished(transactional_db: None, workspace: Any) -> Experiment:
    """The good release 1 against release 2, which has no documents."""
    assistant = make_assistant(workspace)
    releases = [current_release(assistant), make_worse_release(assistant)]
    made = make_experiment(assistant, make_version(workspace), releases)
    run_all()
    made.refresh_from_db()
    assert made.state == "done"
    return made
