"""Answers the questions of experiments with the pipeline of chat. Writes nothing to the database.

`Pace` delays all requests to an endpoint when its server asks for a pause.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from apps.assistants.answering.pipeline import Answering, Outcome, Turn
from apps.assistants.recipe import Recipe
from apps.traces.recorder import Recorder
from inference.errors import ModelError

logger = logging.getLogger(__name__)

TRIES = 4
PATIENT_TRIES = 20
"""Attempts if the server is merely busy, or says how long to wait."""
PATIENT_KINDS = frozenset({"rate_limited", "overloaded"})
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
UNEXPECTED = "Something went wrong on our side. It is in the server's log."

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class ItemQuestion:
    """An item's question, the turns before it, and whether to ask those too.

    `earlier` holds (question, expected answer) of the earlier turns. With `ask_earlier` these
    questions are asked first and the assistant's own answers form the history; otherwise the
    expected answers do.
    """

    item_id: UUID
    text: str
    context: str = ""
    earlier: tuple[tuple[str, str], ...] = ()
    ask_earlier: bool = False


@dataclass(slots=True)
class AnsweredItem:
    """The outcome of a question. `error` is set only if there is no answer."""

    item_id: UUID
    recorder: Recorder
    outcome: Outcome = field(default_factory=Outcome)
    duration_ms: float = 0.0
    turns: list[tuple[Turn, Outcome]] = field(default_factory=list)
    error: str = ""
    stops_all: bool = False
    """The error has nothing to do with the question: every other question would fail too."""


class Pace:
    """A shared pause: if one request is told to wait, all of them wait.

    With `per_minute`, requests are spread evenly and limited to that number.
    """

    def __init__(self, *, per_minute: int | None = None) -> None:
        self._until = 0.0
        self._next = 0.0
        self._gap = 60 / per_minute if per_minute else 0.0

    def hold(self, seconds: float) -> None:
        """Let no request start for this many seconds."""
        self._until = max(self._until, asyncio.get_running_loop().time() + seconds)

    async def wait(self) -> None:
        """Return when the next request may start."""
        now = asyncio.get_running_loop().time
        turn = max(self._next, now())
        self._next = turn + self._gap
        while (left := max(turn, self._until) - now()) > 0:
            await asyncio.sleep(left)


async def with_patience(work: Callable[[], Awaitable[R]], *, pace: Pace) -> R:
    """Run work that calls a model; retry transient failures after a pause for all requests.

    The pause is what the server asked for, or doubles with every attempt. Raises the last
    ModelError after TRIES attempts, or PATIENT_TRIES if the server is merely busy.
    """
    for number in range(1, PATIENT_TRIES + 1):
        await pace.wait()
        try:
            return await work()
        except ModelError as error:
            most = PATIENT_TRIES if error.kind in PATIENT_KINDS else TRIES
            if number >= most or not error.retryable:
                raise
            pause = error.retry_after or FIRST_PAUSE_S * 2 ** (number - 1)
            logger.info("an endpoint asks for a pause of %.1f s: %s", pause, error.kind)
            pace.hold(min(pause, LONGEST_PAUSE_S))
    raise AssertionError("unreachable")


async def answer_question(recipe: Recipe, question: ItemQuestion, *, pace: Pace) -> AnsweredItem:
    """Ask one question. Never raises for model server failures; cancellation propagates."""
    answered = AnsweredItem(question.item_id, Recorder("experiment"))
    try:
        history = [Turn(text, expected) for text, expected in question.earlier]
        if question.ask_earlier:
            answered.turns = await _ask_earlier(recipe, question, pace)
            history = [turn for turn, _ in answered.turns]

        async def ask() -> Outcome:
            answered.recorder = Recorder("experiment")
            return await _ask(recipe, _words(question), history, answered.recorder)

        answered.outcome = await with_patience(ask, pace=pace)
        answered.duration_ms = answered.recorder.elapsed_ms()
    except ModelError as error:
        answered.error = error.message
        answered.stops_all = error.kind in ("auth", "forbidden_address", "not_found")
    except Exception:
        logger.exception("item %s could not be answered", question.item_id)
        answered.error = UNEXPECTED
    return answered


async def _ask_earlier(
    recipe: Recipe, question: ItemQuestion, pace: Pace
) -> list[tuple[Turn, Outcome]]:
    turns: list[tuple[Turn, Outcome]] = []
    for text, _ in question.earlier:

        async def ask(text: str = text) -> Outcome:
            history = [turn for turn, _ in turns]
            return await _ask(recipe, text, history, Recorder("experiment"))

        outcome = await with_patience(ask, pace=pace)
        turns.append((Turn(text, outcome.content), outcome))
    return turns


async def _ask(recipe: Recipe, text: str, history: Sequence[Turn], recorder: Recorder) -> Outcome:
    answering = Answering(recipe, question=text, history=history, recorder=recorder)
    async with aclosing(answering.events()) as events:
        async for _ in events:
            pass
    return answering.outcome


def _words(question: ItemQuestion) -> str:
    return f"{question.context}\n\n{question.text}" if question.context else question.text


async def answer_all(
    recipes: Mapping[UUID, Recipe],
    questions: Sequence[tuple[UUID, ItemQuestion]],
    *,
    parallel: int,
    paces: Mapping[UUID, Pace],
    store: Callable[[list[AnsweredItem]], Awaitable[None]],
    batch: int,
) -> None:
    """Answer (release, question) pairs, `parallel` at a time, and store them in small batches.

    `store` is never called concurrently. An exception from it ends all remaining work.
    """
    gate, ready = asyncio.Semaphore(parallel), asyncio.Queue[AnsweredItem]()

    async def run(release_id: UUID, question: ItemQuestion) -> None:
        async with gate:
            answered = await answer_question(recipes[release_id], question, pace=paces[release_id])
        ready.put_nowait(answered)

    tasks = [asyncio.create_task(run(*pair)) for pair in questions]
    try:
        left = len(tasks)
        while left:
            done = [await ready.get()]
            while len(done) < batch and not ready.empty():
                done.append(ready.get_nowait())
            left -= len(done)
            await store(done)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
