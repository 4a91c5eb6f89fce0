"""What a change of many documents would come to, for the question before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.documents.bulk.changes import Action, Selection
from apps.documents.doors import count_citations, name_assistants
from apps.documents.models import Collection, Document


@dataclass(frozen=True, slots=True)
class Effects:
    """`uses` counts citations by answers; `assistants` are those that answer from the collection.

    `document` is the only one that is meant, if it is only one.
    """

    count: int
    uses: int
    assistants: Sequence[str]
    document: Document | None


def describe_effects(collection: Collection, action: Action, selection: Selection) -> Effects:
    """How many documents a change would touch, and who depends on them."""
    ids = selection.list_ids(collection, action)
    uses: Mapping[UUID, int] = {}
    assistants: Sequence[str] = ()
    if action == Action.DELETE and ids:
        uses = count_citations(collection.workspace_id, ids)
    if action == Action.MOVE:
        assistants = name_assistants(collection.workspace_id).get(collection.pk, ())
    document = Document.objects.filter(pk=ids[0]).first() if len(ids) == 1 else None
    return Effects(
        count=len(ids), uses=sum(uses.values()), assistants=tuple(assistants), document=document
    )
