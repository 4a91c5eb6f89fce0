"""A prepared embedder, a stub server and a server that replays recorded bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
import pytest_asyncio

from inference.http_session import close_sessions
from inference.minilm.build import build_model
from inference.minilm.embedder import MiniLMEmbedder
from inference.stub_answers import StubConfig
from inference.stub_server import StubServer

Replay: TypeAlias = Callable[..., Awaitable["ReplayServer"]]


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prepared model, built once for all test processes."""
    folder = tmp_path_factory.getbasetemp().parent / "models"
    build_model(folder)
    return folder


@pytest.fixture(scope="session")
def embedder(models_dir: Path) -> Iterator[MiniLMEmbedder]:
    loaded = MiniLMEmbedder.load(models_dir, workers=2)
    yield loaded
    loaded.close()


@pytest_asyncio.fixture(autouse=True)
async def _closed_sessions() -> AsyncIterator[None]:
    yield
    await close_sessions()


@pytest_asyncio.fixture
async def stub() -> AsyncIterator[StubServer]:
    """A stub server without delays; its ten tokens are the words of the default reply."""
    server = StubServer(StubConfig(first_token_ms=0, token_ms=1, tokens=10))
    await server.start()
    yield server
    await server.stop()


class ReplayServer:
    """Answers each connection's requests with the given raw responses, the last one for ever."""

    def __init__(self, responses: list[bytes], *, cut: bool) -> None:
        self.requests: list[bytes] = []
        self._responses = responses
        self._cut = cut
        self.base_url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                self.requests.append(head + await reader.readexactly(length))
                index = min(len(self.requests), len(self._responses)) - 1
                writer.write(self._responses[index])
                await writer.drain()
                if self._cut:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest_asyncio.fixture
async def replay() -> AsyncIterator[Replay]:
    """Start a replay server: ``await replay(response, ...)``; ``cut`` closes after each."""
    opened: list[asyncio.AbstractServer] = []

    async def start(*responses: bytes, cut: bool = False) -> ReplayServer:
        state = ReplayServer(list(responses), cut=cut)
        server = await asyncio.start_server(state.answer, "127.0.0.1", 0)
        state.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        opened.append(server)
        return state

    yield start
    for server in opened:
        server.close()
