from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from apps.chat import live
from inference.stub_server import StubConfig, StubServer, serve_in_thread
from tests.chat.helpers import HANDBOOK
from tests.factories import make_answering_assistant


@pytest.fixture(autouse=True)
def nobody_else_answers() -> None:
    """Answers that other tests began over REST died with their event loop, and are not told so."""
    for answer_id, answer in list(live._live.items()):
        if answer.task is None or answer.task.get_loop().is_closed():
            del live._live[answer_id]


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with serve_in_thread(StubConfig(first_token_ms=2, token_ms=1, tokens=None)) as server:
        yield server


@pytest.fixture
def desk(workspace: Any, stub: StubServer) -> Any:
    """An assistant over the handbook that asks the stub."""
    return make_answering_assistant(workspace, {"leave.md": HANDBOOK}, stub=stub)


@pytest.fixture
def reader_desk(workspace: Any) -> Any:
    """An assistant over the handbook that answers without a model."""
    return make_answering_assistant(workspace, {"leave.md": HANDBOOK})
