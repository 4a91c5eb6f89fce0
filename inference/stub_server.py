"""A stub model server: the OpenAI wire format with exact timing and failures on demand.

    python -m inference.stub_server --port 8001 --first-token-ms 50 --token-ms 20 --tokens 64

For benchmarks and tests. It serves ``POST /v1/chat/completions`` (streamed and whole),
``GET /v1/models``, ``GET /health`` and ``GET /stats`` (counters as JSON), and costs so little that
it can share two cores with what it measures.

The default reply cites "[1]" and "[2]". A request can choose a behaviour of its own, either by its
model name, ``stub-NAME``, or by ``[[stub:NAME]]`` anywhere in its last message; a text of its own
with ``[[reply:TEXT]]``. The behaviours:

``mid_stream``    closes the connection after half of the tokens
``stall``         falls silent after half of the tokens and keeps the connection
``event_error``   sends an error event after half of the tokens
``first_error``   answers 200 with an "overloaded" error as the first event
``error``         answers 500
``overloaded``    answers 503 to every request
``overloaded_once``  answers 503 to every second request, the first included
``rate_limited``  answers 429 with ``Retry-After: 30``
``auth``          answers 401 with a bare string
``not_found``     answers 404
``too_long``      answers 400 with the context-length message
``redirect``      answers 302 to a private address
``garbage``       answers 200 with HTML
``hang``          never answers
``slow``          takes ten times as long for every token
``no_usage``      leaves out the usage chunk even when asked for it
``reasoning``     thinks aloud in ``reasoning`` fields before it answers
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from inference.stub_answers import (
    DEFAULT_REPLY,
    EXTRA_HEADERS,
    MODEL_NAME,
    REFUSALS,
    StubConfig,
    StubRequest,
    interpret_request,
    make_completion,
    plan_frames,
    render_tokens,
)

__all__ = ["DEFAULT_REPLY", "StubConfig", "StubServer", "StubStats", "serve_in_thread"]

TICK_SECONDS = 0.002
KEPT_REQUESTS = 50
KEPT_REPLIES = 100
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)

_REASONS = {200: b"OK", 302: b"Found"}


@dataclass(slots=True)
class StubStats:
    """Counters since the start."""

    connections: int = 0
    requests: int = 0
    finished: int = 0
    disconnected: int = 0
    open_streams: int = 0
    most_open: int = 0
    tokens: int = 0


class _Ticker:
    """One timer for all streams: what is due within the same tick is written together."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: dict[int, list[_Stream]] = {}

    def schedule(self, stream: _Stream, when: float) -> None:
        """Call ``stream.advance`` at loop time ``when``, at most one tick late."""
        tick = int(when / TICK_SECONDS) + 1
        waiting = self._due.get(tick)
        if waiting is None:
            self._due[tick] = waiting = []
            self._loop.call_at(tick * TICK_SECONDS, self._fire, tick)
        waiting.append(stream)

    def _fire(self, tick: int) -> None:
        for stream in self._due.pop(tick):
            stream.advance()


@dataclass(slots=True)
class _Stream:
    """A streamed answer on its way: a list of frames and when the next is due."""

    protocol: _StubProtocol
    frames: list[bytes]
    interval: float
    due: float
    ending: str  # "finish", "close" or "stall"
    position: int = 0
    closed: bool = False

    def advance(self) -> None:
        """Write the next frame and plan the one after it."""
        if self.closed:
            return
        last = self.position == len(self.frames) - 1
        self.protocol.write(self.frames[self.position])
        self.position += 1
        self.protocol.server.stats.tokens += 1
        if not last:
            self.due += self.interval
            self.protocol.server.ticker.schedule(self, self.due)
        elif self.ending != "stall":
            self.protocol.end_stream(self, close=self.ending == "close")


