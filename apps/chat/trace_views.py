"""How an answer was made: its trace with the question, the passages and the prompt."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from apps.assistants.answering.citations import format_passages
from apps.assistants.answering.generation import STEP_SPAN
from apps.assistants.models import Release
from apps.chat.access import get_answer
from apps.chat.models import Message
from apps.chat.selectors import Source, view_answer
from apps.prompts.messages import compose_messages
from apps.traces.access import get_trace
from apps.traces.models import Span
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest

LABELS = {
    "rewrite": "Rewrite the question",
    "search": "Search",
    "rerank": "Choose passages",
    "prompt": "Write the prompt",
    "notes": "Think it through",
    "draft": "Write a draft",
    "critique": "Check the draft",
    "generation": "Generate",
    "checks": "Check citations",
}


@require_GET
@workspace_view()
def trace(request: WorkspaceRequest, trace_id: UUID) -> HttpResponse:
    """Who may read the answer may read its trace."""
    found = get_trace(request.workspace.pk, trace_id)
    if found.subject_id is None:
        raise Http404
    answer = get_answer(request, found.subject_id)
    view = view_answer(answer, request.workspace)
    release = answer.release
    spans = sorted(found.spans.all(), key=lambda span: span.position)
    context: dict[str, Any] = {
        "nav": "assistants",
        "trace": found,
        "spans": [_view_span(span) for span in spans],
        "question": answer.question.content if answer.question else "",
        "answer_html": view.html,
        "answer_url": _answer_url(request, answer),
        "passages": [_view_passage(source) for source in view.all_sources],
        "prompt": _rebuild_prompt(answer, release, view.all_sources, _list_outputs(spans)),
        "release": _view_release(request, answer, release),
        "assistant": answer.conversation.assistant,
        "model": release.endpoint_snapshot.get("model", "") if release else "",
    }
    return render(request, "chat/trace.html", context)


def _view_span(span: Span) -> dict[str, Any]:
    return {
        "name": span.name,
        "label": LABELS.get(span.name, span.name.replace(STEP_SPAN, "Step ")),
        "offset_ms": span.offset_ms,
        "duration_ms": span.duration_ms,
        "status": span.status,
        "details": sorted(span.attributes.items()),
    }


def _list_outputs(spans: list[Span]) -> dict[str, str]:
    """What the steps of the chain gave, by their names."""
    return {
        span.name.removeprefix(STEP_SPAN): str(span.attributes.get("output", ""))
        for span in spans
        if span.name.startswith(STEP_SPAN)
    }


def _answer_url(request: WorkspaceRequest, answer: Message) -> str:
    """Only the one who asked has the conversation; programs' answers have no page of their own."""
    if answer.conversation.user_id != request.user.pk:
        return ""
    slugs = [request.workspace.slug, answer.conversation.assistant.slug]
    return reverse("chat:conversation", args=[*slugs, answer.conversation_id])


def _view_release(
    request: WorkspaceRequest, answer: Message, release: Release | None
) -> dict[str, Any] | None:
    if release is None:
        return None
    slugs = [request.workspace.slug, answer.conversation.assistant.slug]
    url = reverse("assistants:release", args=[*slugs, release.number])
    return {"number": release.number, "url": url}


def _view_passage(source: Source) -> dict[str, Any]:
    scores = source.passage.scores
    return {
        "number": source.number,
        "label": source.label,
        "url": source.url,
        "text": source.passage.text,
        "is_cited": source.passage.is_cited,
        "score": scores.get("score"),
        "lexical_score": scores.get("lexical_score"),
        "lexical_rank": scores.get("lexical_rank"),
        "vector_score": scores.get("similarity"),
        "vector_rank": scores.get("vector_rank"),
    }


def _rebuild_prompt(
    answer: Message, release: Release | None, sources: list[Source], outputs: dict[str, str]
) -> list[tuple[str, str]] | None:
    """The prompt from its version and the snapshot; the reader has none."""
    if release is None or not release.endpoint_snapshot or answer.question is None:
        return None
    texts = [
        (
            f"{s.passage.document.name} > {s.heading}" if s.heading else s.passage.document.name,
            s.passage.text,
        )
        for s in sources
    ]
    spec = release.prompt_version.spec
    variables = {
        **{step.name: f"({step.name}: see the steps)" for step in spec.steps},
        **outputs,
        "passages": format_passages(texts),
        "question": answer.question.content,
    }
    attributes = answer.trace.attributes if answer.trace else {}
    messages = compose_messages(
        spec, variables, instructions=attributes.get("client.instructions", "")
    )
    return [(message.role, message.content) for message in messages]
