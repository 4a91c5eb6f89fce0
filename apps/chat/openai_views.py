"""The OpenAI-compatible API: each assistant is a model."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from apps.assistants.answering.pipeline import Delta, Restart
from apps.assistants.answering.scope import Scope as QueryScope
from apps.assistants.recipe import Recipe, load_recipe
from apps.assistants.selectors import list_models
from apps.chat.access import get_key_conversation
from apps.chat.asking.scopes import ScopeError, read_current_scope, resolve_scope
from apps.chat.events import Ended, LiveEvent
from apps.chat.live import PROCESS, LiveAnswer, start_answer
from apps.chat.models import Conversation, MessageState
from apps.chat.openai_protocol import (
    ChunkWriter,
    Identity,
    RequestError,
    make_completion,
)
from apps.chat.openai_request import ChatRequest, limit_sampling, parse_request
from apps.chat.services import Asker, begin_answer, plan_answer
from apps.core.aio import run_db
from apps.core.embedder import get_embedder
from apps.core.ratelimit import Limited, count_request
from apps.workspaces.keys.access import KeyAccess, find_key
from apps.workspaces.keys.throttle import count_refusal
from apps.workspaces.models import Scope
from inference.errors import ModelError
from inference.protocols import Vectors

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]

SEARCHES_AT_ONCE = 4
ANSWERED = frozenset({MessageState.DONE, MessageState.CUT, MessageState.REFUSED})
NO_INSTRUCTIONS = (
    "This assistant answers with the built-in reader, which follows no instructions. Leave the "
    "system message out, or give the assistant a model."
)
UNMARKED = "The model's reasoning went out as its answer, because nothing marked it. Ask again."
MODEL_STATUS = {"rate_limited": 429, "overloaded": 503, "timeout": 504, "too_long": 400}


def openai_view(view: View) -> View:
    """Errors as this protocol writes them. The views find the workspace by the request's key."""

    @functools.wraps(view)
    async def wrapped(request: HttpRequest, **parts: str) -> HttpResponseBase:
        try:
            return await view(request, **parts)
        except RequestError as error:
            return _json(error.body(), status=error.status)
        except DatabaseError:
            busy = RequestError(503, "The database is not reachable at the moment. Try again.")
            return _json(busy.body(), status=503)

    wrapped.enforces_workspace = True  # type: ignore[attr-defined]
    return csrf_exempt(login_not_required(wrapped))


def _json(body: dict[str, Any], *, status: int = 200) -> HttpResponse:
    response = HttpResponse(orjson.dumps(body), content_type="application/json", status=status)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="plumbline"'
    return response


def _authenticate(request: HttpRequest, scope: Scope) -> KeyAccess:
    """The request's key, if it has the scope and is within its rate limit. Blocking."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    access = find_key(secret.strip()) if kind.lower() == "bearer" else None
    if access is None:
        if refused := count_refusal(request):
            raise _too_many(refused)
        raise RequestError(401, "No valid API key was given.", code="invalid_api_key")
    limited = count_request(
        [
            ("key", str(access.key.pk), settings.RATE_LIMIT_KEY),
            ("workspace", str(access.workspace_id), settings.RATE_LIMIT_WORKSPACE),
        ]
    )
    if limited:
        raise _too_many(limited)
    if scope not in access.scopes:
        raise RequestError(403, f"This API key does not have the scope '{scope}'.")
    return access


def _too_many(limited: Limited) -> RequestError:
    return RequestError(429, f"Too many requests. Try again in {limited.retry_after_s} s.")


@openai_view
async def models(request: HttpRequest) -> HttpResponseBase:
    """GET /v1/models: the workspace's assistants."""
    if request.method != "GET":
        raise RequestError(405, "Use GET.")

    def load() -> list[dict[str, Any]]:
        access = _authenticate(request, Scope.CHAT)
        return list_models(access.workspace_id)

    return _json({"object": "list", "data": await run_db(load)})