class StubServer:
    """The server itself; use ``start`` and ``stop``, or ``serve_in_thread`` from plain code."""

    def __init__(self, config: StubConfig | None = None) -> None:
        self.config = config or StubConfig()
        self.stats = StubStats()
        self.seen: list[dict[str, Any]] = []
        self.port = 0
        self.ticker: _Ticker
        self._server: asyncio.Server | None = None
        self._connections: set[_StubProtocol] = set()
        self._frames: dict[tuple[str, ...], list[bytes]] = {}

    @property
    def base_url(self) -> str:
        """The address that a client is given."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def start(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 picks a free one, found in ``port`` afterwards."""
        loop = asyncio.get_running_loop()
        self.ticker = _Ticker(loop)
        self._server = await loop.create_server(
            lambda: _StubProtocol(self), host, port, backlog=2048
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.abort()
        if self._server is not None:
            await self._server.wait_closed()

    def attach(self, connection: _StubProtocol) -> None:
        """Remember an open connection."""
        self.stats.connections += 1
        self._connections.add(connection)

    def detach(self, connection: _StubProtocol) -> None:
        """Forget a closed connection."""
        self._connections.discard(connection)

    def interpret(self, body: dict[str, Any]) -> StubRequest:
        """Note a chat request and decide how to answer it."""
        self.stats.requests += 1
        self.seen = [*self.seen[-KEPT_REQUESTS:], body]
        return interpret_request(body, config=self.config, number=self.stats.requests)

    def render(self, tokens: list[str]) -> list[bytes]:
        """Return the frames of an answer's tokens, from memory where it can."""
        key = tuple(tokens)
        if key not in self._frames:
            if len(self._frames) >= KEPT_REPLIES:
                self._frames.clear()
            self._frames[key] = render_tokens(tokens)
        return self._frames[key]


class _StubProtocol(asyncio.Protocol):
    """Just enough HTTP/1.1: one request at a time, keep-alive, bodies with a length."""

    def __init__(self, server: StubServer) -> None:
        self.server = server
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._stream: _Stream | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.server.attach(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.detach(self)
        self._transport = None
        if self._stream is not None and not self._stream.closed:
            self._stream.closed = True
            self.server.stats.open_streams -= 1
            self.server.stats.disconnected += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        if len(rest) < size:
            return
        self._buffer = rest[size:]
        method, path, _ = head.split(b" ", 2)
        self._answer(method, path, rest[:size])

    def write(self, data: bytes) -> None:
        """Send bytes unless the client has gone."""
        if self._transport is not None:
            self._transport.write(data)

    def abort(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    def end_stream(self, stream: _Stream, *, close: bool) -> None:
        """Count a stream as over; ``close`` drops the connection in the middle of the body."""
        stream.closed = True
        self._stream = None
        self.server.stats.open_streams -= 1
        if close:
            if self._transport is not None:
                self._transport.close()
        else:
            self.server.stats.finished += 1

    def _answer(self, method: bytes, path: bytes, body: bytes) -> None:
        if method == b"GET":
            self._answer_get(path)
            return
        if path != b"/v1/chat/completions":
            self._respond(404, {"detail": "Not Found"})
            return
        try:
            request = self.server.interpret(orjson.loads(body))
        except orjson.JSONDecodeError:
            self._respond(400, {"error": {"message": "The body is not JSON.", "code": 400}})
            return
        self._answer_chat(request)

    def _answer_get(self, path: bytes) -> None:
        if path == b"/v1/models":
            model = {"id": MODEL_NAME, "object": "model", "created": 0, "owned_by": "stub"}
            self._respond(200, {"object": "list", "data": [model]})
        elif path == b"/stats":
            self._respond(200, self.server.stats)
        elif path == b"/health":
            self._respond(200, {})
        else:
            self._respond(404, {"detail": "Not Found"})

    def _answer_chat(self, request: StubRequest) -> None:
        behaviour = request.behaviour
        if behaviour == "hang":
            return
        if behaviour in REFUSALS:
            status, payload = REFUSALS[behaviour]
            self._respond(status, payload, headers=EXTRA_HEADERS.get(behaviour, b""))
        elif behaviour == "garbage":
            self._respond(200, None, body=b"<html>hello</html>", kind=b"text/html")
        elif request.stream:
            self._start_stream(request)
        else:
            delay = self.server.config.first_token_ms / 1000
            asyncio.get_running_loop().call_later(
                delay, self._respond, 200, make_completion(request)
            )

    def _start_stream(self, request: StubRequest) -> None:
        config, stats = self.server.config, self.server.stats
        frames, ending = plan_frames(request, self.server.render(request.tokens))
        slowness = 10 if request.behaviour == "slow" else 1
        now = asyncio.get_running_loop().time()
        stats.open_streams += 1
        stats.most_open = max(stats.most_open, stats.open_streams)
        self._stream = _Stream(
            self,
            frames,
            interval=config.token_ms * slowness / 1000,
            due=now + config.first_token_ms / 1000,
            ending=ending,
        )
        self.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        self.server.ticker.schedule(self._stream, self._stream.due)

    def _respond(
        self,
        status: int,
        payload: object,
        *,
        body: bytes | None = None,
        kind: bytes = b"application/json",
        headers: bytes = b"",
    ) -> None:
        body = orjson.dumps(payload) if body is None else body
        self.write(
            b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n%b"
            % (status, _REASONS.get(status, b"Error"), kind, len(body), headers, body)
        )


@dataclass(slots=True)
class _ThreadState:
    ready: threading.Event = field(default_factory=threading.Event)
    loop: asyncio.AbstractEventLoop | None = None
    stop: asyncio.Event | None = None


@contextlib.contextmanager
def serve_in_thread(config: StubConfig | None = None) -> Iterator[StubServer]:
    """Run a stub server in a thread of its own for the length of a ``with`` block."""
    server = StubServer(config)
    state = _ThreadState()

    async def serve() -> None:
        state.loop, state.stop = asyncio.get_running_loop(), asyncio.Event()
        await server.start()
        state.ready.set()
        await state.stop.wait()
        await server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="stub-server", daemon=True)
    thread.start()
    if not state.ready.wait(10) or state.loop is None or state.stop is None:
        raise RuntimeError("the stub server did not start")
    try:
        yield server
    finally:
        state.loop.call_soon_threadsafe(state.stop.set)
        thread.join(10)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line until it is interrupted."""
    parser = argparse.ArgumentParser(description="Stub OpenAI-compatible model server.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--first-token-ms", type=float, default=50.0)
    parser.add_argument("--token-ms", type=float, default=20.0)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--reply", default=DEFAULT_REPLY)
    parser.add_argument("--fail", help="behaviour of every request, see the module's text")
    options = parser.parse_args(arguments)
    server = StubServer(
        StubConfig(
            first_token_ms=options.first_token_ms,
            token_ms=options.token_ms,
            tokens=options.tokens,
            reply=options.reply,
            fail=options.fail,
        )
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve_forever(server, options.host, options.port))


async def _serve_forever(server: StubServer, host: str, port: int) -> None:
    await server.start(host=host, port=port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()
