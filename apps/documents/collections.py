"""Writes of collections. Deleting one takes the locks that `services` describes."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.documents.models import Collection
from apps.documents.services import enqueue_purge, hide_documents, lock_collection
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor, record_audit


class NameTakenError(Exception):
    """The workspace has a collection of this name already."""


def create_collection(
    workspace: Workspace, *, name: str, actor: Actor, description: str = ""
) -> Collection:
    """A new, empty collection. Raises NameTakenError."""
    try:
        with transaction.atomic():
            collection = Collection.objects.create(
                workspace=workspace, name=name, description=description
            )
    except IntegrityError as error:
        raise NameTakenError from error
    record_audit(
        workspace.pk,
        actor=actor,
        action="collection.created",
        subject=collection,
        detail={"name": name},
    )
    return collection


def update_collection(
    collection: Collection, *, actor: Actor, name: str | None = None, description: str | None = None
) -> Collection:
    """Change the name and the description, each unless it is None. Raises NameTakenError."""
    collection.name = collection.name if name is None else name
    collection.description = collection.description if description is None else description
    try:
        with transaction.atomic():
            collection.save(update_fields=["name", "description"])
    except IntegrityError as error:
        raise NameTakenError from error
    record_audit(
        collection.workspace_id,
        actor=actor,
        action="collection.changed",
        subject=collection,
        detail={"name": collection.name},
    )
    return collection


def delete_collection(collection: Collection, *, actor: Actor) -> None:
    """Delete a collection with all its documents: unfindable now, removed by jobs."""
    with transaction.atomic():
        lock_collection(collection)
        pks = list(collection.documents.filter(deleted_at=None).values_list("pk", flat=True))
        hide_documents(pks)
        Collection.everything.filter(pk=collection.pk).update(deleted_at=timezone.now())
        if not collection.is_private:
            record_audit(
                collection.workspace_id,
                actor=actor,
                action="collection.deleted",
                subject=collection,
                detail={"name": collection.name, "documents": len(pks)},
            )
        for pk in pks:
            enqueue_purge(collection.workspace_id, document_id=pk)
        if not collection.documents.exists():
            collection.delete()
