"""Writes: uploads, versions, retries, deletions. Those of collections are in `collections`.

Locks are always taken in the order collection, jobs, document, version, which is also the order
of the workers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.http import Http404
from django.utils import timezone

from apps.core import jobs
from apps.core.models import Job, JobKind, JobState
from apps.documents.labels import tag_of_folder
from apps.documents.models import (
    OPEN_STATES,
    Collection,
    Document,
    DocumentVersion,
    Page,
    Stage,
    VersionState,
)
from apps.documents.names import clean_name
from apps.documents.storage import IncomingBlob, receive_blob
from apps.workspaces.services import Actor, record_audit

Outcome = Literal["created", "new_version", "duplicate"]
LOCK_COLLECTION = """
SELECT 1 FROM documents_collection WHERE id = %s AND deleted_at IS NULL FOR NO KEY UPDATE
"""
PLAIN_NAMES = (".md", ".markdown", ".mdx", ".txt", ".text", ".rst")
PLAIN_BYTES = 40_000
"""Texts of such names and up to this size are read several at a time, if they turn out plain."""
SMALL_BYTES = 1_000_000
"""Files up to this size never wait for larger ones to be read."""

VERSION_JOBS = (JobKind.FETCH_URL, JobKind.PARSE_VERSION, JobKind.EMBED_VERSION)
EMPTY_REASON = "This file is empty: it has no bytes at all."
CANCELLED_REASON = "This was cancelled."
ENDED_BADLY = (VersionState.FAILED, VersionState.CANCELLED)


class NotRetryableError(Exception):
    """Only a failed or cancelled document can be tried again."""


class BadUrlError(Exception):
    """The text is not a web address that a document could come from."""


@dataclass(frozen=True, slots=True)
class UploadOutcome:
    """What an upload led to: a document, the version that holds the bytes, and whether it is new.

    A duplicate may be known under another name than it was uploaded with.
    """

    document: Document
    version: DocumentVersion
    outcome: Outcome


def add_upload(
    collection: Collection, *, file: Iterable[bytes], filename: str, actor: Actor
) -> UploadOutcome:
    """Keep an uploaded file and queue its ingestion.

    The same bytes that a document of the collection already has are recognised, whatever their
    name; other bytes under a known name become a new version of that document. Raises
    TooLargeError beyond `settings.MAX_UPLOAD_BYTES`, NoRoomError on a full disk, Http404 if the
    collection has gone meanwhile.
    """
    incoming = receive_blob(collection.workspace_id, file, limit=settings.MAX_UPLOAD_BYTES)
    try:
        with transaction.atomic():
            return _admit(collection, incoming, name=clean_name(filename), actor=actor)
    finally:
        incoming.discard()


def _admit(
    collection: Collection, incoming: IncomingBlob, *, name: str, actor: Actor
) -> UploadOutcome:
    lock_collection(collection)
    document = _find_by_name(collection, name)
    known = find_same(collection, document, sha256=incoming.sha256)
    if known is not None:
        if known.state in ENDED_BADLY:
            _place(incoming)
            _restart(known)
            known.refresh_from_db()
        return UploadOutcome(known.document, known, "duplicate")
    previous = None if document is None else find_newest(document)
    outcome: Outcome = "created" if document is None else "new_version"
    if document is None:
        folders = tag_of_folder(name)
        document = Document.objects.create(
            workspace_id=collection.workspace_id,
            collection=collection,
            name=name,
            tags=[folders] if folders else [],
        )
    version = _add_version(document, previous=previous, actor=actor, filename=name)
    version.blob, version.sha256, version.size = _place(incoming), incoming.sha256, incoming.size
    if incoming.size == 0:
        version.state, version.reason_code = VersionState.FAILED, "empty"
        version.reason = EMPTY_REASON
    version.save()
    if incoming.size:
        _enqueue(JobKind.PARSE_VERSION, version, is_plain=_looks_plain(version))
    # A file of a conversation is in no log: its time and its id would tell who asked there.
    if not collection.is_private:
        record_audit(
            collection.workspace_id,
            actor=actor,
            action="document.uploaded",
            subject=document,
            detail={"name": name, "version": version.number, "bytes": incoming.size},
        )
    return UploadOutcome(document, version, outcome)


def add_url(collection: Collection, *, url: str, actor: Actor) -> UploadOutcome:
    """Queue a web page to be fetched as a document; a known address gets a new version.

    Raises BadUrlError for anything but an http or https address.
    """
    name = _name_url(url)
    with transaction.atomic():
        lock_collection(collection)
        document = _find_by_name(collection, name)
        newest = None if document is None else find_newest(document)
        if document is not None and newest is not None and newest.state in OPEN_STATES:
            return UploadOutcome(document, newest, "duplicate")
        outcome: Outcome = "created" if document is None else "new_version"
        if document is None:
            document = Document.objects.create(
                workspace_id=collection.workspace_id,
                collection=collection,
                name=name,
                source_url=url,
            )
        version = _add_version(document, previous=newest, actor=actor, filename=name)
        version.stage = Stage.FETCHING
        version.save()
        _enqueue(JobKind.FETCH_URL, version)
        record_audit(
            collection.workspace_id,
            actor=actor,
            action="document.added_by_url",
            subject=document,
            detail={"url": url, "version": version.number},
        )
    return UploadOutcome(document, version, outcome)


def keep_fetched(
    version: DocumentVersion, incoming: IncomingBlob, *, filename: str, media_type: str
) -> bool:
    """Give a fetched page to its version and queue its reading; in the caller's transaction.

    False if an earlier version has the same bytes: then this one is withdrawn.
    """
    same = (
        DocumentVersion.objects.filter(
            document_id=version.document_id, sha256=incoming.sha256, state=VersionState.READY
        )
        .exclude(pk=version.pk)
        .exists()
    )
    if same:
        version.delete()
        return False
    DocumentVersion.objects.filter(pk=version.pk, state__in=OPEN_STATES).update(
        blob=_place(incoming),
        sha256=incoming.sha256,
        size=incoming.size,
        media_type=media_type,
        filename=clean_name(filename),
        stage=Stage.WAITING,
    )
    _enqueue(JobKind.PARSE_VERSION, version)
    return True


def retry_document(document: Document, *, actor: Actor) -> DocumentVersion:
    """Start the newest version again from the beginning. Raises NotRetryableError."""
    with transaction.atomic():
        version = find_newest(document)
        if version is None or not _restart(version):
            raise NotRetryableError
        record_audit(
            document.workspace_id, actor=actor, action="document.retried", subject=document
        )
        version.refresh_from_db()
    return version


def cancel_document(document: Document, *, actor: Actor) -> bool:
    """Stop the ingestion of the newest version; False if it had ended already."""
    with transaction.atomic():
        version = find_newest(document)
        if version is None or not _cancel_version(version, reason=CANCELLED_REASON):
            return False
        record_audit(
            document.workspace_id, actor=actor, action="document.cancelled", subject=document
        )
    return True


def delete_document(document: Document, *, actor: Actor) -> None:
    """Make the document unfindable now; a job removes its text, passages, vectors and bytes."""
    with transaction.atomic():
        hide_documents([document.pk])
        enqueue_purge(document.workspace_id, document_id=document.pk)
        if not document.collection.is_private:
            record_audit(
                document.workspace_id,
                actor=actor,
                action="document.deleted",
                subject=document,
                detail={"name": document.name},
            )


def find_newest(document: Document) -> DocumentVersion | None:
    """The version uploaded last, whatever became of it."""
    return DocumentVersion.objects.filter(document=document).order_by("-number").first()


def lock_blob(name: str) -> None:
    """Keep others from placing or removing this blob until the transaction ends."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def lock_collection(collection: Collection) -> None:
    """Uploads into one collection are admitted one after the other: names and bytes are unique."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_COLLECTION, [collection.pk])
        if cursor.fetchone() is None:
            raise Http404


def _find_by_name(collection: Collection, name: str) -> Document | None:
    return Document.objects.filter(collection=collection, name=name, deleted_at=None).first()


def find_same(
    collection: Collection, document: Document | None, *, sha256: str
) -> DocumentVersion | None:
    """The newest version of a live document with these bytes; of the same name, if there is one."""
    if document is not None:
        newest = find_newest(document)
        return newest if newest is not None and newest.sha256 == sha256 else None
    candidates = (
        DocumentVersion.objects.select_related("document")
        .filter(
            workspace_id=collection.workspace_id,
            sha256=sha256,
            document__collection=collection,
            document__deleted_at=None,
        )
        .annotate(newest=Max("document__versions__number"))
    )
    return next((version for version in candidates if version.number == version.newest), None)


def _place(incoming: IncomingBlob) -> str:
    lock_blob(incoming.name)
    return incoming.place()


def _add_version(
    document: Document, *, previous: DocumentVersion | None, actor: Actor, filename: str
) -> DocumentVersion:
    """The next version, not saved yet; one that is still being worked on gives way to it."""
    if previous is not None:
        _cancel_version(previous, reason="A newer version was uploaded before this was ready.")
    return DocumentVersion(
        workspace_id=document.workspace_id,
        document=document,
        number=1 if previous is None else previous.number + 1,
        filename=filename,
        created_by=actor.user,
    )


def _looks_plain(version: DocumentVersion) -> bool:
    """Whether this is a document's first version and looks like a short text."""
    is_text = version.filename.lower().endswith(PLAIN_NAMES)
    return version.number == 1 and is_text and version.size <= PLAIN_BYTES


