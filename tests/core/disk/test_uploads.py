"""Uploads are refused before Django spools them to a disk without room."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Mapping
from typing import Any

import pytest

from apps.core.disk import space
from apps.core.disk.uploads import Receive, Scope, Send, require_room

FORM = b"multipart/form-data; boundary=x"


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"taken"})


async def spool(scope: Scope, receive: Receive, send: Send) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def ask(
    app: Any = answer,
    *,
    path: str = "/api/v1/collections/1/documents/",
    kind: bytes = FORM,
    size: int = 10,
) -> tuple[int, dict[str, str], bytes]:
    sent: list[Mapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    headers = [(b"content-type", kind), (b"content-length", str(size).encode())]

    async def run() -> None:
        scope = {"type": "http", "path": path, "headers": headers}
        await require_room(app)(scope, receive, send)

    asyncio.run(run())
    names = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], names, sent[1]["body"]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.MIN_FREE_BYTES = 1000
    monkeypatch.setattr(space, "free_bytes", lambda: 1100)


def test_a_file_that_leaves_the_reserve_alone_passes(short: None) -> None:
    assert ask(size=50)[0] == 200


def test_a_file_that_would_use_it_up_is_refused_in_words(short: None) -> None:
    status, headers, body = ask(size=51)  # it is on the disk twice for a moment
    assert (status, headers["content-type"]) == (507, "application/problem+json")
    assert json.loads(body)["detail"] == space.NO_ROOM


def test_a_page_gets_a_page(short: None) -> None:
    status, headers, body = ask(size=500, path="/w/acme/collections/1/upload/")
    assert (status, headers["content-type"]) == (507, "text/html; charset=utf-8")
    assert "The disk is full" in body.decode()


def test_other_requests_are_let_through(short: None) -> None:
    assert ask(size=500, kind=b"application/json")[0] == 200


def test_a_spool_that_meets_a_full_disk_is_answered(short: None) -> None:
    assert ask(spool)[0] == 507
