"""Asking over the real ASGI application, from plain tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from apps.chat import live
from apps.core.redis import async_redis
from inference.http_session import close_sessions

T = TypeVar("T")
HANDBOOK = "# Leave\n\nEmployees get 20 days of annual leave. Unused days expire in March.\n"
QUESTION = "How many days of annual leave do employees get?"
WAIT_S = 10.0


async def settle() -> None:
    """Wait until every answer of this loop is stored."""
    loop = asyncio.get_running_loop()
    all_tasks = [answer.task for answer in live._live.values() if answer.task is not None]
    tasks = [task for task in all_tasks if task.get_loop() is loop]
    if tasks:
        await asyncio.wait(tasks, timeout=WAIT_S)
    await close_sessions()
    await async_redis().aclose()


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Run it on an event loop that answers can live on, and leave nothing open."""

    async def go() -> T:
        try:
            return await asyncio.wait_for(work(), WAIT_S * 2)
        finally:
            await settle()

    return async_to_sync(go)()


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that another task brings about."""
    async with asyncio.timeout(WAIT_S):
        while not true():
            await asyncio.sleep(0.005)


@dataclass(frozen=True, slots=True)
class Reply:
    """A response of the OpenAI-compatible API."""

    status: int
    body: Any
    raw: bytes

    @property
    def events(self) -> list[Any]:
        """The data of a stream's events, parsed; the last is the text [DONE]."""
        parts = self.raw.decode().split("\n\n")
        data = [part.removeprefix("data: ") for part in parts if part]
        return [item if item == "[DONE]" else orjson.loads(item) for item in data]


async def post_completion(key: str, body: Any) -> Any:
    return await AsyncClient().post(
        "/v1/chat/completions",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )


def complete(key: str, body: Any) -> Reply:
    """POST /v1/chat/completions and read all of it."""

    async def go() -> Reply:
        response = await post_completion(key, body)
        if response.streaming:
            raw = b"".join([part async for part in response])
            return Reply(response.status_code, None, raw)
        return Reply(response.status_code, orjson.loads(response.content), response.content)

    return run(go)


def ask(api: Any, model: str, question: str = QUESTION, **options: Any) -> Reply:
    """One question to one assistant."""
    messages = [{"role": "user", "content": question}]
    return complete(api.key, {"model": model, "messages": messages, **options})
