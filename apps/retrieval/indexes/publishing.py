"""Publishes many new documents at once, as `publish_version` does for one, in a dozen statements.

Most documents are new and can be published without conflicts, so they go together. Any other
document is left to `publish_version`, which reports what is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from apps.chunking.models import Chunk
from apps.chunking.table_rows import readable_text
from apps.documents.models import OPEN_STATES, Document, DocumentVersion
from apps.retrieval.indexes.following import follow_up, hold_live
from apps.retrieval.models import Embedding, Index
from apps.retrieval.passages.context_text import heading_with_context
from apps.retrieval.passages.labels import join_above, read_labels
from apps.retrieval.postings.services import add_to_counters, copy_postings

MAX_CHUNKS = 500
"""Chunks published in one transaction."""

SET_CURRENT = """
UPDATE documents_document SET current_id = version.id
FROM documents_documentversion version
WHERE version.document_id = documents_document.id AND version.id = ANY(%s)
"""
SET_READY = """
UPDATE documents_documentversion SET state = 'ready', stage = 'done', reason = '',
    reason_code = '', num_chunks = counted.count, chunks_done = counted.count, ready_at = %s
FROM unnest(%s::uuid[], %s::int[]) AS counted (id, count)
WHERE documents_documentversion.id = counted.id
"""


def is_new(version: DocumentVersion) -> bool:
    """Whether the version is its document's first and was never published."""
    return version.number == 1 and version.ready_at is None


@transaction.atomic
def publish_new(versions: Sequence[DocumentVersion], *, index: Index) -> set[UUID]:
    """Make these versions current, those that `is_new` and lack no vector; returns their ids.

    Raises IndexChangedError, with nothing changed, if another index is live by now.
    """
    version_ids = [version.pk for version in versions if is_new(version)]
    documents = Document.objects.select_for_update(no_key=True).order_by("pk")
    undisturbed = set(
        documents.filter(versions__in=version_ids, deleted_at=None, current=None).values_list(
            "pk", flat=True
        )
    )
    locked = DocumentVersion.objects.select_for_update(no_key=True).order_by("pk")
    new = set(
        locked.filter(
            pk__in=version_ids, document__in=undisturbed, state__in=OPEN_STATES
        ).values_list("pk", flat=True)
    )
    if not new:
        return new
    building = hold_live(index)
    counts = _index_words(new, index)
    ids = sorted(counts)
    with connection.cursor() as cursor:
        cursor.execute(SET_CURRENT, [ids])
        cursor.execute(SET_READY, [timezone.now(), ids, [counts[pk] for pk in ids]])
    follow_up(building)
    return set(ids)


def _index_words(version_ids: set[UUID], index: Index) -> dict[UUID, int]:
    """Write the postings of versions with all vectors; returns the number of chunks of each."""
    embedded = Embedding.objects.filter(chunk=OuterRef("pk"), index=index)
    chunks = list(
        Chunk.objects.filter(version_id__in=version_ids, profile=index.profile_id)
        .order_by("pk")
        .values_list(
            "pk", "version_id", "text", "table_head", heading_with_context(), Exists(embedded)
        )
    )
    lacking = {version_id for _, version_id, *_, is_embedded in chunks if not is_embedded}
    complete = [row for row in chunks if row[1] not in lacking]
    labels = read_labels(index, version_ids)
    num_indexed, length = copy_postings(
        [
            (pk, readable_text(text, head), join_above(labels.get(version_id, ""), heading))
            for pk, version_id, text, head, heading, _ in complete
        ],
        index=index,
    )
    add_to_counters(index.pk, chunks=num_indexed, length=length)
    counts = Counter(row[1] for row in complete)
    return {pk: counts[pk] for pk in version_ids - lacking}
