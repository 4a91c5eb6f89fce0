"""What the palette finds: pages, actions, and a workspace's own things by their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.urls import reverse

from apps.assistants.models import Assistant
from apps.chat.conversations.search import match_title, read_terms
from apps.chat.models import Conversation
from apps.datasets.models import Dataset
from apps.documents.models import Collection, Document
from apps.evaluation.models import Experiment
from apps.guide.palette.places import ACTIONS, PAGES, Place, match_places
from apps.prompts.models import Prompt
from apps.workspaces.models import Membership, Role, User, Workspace

SHOWN = 6
"""Of each kind."""
RECENT = 5
"""Of each kind, before anything is typed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the palette. `detail` tells things of one name apart."""

    id: str
    kind: str
    title: str
    detail: str
    address: str
    icon: str


@dataclass(frozen=True, slots=True)
class Group:
    """The entries of one kind, under the words that people know it by."""

    title: str
    entries: Sequence[Entry]


def search_palette(membership: Membership, text: str) -> list[Group]:
    """Whatever of a workspace this member may open, by name.

    Without a text: what can be begun, one's own latest conversations, assistants and pages.
    """
    workspace, terms = membership.workspace, read_terms(text)
    own = list_conversations(workspace, membership.user, terms, limit=SHOWN if terms else RECENT)
    actions = Group("Actions", _offer(ACTIONS, "action", membership, terms))
    pages = Group("Pages", _offer(PAGES, "page", membership, terms))
    conversations = Group("Your conversations", own)
    if not terms:
        things = [Group("Assistants", list_assistants(workspace, terms, limit=RECENT))]
        groups = [actions, conversations, *things, pages]
    else:
        is_editor = membership.has_role(Role.EDITOR)
        things = list_things(workspace, terms, for_editors=is_editor)
        groups = [pages, actions, *things, conversations]
    return [group for group in groups if group.entries]


def _offer(
    places: Iterable[Place], kind: str, membership: Membership, terms: list[str]
) -> list[Entry]:
    slug = membership.workspace.slug
    allowed = [place for place in places if membership.has_role(place.role)]
    return [
        Entry(place.view, kind, place.title, "", place.address(slug), place.icon)
        for place in match_places(allowed, terms)
    ]


def list_things(workspace: Workspace, terms: list[str], *, for_editors: bool) -> list[Group]:
    """What a workspace shares, by kind; what only editors open is left out for others."""
    groups = [
        Group("Assistants", list_assistants(workspace, terms)),
        Group("Collections", list_collections(workspace, terms)),
        Group("Documents", list_documents(workspace, terms)),
    ]
    if for_editors:
        groups += [
            Group("Datasets", list_datasets(workspace, terms)),
            Group("Experiments", list_experiments(workspace, terms)),
            Group("Prompts", list_prompts(workspace, terms)),
        ]
    return groups


def list_assistants(workspace: Workspace, terms: list[str], limit: int = SHOWN) -> list[Entry]:
    rows = _named(Assistant.objects.filter(workspace=workspace), terms)[:limit]
    return [
        _entry(row.pk, "assistant", row.name, row.description[:80], "chat:new",
               workspace.slug, row.slug)
        for row in rows
    ]  # fmt: skip


def list_collections(workspace: Workspace, terms: list[str]) -> list[Entry]:
    rows = Collection.objects.filter(workspace=workspace, deleted_at=None)
    return [
        _entry(row.pk, "collection", row.name, row.description[:80], "documents:collection",
               workspace.slug, row.pk)
        for row in _named(rows, terms)[:SHOWN]
    ]  # fmt: skip


def list_documents(workspace: Workspace, terms: list[str]) -> list[Entry]:
    """Attached files are found in their conversation only."""
    rows = Document.objects.filter(
        workspace=workspace, deleted_at=None,
        collection__is_private=False, collection__deleted_at=None,
    )  # fmt: skip
    return [
        _entry(row.pk, "document", row.name, row.collection.name, "documents:document",
               workspace.slug, row.pk)
        for row in _named(rows.select_related("collection"), terms)[:SHOWN]
    ]  # fmt: skip


def list_datasets(workspace: Workspace, terms: list[str]) -> list[Entry]:
    rows = _named(Dataset.objects.filter(workspace=workspace), terms)[:SHOWN]
    return [
        _entry(row.pk, "dataset", row.name, row.description[:80], "datasets:dataset",
               workspace.slug, row.pk)
        for row in rows
    ]  # fmt: skip


def list_experiments(workspace: Workspace, terms: list[str]) -> list[Entry]:
    rows = Experiment.objects.filter(workspace=workspace).select_related("assistant")
    return [
        _entry(row.pk, "experiment", row.name, row.assistant.name, "evaluation:experiment",
               workspace.slug, row.pk)
        for row in _named(rows, terms)[:SHOWN]
    ]  # fmt: skip


def list_prompts(workspace: Workspace, terms: list[str]) -> list[Entry]:
    rows = _named(Prompt.objects.filter(workspace=workspace), terms)[:SHOWN]
    return [
        _entry(row.pk, "prompt", row.name, "", "prompts:prompt", workspace.slug, row.pk)
        for row in rows
    ]


def list_conversations(
    workspace: Workspace, user: User, terms: list[str], *, limit: int = SHOWN
) -> list[Entry]:
    """Only this person's own, the latest first."""
    rows = Conversation.objects.filter(match_title(terms), workspace=workspace, user=user)
    rows = rows.exclude(title="").select_related("assistant").order_by("-updated_at", "-pk")
    return [
        _entry(row.pk, "conversation", row.title, row.assistant.name, "chat:conversation",
               workspace.slug, row.assistant.slug, row.pk)
        for row in rows[:limit]
    ]  # fmt: skip


def _named(rows: QuerySet[Any], terms: list[str]) -> QuerySet[Any]:
    """Rows with all terms in their name; names that begin with the first one come first."""
    if not terms:
        return rows.order_by("name", "pk")
    starts = When(name__istartswith=terms[0], then=Value(0))
    rank = Case(starts, default=Value(1), output_field=IntegerField())
    return rows.filter(match_title(terms, path="name")).order_by(rank, "name", "pk")


ICONS = {
    "assistant": "chat-bubble-left-right",
    "collection": "folder-open",
    "document": "document-text",
    "dataset": "queue-list",
    "experiment": "beaker",
    "prompt": "document-duplicate",
    "conversation": "chat-bubble-bottom-center-text",
}


def _entry(pk: UUID, kind: str, title: str, detail: str, view: str, *arguments: object) -> Entry:
    return Entry(str(pk), kind, title, detail, reverse(view, args=arguments), ICONS[kind])
