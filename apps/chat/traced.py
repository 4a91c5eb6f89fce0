"""What stands around the trace of an answer: the question, the passages and the prompt."""

from __future__ import annotations

from uuid import UUID

from django.urls import reverse

from apps.assistants.answering.citations import format_passages
from apps.assistants.answering.generation import STEP_SPAN
from apps.assistants.answering.snapshots import read_readable
from apps.assistants.models import Release
from apps.chat.access import get_answer
from apps.chat.models import Message
from apps.chat.selectors import SourceView, view_answer
from apps.prompts.messages import compose_messages
from apps.traces.models import Span, Trace
from apps.traces.subjects import GivenPassage, TraceSubject
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


def describe_answer(request: WorkspaceRequest, trace: Trace) -> TraceSubject | None:
    """The answer that a trace is about. Http404 for whoever may not read it."""
    if trace.subject_type != "message" or trace.subject_id is None:
        return None
    answer = get_answer(request, trace.subject_id)
    view = view_answer(answer, request.workspace, without=_find_hidden(request, answer))
    spans = sorted(trace.spans.all(), key=lambda span: span.position)
    release = answer.release
    return TraceSubject(
        nav="assistants",
        crumbs=_list_crumbs(request, answer),
        question=answer.question.content if answer.question else "",
        answer_html=view.html,
        passages=[_view_passage(source) for source in view.all_sources],
        prompt=_rebuild_prompt(answer, release, view.all_sources, _list_outputs(spans)),
        release=_link_release(request, answer, release),
        model=release.endpoint_snapshot.get("model", "") if release else "",
        step_labels=LABELS | {span.name: _name_step(span) for span in spans if _is_step(span)},
    )


def _find_hidden(request: WorkspaceRequest, answer: Message) -> UUID | None:
    """The attached files of the conversation, unless they are this reader's own."""
    conversation = answer.conversation
    return None if conversation.user_id == request.user.pk else conversation.files_id


def _is_step(span: Span) -> bool:
    return span.name.startswith(STEP_SPAN)


def _name_step(span: Span) -> str:
    return span.name.replace(STEP_SPAN, "Step ")


def _list_crumbs(request: WorkspaceRequest, answer: Message) -> list[tuple[str, str]]:
    """To the conversation for the one who asked; programs' answers have no page of their own."""
    workspace, assistant = request.workspace.slug, answer.conversation.assistant
    crumbs = [
        ("Assistants", reverse("assistants:list", args=[workspace])),
        (assistant.name, reverse("chat:new", args=[workspace, assistant.slug])),
    ]
    if answer.conversation.user_id == request.user.pk:
        arguments = [workspace, assistant.slug, answer.conversation_id]
        crumbs.append(("Conversation", reverse("chat:conversation", args=arguments)))
    return crumbs


def _list_outputs(spans: list[Span]) -> dict[str, str]:
    """What the steps of the chain gave, by their names."""
    return {
        span.name.removeprefix(STEP_SPAN): str(span.attributes.get("output", ""))
        for span in spans
        if _is_step(span)
    }


def _link_release(
    request: WorkspaceRequest, answer: Message, release: Release | None
) -> tuple[int, str] | None:
    if release is None:
        return None
    slugs = [request.workspace.slug, answer.conversation.assistant.slug]
    return release.number, reverse("assistants:release", args=[*slugs, release.number])


def _view_passage(source: SourceView) -> GivenPassage:
    scores = source.passage.scores
    return GivenPassage(
        number=source.number,
        label=source.label,
        url=source.url,
        text=source.passage.text,
        is_cited=source.passage.is_cited,
        score=scores.get("score"),
        lexical_score=scores.get("lexical_score"),
        lexical_rank=scores.get("lexical_rank"),
        vector_score=scores.get("similarity"),
        vector_rank=scores.get("vector_rank"),
    )


def _rebuild_prompt(
    answer: Message, release: Release | None, sources: list[SourceView], outputs: dict[str, str]
) -> list[tuple[str, str]] | None:
    """The prompt from its version and the snapshot; the reader has none."""
    if release is None or not release.endpoint_snapshot or answer.question is None:
        return None
    texts = [
        (
            f"{s.passage.document.name} > {s.heading}" if s.heading else s.passage.document.name,
            read_readable(s.passage),
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
