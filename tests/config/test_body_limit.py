from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any

from config.body_limit import Receive, Scope, Send, limit_body


async def echo_size(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads like Django's handler: to the end, or until the client hangs up."""
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def ask(parts: Iterable[bytes], *, declared: int | None) -> tuple[list[Mapping[str, Any]], int]:
    """What is sent back, and how many messages were left unread."""
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    waiting[-1]["more_body"] = False
    sent: list[Mapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    headers = [] if declared is None else [(b"content-length", str(declared).encode())]
    app = limit_body(echo_size, max_bytes=10)

    async def run() -> None:
        await app({"type": "http", "headers": headers}, receive, send)

    asyncio.run(run())
    return sent, len(waiting)


def test_a_body_within_the_limit_passes() -> None:
    sent, _ = ask([b"12345", b"67890"], declared=10)

    assert (sent[0]["status"], sent[1]["body"]) == (200, b"10")


def test_a_body_that_announces_too_much_is_read_away_and_refused() -> None:
    sent, unread = ask([b"123456", b"789012"], declared=12)

    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["status"] == 413
    assert unread == 0


def test_a_body_that_turns_out_too_long_is_cut_off() -> None:
    sent, unread = ask([b"123456", b"789012", b"345678"], declared=None)

    assert sent == []
    assert unread == 1


def test_a_false_length_does_not_help() -> None:
    sent, _ = ask([b"123456", b"789012"], declared=3)

    assert sent == []