@openai_view
async def model(request: HttpRequest, name: str) -> HttpResponseBase:
    """GET /v1/models/<name>: one of the workspace's assistants."""
    if request.method != "GET":
        raise RequestError(405, "Use GET.")

    def load() -> dict[str, Any]:
        access = _authenticate(request, Scope.CHAT)
        for entry in list_models(access.workspace_id):
            if entry["id"] == name:
                return entry
        raise _no_assistant(name)

    return _json(await run_db(load))


@openai_view
async def nothing(request: HttpRequest, path: str) -> HttpResponseBase:
    """Every other address below /v1/: an error as clients of this protocol read it."""
    await run_db(_authenticate, request, Scope.CHAT)
    raise RequestError(404, f"There is no '/v1/{path}' here.", code="unknown_url")


def _no_assistant(name: str) -> RequestError:
    message = f"There is no assistant '{name}'."
    return RequestError(404, message, param="model", code="model_not_found")


@dataclass(frozen=True, slots=True)
class Opened:
    """An answer that has been started for a request."""

    live: LiveAnswer
    identity: Identity


@openai_view
async def chat_completions(request: HttpRequest) -> HttpResponseBase:
    """POST /v1/chat/completions, streamed or whole."""
    if request.method != "POST":
        raise RequestError(405, "Use POST.")
    # Nothing is read, embedded or stored for somebody who has no key.
    access = await run_db(_authenticate, request, Scope.CHAT)
    chat = parse_request(request.body)
    opened = await _open(access, chat)
    if chat.stream:
        return await _stream(opened, chat)
    return await _answer_whole(opened)


_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def _open(access: KeyAccess, chat: ChatRequest) -> Opened:
    """Begin an answer and wait until its passages are found.

    Only a few requests are between their arrival and their search at any time. In a burst the
    first ones reach the model while the others wait, instead of all being searched side by side
    and all being late.
    """
    gate = _gates.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(SEARCHES_AT_ONCE))
    async with gate:
        opened = await _begin(access, chat)
        try:
            await opened.live.answering.passages_ready.wait()
        except asyncio.CancelledError:
            opened.live.stop()
            raise
    return opened


def _embed_early(chat: ChatRequest) -> asyncio.Future[Vectors]:
    """Embed the question while its recipe is looked up."""
    return asyncio.ensure_future(run_db(lambda: get_embedder().encode_query(chat.question)))


def _load_recipe(access: KeyAccess, chat: ChatRequest) -> Recipe:
    """The assistant's recipe with what the caller set. Raises RequestError."""
    try:
        recipe = load_recipe(access.workspace_id, slug=chat.model)
    except Http404:
        raise _no_assistant(chat.model) from None
    if recipe.endpoint is None and chat.instructions:
        raise RequestError(400, NO_INSTRUCTIONS, param="messages")
    frozen = recipe.frozen
    sampling = limit_sampling(frozen.sampling, chat.sampling)
    return replace(recipe, frozen=replace(frozen, sampling=sampling))


def _find_conversation(access: KeyAccess, chat: ChatRequest, recipe: Recipe) -> Conversation | None:
    """The key's own conversation that the request goes on with, if it names one."""
    if chat.conversation is None:
        return None
    try:
        conversation = get_key_conversation(access.key, chat.conversation)
    except Http404:
        conversation = None
    if conversation is None or conversation.assistant_id != recipe.frozen.assistant_id:
        message = f"This key has no conversation '{chat.conversation}' with this assistant."
        raise RequestError(404, message, param="conversation", code="conversation_not_found")
    return conversation


def _find_scope(chat: ChatRequest, recipe: Recipe, conversation: Conversation | None) -> QueryScope:
    """What is searched: as the request says, or else as in the conversation so far."""
    if chat.scope is None:
        return read_current_scope(conversation)
    try:
        return resolve_scope(
            chat.scope, collection_ids=recipe.frozen.collection_ids, conversation=conversation
        )
    except ScopeError as error:
        raise RequestError(400, str(error), param="scope") from None


