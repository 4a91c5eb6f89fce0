"""Looks up the collection, document or version of a request. Missing and forbidden look alike."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.http import Http404

from apps.documents.doors import owns_files
from apps.documents.models import Collection, Document, DocumentVersion
from apps.workspaces.models import User, Workspace


def get_collection(workspace: Workspace | UUID, collection_id: UUID) -> Collection:
    """The workspace's collection with this id, or Http404."""
    collection = Collection.objects.filter(
        workspace=workspace, pk=collection_id, deleted_at=None
    ).first()
    if collection is None:
        raise Http404
    return collection


def get_collections(
    workspace: Workspace | UUID, collection_ids: Sequence[UUID]
) -> list[Collection]:
    """The workspace's collections with these ids, in their order, or Http404 if one is missing."""
    ids = list(dict.fromkeys(collection_ids))
    by_id = Collection.objects.filter(workspace=workspace, deleted_at=None).in_bulk(ids)
    if len(by_id) < len(ids):
        raise Http404
    return [by_id[pk] for pk in ids]


def get_document(workspace: Workspace | UUID, document_id: UUID) -> Document:
    """The workspace's document with this id, or Http404. A deleted one is gone at once."""
    document = (
        Document.objects.select_related("collection", "current")
        .filter(
            workspace=workspace,
            pk=document_id,
            deleted_at=None,
            collection__deleted_at=None,
            collection__is_private=False,
        )
        .first()
    )
    if document is None:
        raise Http404
    return document


def get_readable_document(workspace: Workspace, document_id: UUID, *, reader: User) -> Document:
    """A document that this person may read: a shared one, or a file that they attached themselves.

    Http404 for everything else.
    """
    document = (
        Document.objects.select_related("collection", "current")
        .filter(workspace=workspace, pk=document_id, deleted_at=None, collection__deleted_at=None)
        .first()
    )
    if document is None:
        raise Http404
    if document.collection.is_private and not owns_files(document.collection_id, reader.pk):
        raise Http404
    return document


def get_version(workspace: Workspace | UUID, version_id: UUID) -> DocumentVersion:
    """The workspace's version with this id, with its document, or Http404."""
    version = (
        DocumentVersion.objects.select_related("document__collection")
        .filter(
            workspace=workspace,
            pk=version_id,
            document__deleted_at=None,
            document__collection__deleted_at=None,
            document__collection__is_private=False,
        )
        .first()
    )
    if version is None:
        raise Http404
    return version