def _enqueue(kind: JobKind, version: DocumentVersion, *, is_plain: bool = False) -> None:
    payload: dict[str, object] = {"version_id": str(version.pk)}
    if 0 < version.size <= SMALL_BYTES:
        payload["small"] = True
    jobs.enqueue(
        kind,
        workspace_id=version.workspace_id,
        key=str(version.pk),
        payload=payload | ({"plain": True} if is_plain else {}),
    )


def enqueue_purge(workspace_id: UUID, *, document_id: UUID) -> None:
    """Queue the removal of what is left of a document that is hidden."""
    jobs.enqueue(
        JobKind.PURGE_DOCUMENT,
        workspace_id=workspace_id,
        key=str(document_id),
        payload={"document_id": str(document_id)},
    )


def _restart(version: DocumentVersion) -> bool:
    was_fetched = bool(version.blob)
    rows = DocumentVersion.objects.filter(pk=version.pk, state__in=ENDED_BADLY).update(
        state=VersionState.QUEUED,
        reason="",
        reason_code="",
        pages_done=0,
        pages_total=0,
        num_chunks=0,
        chunks_done=0,
        started_at=None,
        stage_started_at=None,
        stage=Stage.WAITING if was_fetched else Stage.FETCHING,
    )
    if not rows:
        return False
    Page.objects.filter(version=version).delete()
    _enqueue(JobKind.PARSE_VERSION if was_fetched else JobKind.FETCH_URL, version)
    return True


