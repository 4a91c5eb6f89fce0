"""Asking, watching and stopping: the views that live on the event loop beside the answers.

The stream only reads. Its client reconnects by itself, so a GET that began anything would
answer twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape
from django.views.decorators.http import require_GET, require_POST

from apps.assistants.answering.pipeline import Delta, Restart, Turn
from apps.assistants.answering.scope import EVERYWHERE, Scope
from apps.assistants.models import Assistant
from apps.assistants.recipe import Recipe, load_recipe
from apps.chat import relay
from apps.chat.access import get_conversation, get_own_message, get_shown_answer
from apps.chat.asking.scopes import (
    ScopeChoice,
    ScopeError,
    list_choices,
    read_current_scope,
    read_scope,
    resolve_scope,
)
from apps.chat.events import Ended, LiveEvent
from apps.chat.live import PROCESS, find_live, start_answer
from apps.chat.models import Conversation, Message
from apps.chat.refusals import refuse
from apps.chat.selectors import (
    AnswerView,
    is_streaming,
    list_history,
    list_turns,
    view_answer,
)
from apps.chat.services import (
    Asker,
    BegunAnswer,
    begin_again,
    begin_answer,
    plan_answer,
    put_aside_from,
)
from apps.core.aio import run_db
from apps.core.text import storable
from apps.retrieval.search.query import MAX_QUESTION
from apps.workspaces.decorators import async_workspace_view
from apps.workspaces.http import WorkspaceRequest

HEARTBEAT_S = 15.0
EMPTY_STREAM = (
    '<div class="answer-text answer-stream" dir="auto" sse-swap="token" hx-swap="beforeend"></div>'
)
"""What takes the place of text that turned out to be no answer; tokens are appended to it."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What was stored for a question, and what making its answer takes."""

    recipe: Recipe
    rows: BegunAnswer
    question: str
    history: list[Turn]
    is_new: bool
    scope: Scope
    query: str = ""


def _read_question(request: WorkspaceRequest) -> tuple[str, HttpResponse | None]:
    """The question, and the refusal of one that cannot be answered as it is."""
    question = storable(request.POST.get("question", "")).strip()
    if not question:
        return "", refuse("Type a question first.")
    if len(question) > MAX_QUESTION:
        return "", refuse(
            f"This question has {len(question):,} characters; {MAX_QUESTION:,} can be asked at a "
            "time. Shorten it, or upload the text as a document and ask about that."
        )
    return question, None


@require_POST
@async_workspace_view()
async def ask(request: WorkspaceRequest, assistant_slug: str) -> HttpResponseBase:
    """Store the question and begin to answer it."""
    question, refusal = _read_question(request)
    if refusal is not None:
        return refusal

    def begin() -> Begun:
        recipe = load_recipe(request.workspace.pk, slug=assistant_slug)
        conversation = _find_conversation(request, recipe)
        scope = _choose_scope(request, recipe, conversation)
        history = list_history(conversation) if conversation else []
        asker = Asker(user_id=request.user.pk)
        rows = plan_answer(conversation)
        begin_answer(
            rows, recipe=recipe, question=question, asker=asker, process=PROCESS, scope=scope
        )
        return Begun(recipe, rows, question, history, is_new=conversation is None, scope=scope)

    try:
        begun = await run_db(begin)
    except ScopeError as error:
        return refuse(str(error))
    _start(begun)
    return await run_db(_show_turn, request, begun)


def _choose_scope(
    request: WorkspaceRequest, recipe: Recipe, conversation: Conversation | None
) -> Scope:
    """What the composer says; a form without its control asks within the same as before."""
    if "scope" not in request.POST:
        return read_current_scope(conversation)
    choice = ScopeChoice(
        collections=request.POST.getlist("collection"), document=request.POST.get("document", "")
    )
    return resolve_scope(
        choice, collection_ids=recipe.frozen.collection_ids, conversation=conversation
    )


