"""Reads: conversations, their turns, and answers as people see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.assistants.answering.pipeline import Turn
from apps.assistants.answering.scope import Scope
from apps.assistants.answering.snapshots import read_cited
from apps.chat.models import Conversation, Message, MessageState, RetrievedPassage
from apps.core.markdown import CitationLink, render_answer
from apps.documents.source import Segment
from apps.documents.tables.excerpts import lay_out_excerpt
from apps.documents.tables.layout import Content, LaidTable
from apps.documents.units import name_places
from apps.workspaces.links import link_policy
from apps.workspaces.models import ConversationAccess, Workspace

NEAREST = 3
EXCERPT = 320


@dataclass(frozen=True, slots=True)
class SourceView:
    """A passage as an answer's reader sees it, with the links that open it."""

    number: int
    label: str
    heading: str
    excerpt: str
    url: str
    source_url: str
    passage: RetrievedPassage

    @property
    def content(self) -> Content[Segment]:
        """The cited words in brief, laid out; of a cited table the header and the cited rows."""
        start, _, words = read_cited(self.passage)
        first = start - self.passage.start
        return lay_out_excerpt(
            self.passage.text,
            head=self.passage.table_head,
            start=first,
            end=first + len(words),
            max_chars=EXCERPT,
        )

    @property
    def tables(self) -> list[LaidTable[Segment]]:
        """The tables of `content`, for where there is no room for the words."""
        return [part for part in self.content if isinstance(part, LaidTable)]


@dataclass(slots=True)
class AnswerView:
    """One answer, ready for its template."""

    id: UUID
    state: str
    is_open: bool
    content: str
    html: SafeString | str
    reason: str
    sources: list[SourceView]
    all_sources: list[SourceView]
    nearest: list[SourceView]
    trace_id: UUID | None
    status_line: str = ""
    partial: str = ""
    feedback: Any = None
    searched_for: str = ""
    searched_also: Sequence[str] = ()
    reasoning: str = ""
    left_out: int = 0
    scope: str = ""
    withheld: Sequence[int] = ()
    withheld_sources: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class TurnView:
    question: Message
    answer: AnswerView | None
    is_last: bool


def is_streaming(message_id: UUID) -> bool:
    """Whether an answer is still being made, in whichever process."""
    return Message.objects.filter(pk=message_id, state=MessageState.STREAMING).exists()


def list_messages(conversation: Conversation) -> list[Message]:
    """Questions and their current answers, oldest first, with all that is shown of them."""
    return list(
        conversation.messages.filter(replaced=False)
        .select_related("trace", "release")
        .prefetch_related("passages__document", "passages__version", "feedback")
        .order_by("created_at", "pk")
    )


def list_turns(
    conversation: Conversation, workspace: Workspace, *, without: UUID | None = None
) -> list[TurnView]:
    """Questions with their current answers, oldest first, as `view_answer` shows them."""
    messages = list_messages(conversation)
    answers = {m.question_id: m for m in messages if m.author == Message.Author.ASSISTANT}
    questions = [m for m in messages if m.author == Message.Author.USER]
    turns = []
    for question in questions:
        answer = answers.get(question.pk)
        view = view_answer(answer, workspace, without=without) if answer else None
        turns.append(TurnView(question, view, question is questions[-1]))
    return turns


def list_history(conversation: Conversation, *, before: Message | None = None) -> list[Turn]:
    """Earlier turns for the pipeline: whole answers only, oldest first."""
    messages = conversation.messages.filter(
        replaced=False,
        author=Message.Author.ASSISTANT,
        state__in=[MessageState.DONE, MessageState.STOPPED, MessageState.CUT],
    )
    if before is not None:
        messages = messages.filter(created_at__lt=before.created_at)
    rows = messages.select_related("question").order_by("created_at", "pk")
    return [Turn(m.question.content, m.content) for m in rows if m.question is not None]


