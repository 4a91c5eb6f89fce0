"""What one question is asked within: everything the assistant has, some collections, one document.

Pure. A scope only ever narrows: what a release does not have, no scope adds. The files that are
attached to the conversation are searched as one more collection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

ATTACHED_FILES = "Attached files"


@dataclass(frozen=True, slots=True)
class Named:
    """A collection or a document, with the name that it had when the question was asked."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Chosen collections, or a chosen document; neither means everything.

    `attached` is the conversation's own collection of attached files, if it has one.
    """

    collections: tuple[Named, ...] = ()
    document: Named | None = None
    attached: UUID | None = None

    @property
    def is_narrow(self) -> bool:
        return bool(self.collections) or self.document is not None

    @property
    def label(self) -> str:
        """The choice in words; empty where nothing was chosen."""
        if self.document is not None:
            return self.document.name
        return ", ".join(collection.name for collection in self.collections)

    @property
    def document_ids(self) -> tuple[UUID, ...]:
        return (self.document.id,) if self.document else ()

    def narrow(self, collection_ids: Sequence[UUID]) -> tuple[UUID, ...]:
        """Which of a release's collections, and of the attached files, are searched."""
        allowed = (*collection_ids, *([self.attached] if self.attached else []))
        if not self.collections:
            return allowed
        chosen = {collection.id for collection in self.collections}
        return tuple(pk for pk in allowed if pk in chosen)

    def within(self, attached: UUID | None) -> Scope:
        """This scope in a conversation with these attached files."""
        return replace(self, attached=attached)

    def as_json(self) -> dict[str, Any]:
        """As messages keep it; empty where nothing was chosen."""
        if self.document is not None:
            return {"document": _to_json(self.document)}
        if self.collections:
            return {"collections": [_to_json(collection) for collection in self.collections]}
        return {}

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Scope:
        """What `as_json` wrote."""
        document = values.get("document")
        return cls(
            collections=tuple(_from_json(item) for item in values.get("collections", ())),
            document=_from_json(document) if document else None,
        )


def _to_json(named: Named) -> dict[str, str]:
    return {"id": str(named.id), "name": named.name}


def _from_json(values: Mapping[str, str]) -> Named:
    return Named(UUID(values["id"]), values["name"])


EVERYWHERE = Scope()
