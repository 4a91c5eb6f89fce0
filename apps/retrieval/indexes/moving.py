"""Moves a document to another collection, with its passages and vectors as far as they fit there.

Its versions, pages, people's changes and the answers that cite it stay as they are.
"""

from __future__ import annotations

from uuid import UUID

from django.db import connection, transaction

from apps.chunking.models import Chunk
from apps.core import jobs
from apps.core.models import JobKind
from apps.documents.models import (
    OPEN_STATES,
    Collection,
    Document,
    DocumentVersion,
    Stage,
    VersionState,
)
from apps.documents.services import find_newest, find_same, lock_collection
from apps.retrieval.indexes.following import IndexChangedError
from apps.retrieval.indexes.services import (
    VectorsMissingError,
    ensure_live_index,
    publish_version,
)
from apps.retrieval.models import Index, IndexedVersion, IndexState
from apps.retrieval.passages.edit_jobs import follow_changes
from apps.retrieval.postings.services import remove_postings
from apps.workspaces.services import Actor, record_audit

COPY_VECTORS = """
INSERT INTO retrieval_embedding (workspace_id, index_id, version_id, chunk_id, vector)
SELECT workspace_id, %(target)s, version_id, chunk_id, vector
FROM retrieval_embedding WHERE index_id = %(source)s AND chunk_id = ANY(%(chunks)s)
ON CONFLICT (chunk_id, index_id) DO NOTHING
"""
DROP_VECTORS = """
DELETE FROM retrieval_embedding WHERE chunk_id = ANY(%(chunks)s) AND index_id <> %(target)s
"""


class NotMovableError(Exception):
    """The document has to stay where it is; `code` says why: busy, name_taken or known."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@transaction.atomic
def move_document(document: Document, *, target: Collection, actor: Actor) -> bool:
    """Move a document within its workspace; False if it is there already.

    Where both collections cut and embed in the same way it can be found all the time. Otherwise it
    is cut and embedded anew, and is found again when its job has ended. Raises NotMovableError,
    and Http404 if the target has gone.
    """
    source = document.collection
    if source.pk == target.pk:
        return False
    for collection in sorted((source, target), key=lambda collection: collection.pk):
        lock_collection(collection)
    index = ensure_live_index(target)
    locked = Document.objects.select_for_update(no_key=True).get(pk=document.pk)
    _check(locked, target)
    current = locked.current
    Document.objects.filter(pk=locked.pk).update(collection=target, current=None)
    record_audit(
        locked.workspace_id,
        actor=actor,
        action="document.moved",
        subject=locked,
        detail={"name": locked.name, "from": source.name, "to": target.name},
    )
    if current is not None:
        _carry_over(current, source=source, index=index)
        _publish(current, index=index)
    return True


def _check(document: Document, target: Collection) -> None:
    newest = find_newest(document)
    if newest is None or newest.state in OPEN_STATES or document.deleted_at is not None:
        raise NotMovableError("busy")
    if target.documents.filter(name=document.name, deleted_at=None).exists():
        raise NotMovableError("name_taken")
    if newest.sha256 and find_same(target, None, sha256=newest.sha256) is not None:
        raise NotMovableError("known")


def _carry_over(version: DocumentVersion, *, source: Collection, index: Index) -> None:
    """Take the version out of all indexes of its collection; what `index` can use is kept."""
    IndexedVersion.objects.filter(version=version).delete()
    chunks = Chunk.objects.filter(version=version).order_by("pk")
    rows = list(chunks.select_for_update().values_list("pk", "profile_id"))
    ids = [pk for pk, _ in rows]
    remove_postings(ids)
    live = Index.objects.filter(collection=source, state=IndexState.LIVE).first()
    with connection.cursor() as cursor:
        if live is not None and live.embedding_model == index.embedding_model:
            cursor.execute(COPY_VECTORS, {"target": index.pk, "source": live.pk, "chunks": ids})
        cursor.execute(DROP_VECTORS, {"target": index.pk, "chunks": ids})
        others = [pk for pk, profile_id in rows if profile_id != index.profile_id]
        cursor.execute("DELETE FROM retrieval_embedding WHERE chunk_id = ANY(%s)", [others])
        cursor.execute("DELETE FROM chunking_chunk WHERE id = ANY(%s)", [others])


def _publish(version: DocumentVersion, *, index: Index) -> None:
    """Make the version found in its new collection, now or by a job that cuts and embeds it."""
    if Chunk.objects.filter(version=version, profile=index.profile_id).exists():
        try:
            publish_version(version, index=index)
        except (VectorsMissingError, IndexChangedError):
            pass
        else:
            follow_changes(version.workspace_id, version.document_id)
            return
    DocumentVersion.objects.filter(pk=version.pk).update(
        state=VersionState.PROCESSING, stage=Stage.SPLITTING, stage_started_at=None, chunks_done=0
    )
    _embed_anew(version.workspace_id, version.pk)


def _embed_anew(workspace_id: UUID, version_id: UUID) -> None:
    # No profile: the passages are cut again, as the index that is live by then says.
    jobs.enqueue(
        JobKind.EMBED_VERSION,
        workspace_id=workspace_id,
        key=str(version_id),
        payload={"version_id": str(version_id), "profile_id": ""},
    )
