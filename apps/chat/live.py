"""Answers in the making: asyncio tasks of this process, and whoever is watching them.

An answer does not belong to the request that asked for it. It runs to its end whether or not
anybody watches, keeps its events so that a late or returning watcher sees all of them, and is
ended by its stop button alone. A program's answer (`stop_with_watcher`) ends when its only
reader hangs up, as the OpenAI protocol expects.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from functools import partial
from types import FrameType
from typing import Any
from uuid import UUID

from apps.assistants.answering.pipeline import Answering, Outcome, Status, Turn
from apps.assistants.answering.scope import EVERYWHERE, Scope
from apps.assistants.recipe import Recipe
from apps.chat import relay
from apps.chat.events import Ended, LiveEvent
from apps.chat.models import MessageState
from apps.chat.services import HEARTBEAT_EVERY_S, Ending, beat, finish_answer
from apps.core.aio import run_db
from apps.traces.recorder import Recorder
from inference.errors import ModelError
from inference.protocols import Vectors

logger = logging.getLogger(__name__)

PROCESS = f"{socket.gethostname()}:{os.getpid()}"
STOP_POLL_S = 1.0
FINISH_TRIES = 5
UNEXPECTED = "Something went wrong on our side. It is in the server's log."
CUT = (
    "The model reached the longest answer that it may give. Ask for the rest, or allow longer "
    "answers in the recipe."
)
FILTERED = "The content filter of the model's server ended it."
REFUSED = "The model would not answer this."
WENT_DOWN = "The server was shut down while it was answering."


class LiveAnswer:
    """One running answer and its events so far."""

    def __init__(
        self,
        answer_id: UUID,
        answering: Answering,
        *,
        shared: bool,
        stored: Awaitable[None] | None,
    ) -> None:
        self.answer_id = answer_id
        self.answering = answering
        self.shared = shared
        self.stored = stored
        self.events: list[LiveEvent] = []
        self.relayed = 0
        self.error: ModelError | None = None
        self.stop_requested = False
        self.is_ending = False
        self.task: asyncio.Task[None] | None = None
        self._watchers: set[asyncio.Event] = set()

    @property
    def outcome(self) -> Outcome:
        return self.answering.outcome

    @property
    def recorder(self) -> Recorder:
        return self.answering.recorder

    @property
    def is_ended(self) -> bool:
        return bool(self.events) and isinstance(self.events[-1], Ended)

    def publish(self, event: LiveEvent) -> None:
        self.events.append(event)
        for watcher in self._watchers:
            watcher.set()

    async def follow(self) -> AsyncGenerator[LiveEvent, None]:
        """All events from the first on, until the answer has ended."""
        news = asyncio.Event()
        self._watchers.add(news)
        position = 0
        try:
            while True:
                while position < len(self.events):
                    event = self.events[position]
                    position += 1
                    yield event
                    if isinstance(event, Ended):
                        return
                news.clear()
                await news.wait()
        finally:
            self._watchers.discard(news)

    def stop(self) -> None:
        """End it now: the model's request is cancelled, what is there is kept."""
        self.stop_requested = True
        self.cancel()

    def cancel(self) -> None:
        """Cancel its task, unless the answer is being stored already."""
        if self.task is not None and not self.is_ending:
            self.task.cancel()


_live: dict[UUID, LiveAnswer] = {}
_keeper: asyncio.Task[None] | None = None
_is_going_down = False


def find_live(answer_id: UUID) -> LiveAnswer | None:
    """The answer, if this process is making it."""
    return _live.get(answer_id)


def start_answer(
    answer_id: UUID,
    *,
    recipe: Recipe,
    question: str,
    history: Sequence[Turn],
    shared: bool,
    stored: Awaitable[None] | None = None,
    vector: Awaitable[Vectors] | None = None,
    query: str = "",
    instructions: str = "",
    scope: Scope = EVERYWHERE,
) -> LiveAnswer:
    """Begin to answer in the background. `shared` events can be followed from any process.

    `stored` is the storing of the question, where it goes on beside the search; nothing is
    shown before the question is safe. `query` is what shall be searched for instead of what
    would be made of the question. `instructions` are a calling program's own. `scope` is what it
    is asked within.
    """
    answering = Answering(
        recipe,
        question=question,
        history=history,
        recorder=Recorder("answer"),
        vector=vector,
        query=query,
        instructions=instructions,
        scope=scope,
    )
    live = LiveAnswer(answer_id, answering, shared=shared, stored=stored)
    _live[answer_id] = live
    live.task = asyncio.create_task(_run(live), name=f"answer {answer_id}")
    _ensure_keeper()
    if _is_going_down:
        asyncio.get_running_loop().call_soon(live.cancel)
    return live