async def _begin(access: KeyAccess, chat: ChatRequest) -> Opened:
    """Find the recipe; then the question is stored while its answer is being searched."""

    def enter() -> tuple[Recipe, Conversation | None, QueryScope]:
        recipe = _load_recipe(access, chat)
        conversation = _find_conversation(access, chat, recipe)
        return recipe, conversation, _find_scope(chat, recipe, conversation)

    vector = _embed_early(chat)
    try:
        recipe, conversation, scope = await run_db(enter)
    except BaseException:
        vector.cancel()
        raise
    plan = plan_answer(conversation)
    stored = run_db(
        begin_answer,
        plan,
        recipe=recipe,
        question=chat.question,
        asker=Asker(api_key_id=access.key.pk),
        process=PROCESS,
        scope=scope,
    )
    live = start_answer(
        plan.answer_id,
        recipe=recipe,
        question=chat.question,
        history=chat.history,
        shared=False,
        stored=asyncio.ensure_future(stored),
        vector=vector,
        instructions=chat.instructions,
        scope=scope,
    )
    caller = {"client.user": chat.user, "client.instructions": chat.instructions}
    live.recorder.attributes |= {name: value for name, value in caller.items() if value}
    identity = Identity(
        plan.answer_id,
        live.recorder.trace_id,
        chat.model,
        created=int(time.time()),
        conversation_id=plan.conversation_id,
        scope=scope.as_json(),
    )
    return Opened(live, identity)


async def _answer_whole(opened: Opened) -> HttpResponseBase:
    live = opened.live
    try:
        async with aclosing(live.follow()) as events:
            async for event in events:
                if isinstance(event, Ended):
                    _raise_if_failed(event, live)
    except asyncio.CancelledError:
        live.stop()
        raise
    return _json(make_completion(opened.identity, live.outcome))


def _raise_if_failed(ended: Ended, live: LiveAnswer) -> None:
    if ended.state in ANSWERED:
        return
    error = live.error
    message = ended.reason or f"The answer was {ended.state}."
    status = MODEL_STATUS.get(error.kind, 502) if isinstance(error, ModelError) else 500
    if ended.state == MessageState.STOPPED:
        status = 499
    elif ended.state == MessageState.INTERRUPTED and error is None:
        status = 503  # the server goes; another one answers
    raise RequestError(status, message, code=error.kind if error else ended.state)


async def _stream(opened: Opened, chat: ChatRequest) -> HttpResponseBase:
    """Wait for the first words, so that an earlier failure can still be an HTTP error."""
    live = opened.live
    events = live.follow()
    try:
        first = await _next_shown(events)
        if isinstance(first, Ended):
            _raise_if_failed(first, live)
    except BaseException:
        if not live.is_ended:
            live.stop()
        await events.aclose()
        raise
    body = _chunks(opened, first, events, include_usage=chat.include_usage)
    response = StreamingHttpResponse(body, content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


async def _next_shown(events: AsyncIterator[LiveEvent]) -> LiveEvent:
    async for event in events:
        if isinstance(event, Delta | Ended):
            return event
    raise AssertionError("an answer's events end with its end")


async def _chunks(
    opened: Opened, first: LiveEvent, events: Any, *, include_usage: bool
) -> AsyncIterator[bytes]:
    live, writer = opened.live, ChunkWriter(opened.identity)
    try:
        if isinstance(first, Delta):
            yield writer.role() + writer.text(first.text)
            try:
                async for piece in _pieces(events, live):
                    yield writer.text(piece)
            except RequestError as error:
                yield writer.error(error)
                return
        yield writer.end(live.outcome, include_usage=include_usage)
    finally:
        if not live.is_ended:
            live.stop()
        await events.aclose()


async def _pieces(events: Any, live: LiveAnswer) -> AsyncIterator[str]:
    """More of the answer's text. Raises RequestError where it came to no good end.

    What was sent cannot be taken back from a program. Where it turned out to be reasoning, the
    answer is still made and kept, and the program is told.
    """
    was_reasoning = False
    async for event in events:
        if isinstance(event, Restart):
            was_reasoning = True
        elif isinstance(event, Delta) and not was_reasoning:
            yield event.text
        elif isinstance(event, Ended):
            _raise_if_failed(event, live)
    if was_reasoning:
        raise RequestError(502, UNMARKED, code="unmarked_reasoning")
