"""Choosing what a question is asked within, checked against what the asker's assistant has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.assistants.answering.scope import ATTACHED_FILES, EVERYWHERE, Named, Scope
from apps.chat.models import Conversation, Message
from apps.documents.models import Collection, Document

MAX_COLLECTIONS = 50
LISTED_DOCUMENTS = 12


class ScopeError(Exception):
    """What was chosen is nothing that this assistant can be asked within; says so in words."""


@dataclass(frozen=True, slots=True)
class ScopeChoice:
    """What somebody chose: ids as they sent them. Nothing chosen means everything."""

    collections: Sequence[str] = ()
    document: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A collection that can be chosen. The attached files are one too."""

    id: UUID
    name: str
    is_chosen: bool


def resolve_scope(
    choice: ScopeChoice, *, collection_ids: Sequence[UUID], conversation: Conversation | None
) -> Scope:
    """The scope that was chosen, with its names. Raises ScopeError.

    `collection_ids` are those of the release. What it does not have, what another conversation
    has, and what is not there at all look the same.
    """
    attached = conversation.files_id if conversation else None
    if choice.document and choice.collections:
        raise ScopeError("Choose collections or one document, not both.")
    if choice.document:
        allowed = EVERYWHERE.within(attached).narrow(collection_ids)
        return Scope(document=_find_document(choice.document, allowed), attached=attached)
    if len(choice.collections) > MAX_COLLECTIONS:
        raise ScopeError(f"At most {MAX_COLLECTIONS} collections can be chosen.")
    known = {row.pk: row.name for row in _list_collections(collection_ids)}
    if attached is not None:
        known[attached] = ATTACHED_FILES
    ids = [_as_uuid(text) for text in dict.fromkeys(choice.collections)]
    if any(pk not in known for pk in ids):
        raise ScopeError("This assistant has no such collection.")
    chosen = {pk for pk in ids if pk is not None}
    return Scope(
        collections=tuple(Named(pk, name) for pk, name in known.items() if pk in chosen),
        attached=attached,
    )


def _find_document(text: str, collection_ids: Sequence[UUID]) -> Named:
    pk = _as_uuid(text)
    document = (
        Document.objects.filter(
            pk=pk, collection__in=collection_ids, collection__deleted_at=None, deleted_at=None
        ).first()
        if pk
        else None
    )
    if document is None:
        raise ScopeError("This assistant has no such document.")
    return Named(document.pk, document.name)


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _list_collections(collection_ids: Sequence[UUID]) -> list[Collection]:
    rows = Collection.objects.filter(pk__in=collection_ids, deleted_at=None)
    return list(rows.order_by("name"))


def read_scope(message: Message) -> Scope:
    """What a question was asked within, in its conversation as it is now."""
    return Scope.parse(message.scope).within(message.conversation.files_id)


def read_current_scope(conversation: Conversation | None) -> Scope:
    """What the next question of a conversation is asked within: the same as the last one."""
    if conversation is None:
        return EVERYWHERE
    last = (
        Message.objects.filter(
            conversation=conversation, author=Message.Author.USER, replaced=False
        )
        .order_by("-created_at", "-pk")
        .first()
    )
    scope = Scope.parse(last.scope) if last else EVERYWHERE
    return scope.within(conversation.files_id)


def list_choices(collection_ids: Sequence[UUID], scope: Scope) -> list[Choice]:
    """The collections that can be chosen, by name; the attached files come first."""
    chosen = {collection.id for collection in scope.collections}
    choices = [
        Choice(row.pk, row.name, row.pk in chosen) for row in _list_collections(collection_ids)
    ]
    if scope.attached is not None:
        choices.insert(0, Choice(scope.attached, ATTACHED_FILES, scope.attached in chosen))
    return choices


def find_documents(collection_ids: Sequence[UUID], text: str) -> list[Document]:
    """Searchable documents of these collections whose names have the text in them, by name."""
    return list(
        Document.objects.filter(
            collection__in=collection_ids,
            collection__deleted_at=None,
            deleted_at=None,
            current__isnull=False,
            name__icontains=text,
        ).order_by("name")[:LISTED_DOCUMENTS]
    )
