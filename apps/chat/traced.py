"""What stands around the trace of an answer: the question, the passages and the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404
from django.urls import reverse

from apps.assistants.answering.citations import format_passages
from apps.assistants.answering.generation import STEP_SPAN
from apps.assistants.answering.pipeline import NO_PASSAGES
from apps.assistants.answering.snapshots import read_readable
from apps.assistants.models import Release
from apps.chat.access import (
    find_hidden_files,
    get_answer,
    get_readable_answer,
    shows_conversations,
    shows_turns_before,
)
from apps.chat.models import Message
from apps.chat.selectors import AnswerView, SourceView, list_history, view_answer
from apps.prompts.messages import ask_for_revision, compose_messages, is_faultless
from apps.traces.models import Span, Trace
from apps.traces.subjects import GivenPassage, TracePrompt, TraceSubject
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.keys.access import KeyAccess

WITHHELD = ("attached file", "(A passage of a file that only its owner sees.)")
LABELS = {
    "rewrite": "Rewrite the question",
    "query:rewrite": "Complete the follow-up by a model",
    "query:parts": "Take the question apart by a model",
    "query:words": "Add words by a model",
    "query:passage": "Imagine an answer (HyDE)",
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
    hidden_files = find_hidden_files(answer.conversation, user=request.user)
    view = view_answer(answer, request.workspace, without=hidden_files)
    spans = sorted(trace.spans.all(), key=lambda span: span.position)
    release = answer.release
    # Steps and prompt tell of earlier turns, which whoever rates an answer does not send in.
    is_open = shows_turns_before(answer, user=request.user)
    return TraceSubject(
        nav="assistants",
        crumbs=_list_crumbs(request, answer),
        question=answer.question.content if answer.question else "",
        answer_html=view.html,
        passages=[_view_passage(source) for source in view.all_sources],
        withheld=view.withheld,
        prompt=_rebuild_prompt(_Run(answer, release, spans), view) if release and is_open else None,
        shows_texts=is_open,
        release=_link_release(request, answer, release),
        model=release.endpoint_snapshot.get("model", "") if release else "",
        step_labels=LABELS | {span.name: _name_step(span) for span in spans if _is_step(span)},
    )


def may_read_answer(access: KeyAccess, trace: Trace) -> bool | None:
    """Whether a key may read the answer that a trace is about with all that led to it.

    Not one that is gone.
    """
    if trace.subject_type != "message":
        return None
    if trace.subject_id is None:
        return False
    try:
        answer = get_readable_answer(access, trace.subject_id)
    except Http404:
        return False
    key = access.key
    return answer.conversation.api_key_id == key.pk or shows_conversations(key.workspace)


def _is_step(span: Span) -> bool:
    return span.name.startswith(STEP_SPAN)


def _name_step(span: Span) -> str:
    return span.name.replace(STEP_SPAN, "Step ")


def _list_crumbs(request: WorkspaceRequest, answer: Message) -> list[tuple[str, str]]:
    """To the conversation: to the chat for the one who asked, to the team's page for others."""
    workspace, assistant = request.workspace.slug, answer.conversation.assistant
    crumbs = [
        ("Assistants", reverse("assistants:list", args=[workspace])),
        (assistant.name, reverse("chat:new", args=[workspace, assistant.slug])),
    ]
    if answer.conversation.user_id == request.user.pk:
        arguments = [workspace, assistant.slug, answer.conversation_id]
        crumbs.append(("Conversation", reverse("chat:conversation", args=arguments)))
    elif shows_conversations(request.workspace):
        arguments = [workspace, answer.conversation_id]
        crumbs.append(("Conversation", reverse("feedback:conversation", args=arguments)))
    return crumbs


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


@dataclass(frozen=True, slots=True)
class _Run:
    """An answer with what its trace noted: spans in their order."""

    answer: Message
    release: Release
    spans: Sequence[Span]

    @property
    def attributes(self) -> dict[str, Any]:
        return self.answer.trace.attributes if self.answer.trace else {}

    def output_of(self, name: str) -> str:
        return next((str(s.attributes.get("output", "")) for s in self.spans if s.name == name), "")

    @property
    def sent_characters(self) -> int | None:
        """How long the messages were that the model got; None if it was not asked."""
        lengths = [s.attributes.get("prompt.characters") for s in self.spans if s.name == "prompt"]
        return lengths[-1] if lengths else None


def _rebuild_prompt(run: _Run, view: AnswerView) -> TracePrompt | None:
    """The messages of the last call, from what is kept of the run; None if no model was asked."""
    answer, question = run.answer, run.answer.question
    if run.sent_characters is None or question is None:
        return None
    spec = run.release.prompt_version.spec
    turns = list_history(answer.conversation, before=question)
    turns = turns[run.attributes.get("history.left_out", 0) :]
    messages = compose_messages(
        spec,
        {
            **{step.name: run.output_of(f"{STEP_SPAN}{step.name}") for step in spec.steps},
            "passages": format_passages(_list_given(view)) or NO_PASSAGES,
            "question": question.content,
        },
        history=[(turn.question, turn.answer) for turn in turns],
        notes=run.output_of("notes"),
        instructions=run.attributes.get("client.instructions", ""),
    )
    num_characters = sum(len(message.content) for message in messages)
    is_exact = not view.withheld and num_characters == run.sent_characters
    critique = run.output_of("critique")
    if critique and not is_faultless(critique):
        messages = ask_for_revision(messages, run.output_of("draft"), critique)
    return TracePrompt([(message.role, message.content) for message in messages], is_exact)


def _list_given(view: AnswerView) -> list[tuple[str, str]]:
    """(title, text) of every passage; something stands for those withheld, so numbers stay."""
    given = {source.number: _name_source(source) for source in view.all_sources}
    given |= dict.fromkeys(view.withheld, WITHHELD)
    return [given[number] for number in sorted(given)]


def _name_source(source: SourceView) -> tuple[str, str]:
    name = source.passage.document.name
    title = f"{name} > {source.heading}" if source.heading else name
    return title, read_readable(source.passage)