async def _run(live: LiveAnswer) -> None:
    ending = Ending(MessageState.DONE)
    try:
        async with aclosing(live.answering.events()) as events:
            async for event in events:
                if live.stored is not None and not isinstance(event, Status):
                    await live.stored
                    live.stored = None
                live.publish(event)
        ending = judge_ending(live.outcome)
    except asyncio.CancelledError:
        ending = (
            Ending(MessageState.STOPPED)
            if live.stop_requested
            else Ending(MessageState.INTERRUPTED, WENT_DOWN)
        )
    except ModelError as error:
        live.error = error
        begun = bool(live.outcome.content.strip())
        state = MessageState.INTERRUPTED if begun else MessageState.FAILED
        ending = Ending(state, error.message)
    except Exception:
        logger.exception("answer %s failed", live.answer_id)
        ending = Ending(MessageState.FAILED, UNEXPECTED)
    finally:
        live.answering.passages_ready.set()
    await _finish(live, ending)


def judge_ending(outcome: Outcome) -> Ending:
    """How an answer ended that its model brought to an end."""
    if outcome.is_refused:
        return Ending(MessageState.REFUSED, REFUSED)
    if outcome.finish_reason == "length":
        return Ending(MessageState.CUT, CUT)
    if outcome.finish_reason == "content_filter":
        return Ending(MessageState.CUT, FILTERED)
    return Ending(MessageState.DONE)


async def _finish(live: LiveAnswer, ending: Ending) -> None:
    """Store the answer, giving a restarting database some seconds to come back."""
    live.is_ending = True
    await _await_question(live)
    state: MessageState | None = None
    for attempt in range(FINISH_TRIES):
        try:
            state = await asyncio.shield(
                run_db(
                    finish_answer,
                    live.answer_id,
                    outcome=live.outcome,
                    recorder=live.recorder,
                    ending=ending,
                )
            )
            break
        except Exception:
            logger.exception("answer %s could not be stored (try %d)", live.answer_id, attempt + 1)
            ending_failed = attempt + 1 == FINISH_TRIES
            if ending_failed:
                ending = Ending(MessageState.FAILED, UNEXPECTED)
            else:
                await asyncio.sleep(0.5 * 2**attempt)
    live.publish(Ended(state or ending.state, ending.reason))
    _live.pop(live.answer_id, None)
    if live.shared:
        await relay.flush(live.answer_id, live.events, live.relayed)


async def _await_question(live: LiveAnswer) -> None:
    """An answer that ends at once must not be stored before its question is."""
    if live.stored is None:
        return
    try:
        await live.stored
    except Exception:
        logger.exception("the question of answer %s could not be stored", live.answer_id)


def _ensure_keeper() -> None:
    global _keeper
    if _keeper is None or _keeper.done() or _keeper.get_loop() is not asyncio.get_running_loop():
        _keeper = asyncio.create_task(_keep(), name="answer keeper")


async def _keep() -> None:
    """While answers run: relay their events, hear stop requests, keep their heartbeat."""
    ticks = 0
    while _live:
        await asyncio.sleep(relay.INTERVAL_S)
        ticks += 1
        shared = [live for live in _live.values() if live.shared]
        for live in shared:
            sent = len(live.events)
            await relay.flush(live.answer_id, live.events, live.relayed, end=sent)
            live.relayed = sent
        if shared and ticks % round(STOP_POLL_S / relay.INTERVAL_S) == 0:
            for answer_id in await relay.take_stops([live.answer_id for live in shared]):
                if (live_answer := _live.get(answer_id)) is not None:
                    live_answer.stop()
        if ticks % round(HEARTBEAT_EVERY_S / relay.INTERVAL_S) == 0:
            with suppress(Exception):
                await run_db(beat, list(_live))


def hear_signals() -> None:
    """End all answers as soon as the process is told to go, in words that their readers get.

    The server itself waits for open streams, and breaks them off when it has waited long enough.
    For the main thread, once the server has set its own handlers, which are called too.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        own = signal.getsignal(number)
        if callable(own):
            signal.signal(number, partial(_hear, own, loop))


def _hear(
    own: Callable[[int, FrameType | None], Any],
    loop: asyncio.AbstractEventLoop,
    number: int,
    frame: FrameType | None,
) -> None:
    loop.call_soon_threadsafe(interrupt_all)
    own(number, frame)


def interrupt_all() -> None:
    """End all answers of this process as interrupted, and those that somebody still begins."""
    global _is_going_down
    _is_going_down = True
    for live in list(_live.values()):
        live.cancel()


async def shut_down(*, grace_s: float = 5.0) -> None:
    """Mark everything that still runs as interrupted; called when the process ends."""
    for live in list(_live.values()):
        live.cancel()
    tasks = [live.task for live in _live.values() if live.task is not None]
    if tasks:
        await asyncio.wait(tasks, timeout=grace_s)