def _find_conversation(request: WorkspaceRequest, recipe: Recipe) -> Conversation | None:
    text = request.POST.get("conversation", "")
    if not text:
        return None
    try:
        conversation = get_conversation(request, UUID(text))
    except ValueError:
        raise Http404 from None
    if conversation.assistant_id != recipe.frozen.assistant_id:
        raise Http404
    return conversation


def _start(begun: Begun) -> None:
    start_answer(
        begun.rows.answer_id,
        recipe=begun.recipe,
        question=begun.question,
        history=begun.history,
        shared=True,
        query=begun.query,
        scope=begun.scope,
    )


def _conversation_url(request: WorkspaceRequest, conversation: Conversation) -> str:
    arguments = [request.workspace.slug, conversation.assistant.slug, conversation.pk]
    return reverse("chat:conversation", args=arguments)


def _show_turn(request: WorkspaceRequest, begun: Begun) -> HttpResponseBase:
    conversation = get_conversation(request, begun.rows.conversation_id)
    url = _conversation_url(request, conversation)
    if not request.htmx:
        return redirect(url)
    turn = next(
        turn
        for turn in list_turns(conversation, request.workspace)
        if turn.question.pk == begun.rows.question_id
    )
    context = _context(request, conversation.assistant) | {
        "turn": turn,
        "is_new": begun.is_new,
        "conversation": conversation,
        "item": conversation,
    }
    response = HttpResponse(render_to_string("chat/_turn.html", context, request=request))
    response["HX-Push-Url"] = url
    return response


def _context(request: WorkspaceRequest, assistant: Assistant) -> dict[str, Any]:
    return {"assistant": assistant, "workspace": request.workspace}


@require_POST
@async_workspace_view()
async def edit(request: WorkspaceRequest, message_id: UUID) -> HttpResponseBase:
    """Ask a question in other words; it and what followed are put aside."""
    text, refusal = _read_question(request)
    if refusal is not None:
        return refusal

    def begin() -> Begun:
        message = get_own_message(request, message_id, author=Message.Author.USER)
        conversation = message.conversation
        recipe = load_recipe(request.workspace.pk, slug=conversation.assistant.slug)
        history = list_history(conversation, before=message)
        put_aside_from(message)
        rows = plan_answer(conversation)
        asker, scope = Asker(user_id=request.user.pk), read_scope(message)
        begin_answer(rows, recipe=recipe, question=text, asker=asker, process=PROCESS, scope=scope)
        return Begun(recipe, rows, text, history, is_new=False, scope=scope)

    begun = await run_db(begin)
    _start(begun)
    return await run_db(_show_turns, request, begun)


def _show_turns(request: WorkspaceRequest, begun: Begun) -> HttpResponseBase:
    conversation = get_conversation(request, begun.rows.conversation_id)
    if not request.htmx:
        return redirect(_conversation_url(request, conversation))
    context = _context(request, conversation.assistant) | {
        "turns": list_turns(conversation, request.workspace),
        "conversation": conversation,
    }
    return HttpResponse(render_to_string("chat/_turns.html", context, request=request))


@require_POST
@async_workspace_view()
async def regenerate(request: WorkspaceRequest, message_id: UUID) -> HttpResponseBase:
    """Answer a question once more, with the recipe as it is now.

    `query` is searched for instead of what was made of the question, if it is given. `everywhere`
    ends the narrowing of its search.
    """
    query = storable(request.POST.get("query", "")).strip()
    if len(query) > MAX_QUESTION:
        return refuse(f"At most {MAX_QUESTION:,} characters can be searched.")

    everywhere = bool(request.POST.get("everywhere"))

    def begin() -> Begun:
        old = get_own_message(request, message_id, author=Message.Author.ASSISTANT)
        question = old.question
        if question is None or old.replaced:
            raise Http404
        conversation = old.conversation
        recipe = load_recipe(request.workspace.pk, slug=conversation.assistant.slug)
        history = list_history(conversation, before=question)
        scope = EVERYWHERE.within(conversation.files_id) if everywhere else read_scope(question)
        rows = begin_again(question, recipe=recipe, process=PROCESS, scope=scope)
        return Begun(
            recipe, rows, question.content, history, is_new=False, scope=scope, query=query
        )

    begun = await run_db(begin)
    if (running := find_live(message_id)) is not None:
        running.stop()
    _start(begun)
    return await run_db(_show_answer, request, begun)