def _end_jobs(keys: list[str]) -> None:
    """End the ingestion jobs of versions; a worker that is on one notices at its next write."""
    Job.objects.filter(
        kind__in=VERSION_JOBS, key__in=keys, state__in=[JobState.QUEUED, JobState.RUNNING]
    ).update(state=JobState.CANCELLED, cancel_requested=True, finished_at=timezone.now())


def _cancel_version(version: DocumentVersion, *, reason: str) -> bool:
    _end_jobs([str(version.pk)])
    rows = DocumentVersion.objects.filter(pk=version.pk, state__in=OPEN_STATES).update(
        state=VersionState.CANCELLED, reason=reason, reason_code="cancelled"
    )
    return rows == 1


def hide_documents(pks: list[UUID]) -> None:
    """Hide documents from all reads and end the work on them. Raises Http404."""
    versions = DocumentVersion.objects.filter(document__in=pks)
    _end_jobs([str(pk) for pk in versions.values_list("pk", flat=True)])
    documents = Document.objects.filter(pk__in=pks, deleted_at=None)
    if documents.update(deleted_at=timezone.now(), current=None) != len(pks):
        raise Http404


def _name_url(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname
    except ValueError as error:
        raise BadUrlError from error
    if parts.scheme not in ("http", "https") or not host or len(url) > 2000:
        raise BadUrlError
    query = f"?{parts.query}" if parts.query else ""
    return clean_name(f"{host}{parts.path}{query}")
