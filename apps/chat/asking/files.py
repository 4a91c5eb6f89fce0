"""Files attached to one conversation: searched there and nowhere else, deleted with it.

They are documents of a private collection of the conversation (ADR 19), so that reading, passages,
embedding and removal are those of all documents.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.http import Http404
from django.utils import timezone

from apps.assistants.models import Assistant
from apps.chat.models import Conversation
from apps.chat.services import Asker
from apps.documents.collections import delete_collection
from apps.documents.models import OPEN_STATES, Collection, Document
from apps.documents.selectors import DocumentRow, describe_documents, list_documents
from apps.documents.services import UploadOutcome, add_upload, delete_document
from apps.workspaces.services import Actor

MAX_FILES = 20
ORPHANED_AFTER = dt.timedelta(minutes=10)
"""A new conversation and its first file are stored one after the other."""


class TooManyFilesError(Exception):
    """The conversation has as many files as one may have."""

    def __init__(self) -> None:
        super().__init__(f"A conversation has at most {MAX_FILES} files. Remove one first.")


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file of a conversation and how far its reading is. `percent`: 0 to 100."""

    row: DocumentRow

    @property
    def document(self) -> Document:
        return self.row.document

    @property
    def percent(self) -> int:
        return round(self.row.progress.fraction * 100)

    @property
    def is_unfinished(self) -> bool:
        return self.row.version.state in OPEN_STATES


def begin_conversation(assistant: Assistant, *, asker: Asker) -> Conversation:
    """An empty conversation, for what is attached before anything was asked."""
    return Conversation.objects.create(
        workspace_id=assistant.workspace_id,
        assistant=assistant,
        user_id=asker.user_id,
        api_key_id=asker.api_key_id,
    )


def attach_file(
    conversation: Conversation, *, file: Iterable[bytes], filename: str, actor: Actor
) -> UploadOutcome:
    """Attach a file and queue its reading.

    Raises TooManyFilesError, and what `documents.services.add_upload` raises.
    """
    files = _ensure_files(conversation)
    if list_documents(files).count() >= MAX_FILES:
        raise TooManyFilesError
    return add_upload(files, file=file, filename=filename, actor=actor)


@transaction.atomic
def _ensure_files(conversation: Conversation) -> Collection:
    locked = Conversation.objects.select_for_update().filter(pk=conversation.pk).first()
    if locked is None:
        raise Http404
    if locked.files_id is None:
        locked.files = Collection.everything.create(
            workspace_id=locked.workspace_id, name=f"conversation {locked.pk}", is_private=True
        )
        locked.save(update_fields=["files"])
    conversation.files = locked.files
    assert locked.files is not None
    return locked.files


def list_files(conversation: Conversation) -> list[AttachedFile]:
    """The conversation's files, the latest first."""
    if conversation.files is None:
        return []
    return [AttachedFile(row) for row in describe_documents(list_documents(conversation.files))]


def get_file(conversation: Conversation, document_id: UUID) -> Document:
    """A file of this conversation, or Http404."""
    document = (
        Document.objects.select_related("collection")
        .filter(pk=document_id, collection=conversation.files_id, deleted_at=None)
        .first()
        if conversation.files_id
        else None
    )
    if document is None:
        raise Http404
    return document


def remove_file(conversation: Conversation, document_id: UUID, *, actor: Actor) -> None:
    """Remove a file at once; answers that quote it are withdrawn. Raises Http404."""
    delete_document(get_file(conversation, document_id), actor=actor)


def remove_orphaned_files() -> int:
    """Remove the files of conversations that are gone; returns how many conversations those were.

    Conversations also go with their person, assistant or key, and then nobody else would.
    """
    orphans = Collection.everything.filter(
        is_private=True,
        deleted_at=None,
        conversation=None,
        created_at__lt=timezone.now() - ORPHANED_AFTER,
    )
    removed = 0
    for collection in orphans:
        delete_collection(collection, actor=Actor())
        removed += 1
    return removed


def owns_files(collection_id: UUID, user_id: UUID) -> bool:
    """Whether a private collection holds the files of one of this person's conversations."""
    return Conversation.objects.filter(files=collection_id, user=user_id).exists()
