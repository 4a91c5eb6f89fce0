from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from apps.core.doors import door


@door(answered_by="chat")
def count_citations(workspace_id: UUID, document_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    """How many answers cite each document; one that none cites may be missing."""
    raise NotImplementedError


@door(answered_by="chat")
def owns_files(collection_id: UUID, user_id: UUID) -> bool:
    """Whether a private collection holds the files of one of this person's conversations."""
    raise NotImplementedError


@door(answered_by="assistants")
def name_assistants(workspace_id: UUID) -> Mapping[UUID, Sequence[str]]:
    """The names of the assistants that answer from each collection; without any, it is missing."""
    raise NotImplementedError


@door(answered_by="chunking")
def locate_passage(version_id: UUID, passage_id: int) -> tuple[int, int] | None:
    """Where a passage stands in a version's full text; None if the version has it no longer."""
    raise NotImplementedError


@door(answered_by="retrieval")
def follow_labels(workspace_id: UUID, document_id: UUID) -> bool:
    """Make a document's passages searchable anew where they are embedded with its labels.

    False where no index of its collection does that.
    """
    raise NotImplementedError
