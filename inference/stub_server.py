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
import itertools
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

DEFAULT_REPLY = (
    "According to the documents the answer is given in the first passage [1] and the second "
    "passage confirms it with further detail [2]."
)
MODEL_NAME = "stub"
TICK_SECONDS = 0.002
_DIRECTIVE = re.compile(r"\[\[stub:(\w+)\]\]")
_REPLY = re.compile(r"\[\[reply:(.*?)\]\]", re.DOTALL)
_TOKEN = re.compile(r"\s*\S+")
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)

_TOO_LONG = "This model's maximum context length is 1024 tokens, your prompt has at least 1025."
_REFUSALS: dict[str, tuple[int, object]] = {
    "error": (500, {"error": {"message": "EngineCore encountered an issue.", "code": 500}}),
    "overloaded": (503, {"error": {"message": "The engine is currently busy.", "code": 503}}),
    "rate_limited": (429, {"error": {"message": "Too many requests.", "code": 429}}),
    "auth": (401, {"error": "Unauthorized"}),
    "not_found": (404, {"error": {"message": "The model does not exist.", "code": 404}}),
    "too_long": (400, {"error": {"message": _TOO_LONG, "param": "input_tokens", "code": 400}}),
    "redirect": (302, {}),
}
_EXTRA_HEADERS = {
    "rate_limited": b"Retry-After: 30\r\n",
    "redirect": b"Location: http://127.0.0.1:1/\r\n",
}
_REASONS = {200: b"OK", 302: b"Found"}


@dataclass(frozen=True, slots=True)
class StubConfig:
    """Timing in milliseconds, tokens per answer, and what happens by default."""

    first_token_ms: float = 50.0
    token_ms: float = 20.0
    tokens: int = 64
    reply: str = DEFAULT_REPLY
    fail: str | None = None


@dataclass(slots=True)
class StubStats:
    """Counters since the start."""

    requests: int = 0
    finished: int = 0
    disconnected: int = 0
    open_streams: int = 0
    most_open: int = 0
    tokens: int = 0


def _frame(data: bytes) -> bytes:
    """Wrap bytes as one piece of a chunked HTTP body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(payload: object) -> bytes:
    return b"data: " + orjson.dumps(payload) + b"\n\n"


def _chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _event(
        {
            "id": "chatcmpl-stub",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": MODEL_NAME,
            "choices": [choice],
        }
    )


def split_tokens(text: str, *, count: int | None) -> list[str]:
    """Cut a text into ``count`` pieces that join to it, repeating it when it is too short."""
    words = _TOKEN.findall(text) or [""]
    if count is None:
        return words
    repeated = itertools.chain(words, itertools.cycle([" " + word.lstrip() for word in words]))
    return list(itertools.islice(repeated, count))


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


@dataclass(slots=True)
class _Request:
    """What matters of a chat request."""

    stream: bool
    usage: bool
    behaviour: str
    tokens: list[str]
    input_tokens: int


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
        self._keep_requests = 50

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
        self._connections.add(connection)

    def detach(self, connection: _StubProtocol) -> None:
        """Forget a closed connection."""
        self._connections.discard(connection)

    def interpret(self, body: dict[str, Any]) -> _Request:
        """Decide how to answer a chat request."""
        self.stats.requests += 1
        self.seen = [*self.seen[-self._keep_requests :], body]
        messages = [str(m.get("content") or "") for m in body.get("messages") or [{}]]
        directive = _DIRECTIVE.search(messages[-1])
        model = str(body.get("model") or "")
        behaviour = directive[1] if directive else model.removeprefix(f"{MODEL_NAME}-")
        known = behaviour if directive or model.startswith(f"{MODEL_NAME}-") else None
        reply = _REPLY.search(messages[-1])
        options = body.get("stream_options") or {}
        return _Request(
            stream=bool(body.get("stream")),
            usage=bool(options.get("include_usage")) and known != "no_usage",
            behaviour=self._settle(known or self.config.fail or ""),
            tokens=self._pick_tokens(reply[1] if reply else None, body),
            input_tokens=sum(len(text.split()) for text in messages),
        )

    def _settle(self, behaviour: str) -> str:
        if behaviour == "overloaded_once":
            return "overloaded" if self.stats.requests % 2 else ""
        return behaviour

    def _pick_tokens(self, reply: str | None, body: dict[str, Any]) -> list[str]:
        limit = body.get("max_tokens") or body.get("max_completion_tokens")
        if reply is not None:
            tokens = split_tokens(reply, count=None)
        else:
            tokens = split_tokens(self.config.reply, count=self.config.tokens)
        return tokens[:limit] if isinstance(limit, int) else tokens

    def render(self, tokens: list[str]) -> list[bytes]:
        """Return the frames of an answer's tokens, the role chunk joined to the first."""
        key = tuple(tokens)
        frames = self._frames.get(key)
        if frames is None:
            frames = [_frame(_chunk({"content": token})) for token in tokens]
            frames[0] = _frame(_chunk({"role": "assistant", "content": ""})) + frames[0]
            if len(self._frames) < 100:
                self._frames[key] = frames
        return frames


class _StubProtocol(asyncio.Protocol):
    """Just enough HTTP/1.1: one request at a time, keep-alive, bodies with a length."""

    def __init__(self, server: StubServer) -> None:
        self.server = server
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._stream: _Stream | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - narrows the type
        self._transport = transport
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

    def _answer_chat(self, request: _Request) -> None:
        behaviour = request.behaviour
        if behaviour == "hang":
            return
        if behaviour in _REFUSALS:
            status, payload = _REFUSALS[behaviour]
            self._respond(status, payload, headers=_EXTRA_HEADERS.get(behaviour, b""))
        elif behaviour == "garbage":
            self._respond(200, None, body=b"<html>hello</html>", kind=b"text/html")
        elif request.stream:
            self._start_stream(request)
        else:
            delay = self.server.config.first_token_ms / 1000
            asyncio.get_running_loop().call_later(delay, self._respond, 200, _completion(request))

    def _start_stream(self, request: _Request) -> None:
        config, stats = self.server.config, self.server.stats
        frames, ending = _plan_frames(request, self.server.render(request.tokens))
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


def _usage(request: _Request) -> dict[str, int]:
    written = len(request.tokens)
    return {
        "prompt_tokens": request.input_tokens,
        "completion_tokens": written,
        "total_tokens": request.input_tokens + written,
    }


def _completion(request: _Request) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(request.tokens)}
    return {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL_NAME,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": _usage(request),
    }


def _plan_frames(request: _Request, tokens: list[bytes]) -> tuple[list[bytes], str]:
    """Return the frames to send, one per token interval, and how the stream ends."""
    half = tokens[: max(1, len(tokens) // 2)]
    done = _frame(b"data: [DONE]\n\n") + b"0\r\n\r\n"
    if request.behaviour == "mid_stream":
        return half, "close"
    if request.behaviour == "stall":
        return half, "stall"
    if request.behaviour == "event_error":
        return [*half, _frame(_event(_REFUSALS["error"][1])) + done], "finish"
    if request.behaviour == "first_error":
        return [_frame(_event(_REFUSALS["overloaded"][1])) + done], "finish"
    end = _frame(_chunk({}, "stop"))
    if request.usage:
        end += _frame(_event({"id": "chatcmpl-stub", "choices": [], "usage": _usage(request)}))
    frames = [*tokens[:-1], tokens[-1] + end + done]
    if request.behaviour == "reasoning":
        frames = [_frame(_chunk({"reasoning": word})) for word in ("Let ", "me see.")] + frames
    return frames, "finish"


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
