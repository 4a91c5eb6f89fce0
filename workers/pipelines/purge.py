"""Removing a deleted document for good. Since its deletion nobody could find it any more.

Every step may be repeated: a worker that takes over removes whatever is still there.
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Model, QuerySet

from apps.assistants.probes.services import forget_probe_answers
from apps.chat.models import RetrievedPassage
from apps.chat.services import withdraw_answers
from apps.core.models import Job
from apps.datasets.services import forget_document as forget_in_datasets
from apps.documents.models import Collection, Document, DocumentVersion, Page
from apps.documents.page_images import remove_page_images
from apps.documents.services import VERSION_JOBS, lock_blob
from apps.documents.storage import remove_blob
from apps.evaluation.experiments.results import withdraw_items
from apps.evaluation.models import ItemPassage
from apps.retrieval.indexes.services import forget_document
from workers.claims import fence


def purge_document(job: Job) -> None:
    """Remove a deleted document's answers, passages, vectors, pages, rows and bytes."""
    document = Document.objects.filter(pk=job.payload["document_id"]).first()
    if document is None or document.deleted_at is None:
        return
    withdraw_answers(document.pk)
    withdraw_items(document.pk)
    forget_probe_answers(document.collection_id)
    forget_in_datasets(document.pk)
    forget_document(document)
    versions = list(DocumentVersion.objects.filter(document=document))
    for version in versions:
        remove_page_images(version.workspace_id, version.pk)
    blobs = {version.blob for version in versions if version.blob}
    with fence(job):
        delete_rows(RetrievedPassage.objects.filter(document=document))
        delete_rows(ItemPassage.objects.filter(document=document))
        delete_rows(Page.objects.filter(version__in=versions))
        keys = [str(version.pk) for version in versions]
        Job.objects.filter(kind__in=VERSION_JOBS, key__in=keys).delete()
        document.delete()
    for blob in sorted(blobs):
        _remove_unused(blob)
    _remove_empty_collection(document.collection_id)


def delete_rows(rows: QuerySet[Model]) -> None:
    """Delete with one statement, without loading the rows to look for dependent ones."""
    rows._raw_delete(rows.db)


def _remove_unused(blob: str) -> None:
    with transaction.atomic():
        lock_blob(blob)
        if not DocumentVersion.objects.filter(blob=blob).exists():
            remove_blob(blob)


def _remove_empty_collection(collection_id: UUID) -> None:
    with transaction.atomic():
        collection = (
            Collection.everything.select_for_update()
            .filter(pk=collection_id)
            .exclude(deleted_at=None)
            .first()
        )
        if collection is not None and not collection.documents.exists():
            collection.delete()