def _show_answer(request: WorkspaceRequest, begun: Begun) -> HttpResponseBase:
    answer = get_shown_answer(request, begun.rows.answer_id)
    if not request.htmx:
        return redirect(_conversation_url(request, answer.conversation))
    html = _render_answer(request, view_answer(answer, request.workspace), answer)
    if request.POST.get("everywhere"):
        # The control above the question box follows what the question is asked within now.
        choices = list_choices(begun.recipe.frozen.collection_ids, begun.scope)
        context = _context(request, answer.conversation.assistant) | {
            "scope": begun.scope,
            "choices": choices,
            "oob": True,
        }
        html += render_to_string("chat/asking/_scope.html", context, request=request)
    return HttpResponse(html)


def _render_answer(request: WorkspaceRequest, view: AnswerView, answer: Message) -> str:
    context = _context(request, answer.conversation.assistant) | {
        "answer": view,
        "is_last": not answer.replaced,
    }
    return render_to_string("chat/_answer.html", context, request=request)


@require_POST
@async_workspace_view()
async def stop(request: WorkspaceRequest, message_id: UUID) -> HttpResponseBase:
    """End a running answer; what it has said is kept."""
    await run_db(get_own_message, request, message_id, author=Message.Author.ASSISTANT)
    running = find_live(message_id)
    if running is not None:
        running.stop()
    else:
        await relay.request_stop(message_id)
    return HttpResponse(status=204)


@require_GET
@async_workspace_view()
async def events(request: WorkspaceRequest, message_id: UUID) -> HttpResponseBase:
    """Follow an answer as server-sent events: status, token, and finally final."""
    await run_db(get_own_message, request, message_id, author=Message.Author.ASSISTANT)
    response = StreamingHttpResponse(
        _write_events(request, message_id), content_type="text/event-stream"
    )
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


def _sse(event: str, data: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in data.split("\n"))
    return f"event: {event}\n{lines}\n".encode()


async def _write_events(request: WorkspaceRequest, message_id: UUID) -> AsyncIterator[bytes]:
    """Replay what was missed, then follow; periodic comments keep the connection open."""
    async with aclosing(_follow(message_id)) as stream:
        upcoming = asyncio.ensure_future(anext(stream, None))
        try:
            while True:
                done, _ = await asyncio.wait({upcoming}, timeout=HEARTBEAT_S)
                if not done:
                    yield b": still here\n\n"
                    continue
                event = upcoming.result()
                if event is None or isinstance(event, Ended):
                    break
                if isinstance(event, Restart):
                    yield _sse("restart", EMPTY_STREAM)
                else:
                    name = "token" if isinstance(event, Delta) else "status"
                    yield _sse(name, str(escape(event.text)))
                upcoming = asyncio.ensure_future(anext(stream, None))
        finally:
            upcoming.cancel()
    yield _sse("final", await run_db(_final_html, request, message_id))


def _final_html(request: WorkspaceRequest, message_id: UUID) -> str:
    answer = get_shown_answer(request, message_id)
    return _render_answer(request, view_answer(answer, request.workspace), answer)


async def _follow(message_id: UUID) -> AsyncGenerator[LiveEvent, None]:
    """Its events from memory if it runs here, from Redis if elsewhere, else from its row."""
    running = find_live(message_id)
    if running is not None:
        async with aclosing(running.follow()) as stream:
            async for event in stream:
                yield event
        return
    async with aclosing(relay.follow(message_id)) as remote:
        while await run_db(is_streaming, message_id):
            async for relayed in remote:
                if relayed is None:
                    break
                yield relayed
                if isinstance(relayed, Ended):
                    return