def view_answer(
    answer: Message, workspace: Workspace, *, without: UUID | None = None
) -> AnswerView:
    """An answer with its sources. Declined ones show the nearest passages instead.

    `searched_for` is what was searched for where that is not the question itself, `reasoning` what
    the model thought aloud, `left_out` how many earlier turns did not fit into its window, `scope`
    what alone was searched. Passages of the collection `without` are left out; `withheld` are their
    numbers, and `withheld_sources` of those that the answer cites.
    """
    passages, hidden = split_hidden(answer.passages.all(), without)
    places = name_passages(passages)
    sources = [view_source(p, workspace, place=places[p.version_id, p.page]) for p in passages]
    cited = [source for source in sources if source.passage.is_cited]
    links = {s.number: CitationLink(s.number, s.url, s.label, s.source_url) for s in cited}
    withheld_sources = [passage.number for passage in hidden if passage.is_cited]
    links |= {number: CitationLink(number, "", "") for number in withheld_sources}
    is_open = answer.state == MessageState.STREAMING
    declined = answer.state == MessageState.DONE and answer.is_declined
    attributes = answer.trace.attributes if answer.trace else {}
    return AnswerView(
        id=answer.pk,
        state="declined" if declined else answer.state,
        is_open=is_open,
        content=answer.content,
        html=""
        if is_open
        else render_answer(answer.content, citations=links, links=link_policy(workspace)),
        reason=answer.reason,
        sources=cited,
        all_sources=sources,
        nearest=sources[:NEAREST] if declined else [],
        trace_id=answer.trace_id,
        # Read through the relation, because feedback is an app above this one.
        feedback=next(iter(answer.feedback.all()), None),
        searched_for=attributes.get("query", ""),
        searched_also=attributes.get("query.also", ()),
        reasoning=attributes.get("reasoning", ""),
        left_out=attributes.get("history.left_out", 0),
        scope=Scope.parse(answer.scope).label,
        withheld=[passage.number for passage in hidden],
        withheld_sources=withheld_sources,
    )


def split_hidden(
    passages: Iterable[RetrievedPassage], hidden_files: UUID | None
) -> tuple[list[RetrievedPassage], list[RetrievedPassage]]:
    """Passages by number: those that a reader sees, and those of the files that stay hidden."""
    seen: list[RetrievedPassage] = []
    hidden: list[RetrievedPassage] = []
    for passage in sorted(passages, key=lambda one: one.number):
        is_hidden = hidden_files and passage.document.collection_id == hidden_files
        (hidden if is_hidden else seen).append(passage)
    return seen, hidden


def name_passages(passages: Sequence[RetrievedPassage]) -> dict[tuple[UUID, int], str]:
    """Where passages stand, as "page 3" or "sheet Prices", by (version id, page)."""
    return name_places(
        [(passage.version_id, passage.page) for passage in passages],
        {passage.version_id: passage.version.media_type for passage in passages},
    )


def view_source(passage: RetrievedPassage, workspace: Workspace, *, place: str) -> SourceView:
    """A passage with links to its document, at the cited sentences where there are any."""
    start, end, excerpt = read_cited(passage)
    query = urlencode({"version": passage.version.number, "start": start, "end": end})
    arguments = [workspace.slug, passage.document_id]
    return SourceView(
        number=passage.number,
        label=f"{passage.document.name}, {place}",
        heading=passage.heading,
        excerpt=" ".join(excerpt.split())[:EXCERPT],
        url=f"{reverse('documents:document', args=arguments)}?{query}#highlight",
        source_url=f"{reverse('documents:source', args=arguments)}?{query}",
        passage=passage,
    )


def count_citations(workspace_id: UUID, document_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How many answers cite each of these documents."""
    rows = (
        RetrievedPassage.objects.filter(
            workspace_id=workspace_id, document_id__in=list(document_ids), is_cited=True
        )
        .values("document_id")
        .annotate(uses=Count("message_id", distinct=True))
    )
    return {row["document_id"]: row["uses"] for row in rows}


def export_markdown(conversation: Conversation, turns: Sequence[TurnView]) -> str:
    """The conversation as Markdown, with a numbered list of sources under each answer."""
    parts = [f"# {conversation.title or 'Conversation'}", ""]
    for turn in turns:
        parts += [f"## {' '.join(turn.question.content.split())}", ""]
        if turn.answer is None:
            continue
        parts += [turn.answer.content, ""]
        parts += [f"[{s.number}] {s.label}: “{s.excerpt}”" for s in turn.answer.sources]
        parts.append("")
    return "\n".join(parts)


def list_recent_questions(workspace_id: UUID, collection_id: UUID, limit: int) -> list[str]:
    """What was asked lately of assistants that answer from a collection, the latest first.

    Nothing where the workspace keeps conversations to those who had them.
    """
    questions = (
        Message.objects.filter(
            workspace_id=workspace_id,
            author=Message.Author.USER,
            replaced=False,
            conversation__assistant__current__collections=collection_id,
        )
        .exclude(workspace__conversation_access=ConversationAccess.OFF)
        .order_by("-created_at")
        .values_list("content", flat=True)[: 4 * limit]
    )
    return list(dict.fromkeys(text.strip()[:500] for text in questions if text.strip()))[:limit]
