"""An open-loop load of streaming chat requests, light enough to share a small machine.

Arrivals are a Poisson process with a fixed seed and do not wait for answers, as people do not.
Times run from the moment a request was due, so that a stalled generator cannot hide a queue.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

CONTENT = b'"content":"'
EMPTY = b'"content":""'
DONE = b"data: [DONE]"
LIMIT_S = 180.0


@dataclass(slots=True)
class Outcome:
    """One request: seconds from its due time; `tokens` counts pieces of content."""

    due: float
    first: float | None = None
    end: float | None = None
    tokens: int = 0
    error: str = ""

    @property
    def whole(self) -> bool:
        return self.end is not None and not self.error


class StreamReader(asyncio.Protocol):
    """Sends one request and counts what comes back, without parsing more than it must."""

    def __init__(self, request: bytes, outcome: Outcome, ended: asyncio.Future[None]) -> None:
        self.request = request
        self.outcome = outcome
        self.ended = ended
        self.tail = b""
        self.is_started = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(self.request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        outcome = self.outcome
        if not self.is_started:
            self.is_started = True
            if b" 200 " not in data[:20]:
                outcome.error = data[:300].decode(errors="replace")
        tokens = data.count(CONTENT) - data.count(EMPTY)
        if tokens > 0:
            outcome.tokens += tokens
            if outcome.first is None:
                outcome.first = time.perf_counter() - outcome.due
        joined = self.tail + data
        if DONE in joined:
            outcome.end = time.perf_counter() - outcome.due
            if b'"error":{' in joined:
                outcome.error = "error event"
            self.finish()
        self.tail = joined[-256:]

    def connection_lost(self, error: Exception | None) -> None:
        if self.outcome.end is None and not self.outcome.error:
            self.outcome.error = f"connection lost: {error!r}"
        self.finish()

    def finish(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
            self.transport.close()


@dataclass(frozen=True, slots=True)
class Target:
    """Where to ask, as which model, with which key."""

    port: int
    model: str
    key: str

    def request(self, question: str) -> bytes:
        body = orjson.dumps(
            {
                "model": self.model,
                "stream": True,
                "messages": [{"role": "user", "content": question}],
            }
        )
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Authorization: Bearer {self.key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + body


async def ask(target: Target, question: str, *, due: float) -> Outcome:
    """One request on a connection of its own."""
    loop = asyncio.get_running_loop()
    outcome = Outcome(due)
    ended: asyncio.Future[None] = loop.create_future()
    try:
        await loop.create_connection(
            lambda: StreamReader(target.request(question), outcome, ended), "127.0.0.1", target.port
        )
        await asyncio.wait_for(ended, LIMIT_S)
    except (OSError, TimeoutError) as error:
        outcome.error = outcome.error or repr(error)
    return outcome


def poisson_times(rate: float, seconds: float, *, seed: int) -> Iterator[float]:
    """Arrival times in seconds from the start."""
    chance = random.Random(seed)
    moment = 0.0
    while True:
        moment += -math.log(1.0 - chance.random()) / rate
        if moment >= seconds:
            return
        yield moment


async def run_load(
    target: Target, questions: Sequence[str], *, times: Sequence[float]
) -> list[Outcome]:
    """Ask at these times; the outcomes in order of arrival."""
    start = time.perf_counter() + 0.1
    tasks = []
    for number, moment in enumerate(times):
        due = start + moment
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        question = questions[number % len(questions)]
        tasks.append(asyncio.create_task(ask(target, question, due=due)))
    return list(await asyncio.gather(*tasks))


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; NaN for no values."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
