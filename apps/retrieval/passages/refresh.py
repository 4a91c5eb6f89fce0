"""Brings a document's chunks in line with people's changes, in every index.

New vectors are computed first. Then chunks, vectors, postings and counters change in one
transaction, so a search finds either the old chunks or the new ones. Repeating it changes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
from django.db import connection, transaction
from django.db.models import F

from apps.chunking.edits import PlacedChange, PlannedChunk, place
from apps.chunking.models import Chunk, ChunkEdit, ChunkingProfile
from apps.chunking.planning import (
    CutVersion,
    build_chunk,
    compose,
    cut_version,
    read_changes,
)
from apps.chunking.table_rows import embedded_text
from apps.core.embedder import get_embedder
from apps.documents.models import Document, DocumentVersion, VersionState
from apps.retrieval.indexes.services import pending_chunks, store_embeddings, text_to_embed
from apps.retrieval.models import Index, IndexedVersion, IndexState, PassageContext
from apps.retrieval.passages.labels import join_above, read_labels
from apps.retrieval.passages.rows import add_words, remove_chunks, remove_words_and_vectors
from inference.protocols import Vectors

RENUMBER = """
UPDATE chunking_chunk SET position = numbered.position
FROM unnest(%(ids)s::bigint[], %(positions)s::int[]) AS numbered (id, position)
WHERE chunking_chunk.id = numbered.id
"""
# A swap takes FOR UPDATE and has to wait for this lock; updates of the counters do not.
LOCK_INDEXES = """
SELECT * FROM retrieval_index
WHERE collection_id = %(collection)s AND profile_id = %(profile)s AND discarded_at IS NULL
ORDER BY state <> 'live', id FOR KEY SHARE
"""
CONTENT = ("text", "heading", "table_head")
REST = (
    "first_page", "last_page", "num_tokens", "parent_start", "parent_end", "edit_id", "tags",
)  # fmt: skip
BATCH = 256

ReportProgress = Callable[[int, int], None]
"""Is called with the number of profiles that are done, and of all."""


@dataclass(slots=True)
class _Difference:
    """How the rows have to change. Those in `content` need new vectors and postings."""

    added: list[Chunk] = field(default_factory=list)
    content: list[Chunk] = field(default_factory=list)
    rest: list[Chunk] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    positions: dict[int, int] = field(default_factory=dict)


Known = dict[tuple[str, str], Vectors]
"""Vectors of shape (dimensions,) by model name and embedded text."""


def refresh_chunks(
    document_id: UUID, *, progress: ReportProgress = lambda done, total: None
) -> int:
    """Apply people's changes to the document's current chunks; returns how many rows changed."""
    current = DocumentVersion.objects.select_related("document").filter(
        document=document_id, document__deleted_at=None, document__current=F("pk")
    )
    version = current.first()
    if version is None:
        return 0
    indexes = list(
        Index.objects.select_related("profile").filter(
            collection_id=version.document.collection_id, discarded_at=None
        )
    )
    profiles = {index.profile_id: index.profile for index in indexes}
    changed = 0
    for done, profile in enumerate(profiles.values()):
        progress(done, len(profiles))
        same = [index for index in indexes if index.profile_id == profile.pk]
        changed += _refresh(version, profile, same)
    return changed


def _refresh(version: DocumentVersion, profile: ChunkingProfile, indexes: Sequence[Index]) -> int:
    if not _is_split(version, profile, indexes):
        return 0  # the build of the index will split it later, and apply the changes then
    cut = cut_version(version, profile=profile)
    known = _embed_new(version, profile, indexes, compose(cut, read_changes(version.document_id)))
    with transaction.atomic():
        if not _lock(version):
            return 0
        return _write(version, profile, _lock_indexes(version, profile), cut, known)


def _is_split(version: DocumentVersion, profile: ChunkingProfile, indexes: Sequence[Index]) -> bool:
    rows = Chunk.objects.filter(version=version, profile=profile)
    return bool(_holding(version, indexes)) or rows.exists()


def _holding(version: DocumentVersion, indexes: Sequence[Index]) -> list[Index]:
    """The indexes that hold the version's postings and vectors, live first, then by id."""
    held = set(
        IndexedVersion.objects.filter(version=version, index__in=indexes).values_list(
            "index_id", flat=True
        )
    )
    holding = [i for i in indexes if i.state == IndexState.LIVE or i.pk in held]
    return sorted(holding, key=lambda index: (index.state != IndexState.LIVE, index.pk))


def _embed_new(
    version: DocumentVersion,
    profile: ChunkingProfile,
    indexes: Sequence[Index],
    plan: Sequence[PlannedChunk],
) -> Known:
    """Embed texts that no row has yet, so that the transaction does not wait for a model."""
    rows = Chunk.objects.filter(version=version, profile=profile)
    stored = set(rows.values_list("heading", "text", "table_head"))
    texts = [
        (heading, embedded_text(text, head))
        for planned_chunk in plan
        for heading, text, head in [
            (planned_chunk.piece.heading, planned_chunk.text, planned_chunk.table_head)
        ]
        if (heading, text, head) not in stored
    ]
    known: Known = {}
    for index in _holding(version, indexes):
        labels = read_labels(index, [version.pk]).get(version.pk, "")
        above = [text_to_embed(join_above(labels, heading), text) for heading, text in texts]
        _embed(index.embedding_model, above, known)
    return known


def _embed(model: str, texts: Sequence[str], known: Known) -> None:
    new = [text for text in dict.fromkeys(texts) if (model, text) not in known]
    for start in range(0, len(new), BATCH):
        batch = new[start : start + BATCH]
        vectors = get_embedder(model).encode(batch)
        known.update({(model, text): vectors[n] for n, text in enumerate(batch)})


def _lock(version: DocumentVersion) -> bool:
    """Take the locks that publishing takes; False if the version is no longer current there."""
    document = Document.objects.select_for_update(no_key=True).filter(
        pk=version.document_id,
        collection=version.document.collection_id,
        deleted_at=None,
        current_id=version.pk,
    )
    locked = DocumentVersion.objects.select_for_update(no_key=True).filter(
        pk=version.pk, state=VersionState.READY
    )
    return document.exists() and locked.exists()


def _lock_indexes(version: DocumentVersion, profile: ChunkingProfile) -> list[Index]:
    """The profile's indexes as they are now; none can be swapped until the transaction ends."""
    values = {"collection": version.document.collection_id, "profile": profile.pk}
    return list(Index.objects.raw(LOCK_INDEXES, values))


def _write(
    version: DocumentVersion,
    profile: ChunkingProfile,
    indexes: Sequence[Index],
    cut: CutVersion,
    known: Known,
) -> int:
    changes = read_changes(version.document_id)
    plan = compose(cut, changes)
    _follow(place(changes, cut.text).placed, version.document_id)
    difference = _compare(version, profile, plan)
    _write_rows(difference)
    holding = _holding(version, indexes)
    ids = [chunk.pk for chunk in (*difference.added, *difference.content)]
    for index in holding:
        _store_vectors(version, index, known)
        add_words(ids, index=index)
    _count(version, holding, len(plan))
    return len(ids) + len(difference.removed) + len(difference.rest)


def _follow(placed: Sequence[PlacedChange], document_id: UUID) -> None:
    """Store where each change's stretch is now, for queries that go by offsets."""
    for stretch in placed:
        if stretch.start == stretch.change.start:
            continue
        same = ChunkEdit.objects.filter(
            document=document_id, start=stretch.start, end=stretch.end
        ).exclude(pk=stretch.change.id)
        if not same.exists():
            ChunkEdit.objects.filter(pk=stretch.change.id).update(
                start=stretch.start, end=stretch.end
            )


def _compare(
    version: DocumentVersion, profile: ChunkingProfile, plan: Sequence[PlannedChunk]
) -> _Difference:
    rows = Chunk.objects.filter(version=version, profile=profile).order_by("position")
    by_span = {(row.start, row.end): row for row in rows.select_for_update(no_key=True)}
    difference = _Difference()
    for position, planned_chunk in enumerate(plan):
        chunk = build_chunk(planned_chunk, version=version, profile=profile, position=position)
        row = by_span.pop((chunk.start, chunk.end), None)
        if row is None:
            difference.added.append(chunk)
            continue
        if row.position != position:
            difference.positions[row.pk] = position
        if _take_over(row, chunk, CONTENT):
            _take_over(row, chunk, REST)
            difference.content.append(row)
        elif _take_over(row, chunk, REST):
            difference.rest.append(row)
    difference.removed = [row.pk for row in by_span.values()]
    return difference


def _take_over(row: Chunk, chunk: Chunk, names: Sequence[str]) -> bool:
    """Copy these fields to the row; returns whether any of them differed."""
    new = [name for name in names if getattr(row, name) != getattr(chunk, name)]
    for name in new:
        setattr(row, name, getattr(chunk, name))
    return bool(new)


def _write_rows(difference: _Difference) -> None:
    remove_chunks(difference.removed)
    remove_words_and_vectors([row.pk for row in difference.content])
    # A context describes the old words of its chunk.
    PassageContext.objects.filter(chunk__in=[row.pk for row in difference.content]).delete()
    if difference.positions:
        with connection.cursor() as cursor:
            cursor.execute(
                RENUMBER,
                {
                    "ids": list(difference.positions),
                    "positions": list(difference.positions.values()),
                },
            )
    changed = [*difference.content, *difference.rest]
    if changed:
        Chunk.objects.bulk_update(changed, [*CONTENT, *REST], batch_size=200)
    Chunk.objects.bulk_create(difference.added, batch_size=500)


def _store_vectors(version: DocumentVersion, index: Index, known: Known) -> None:
    while pending := pending_chunks(index, version_ids=[version.pk], limit=BATCH):
        # Only the few texts that changed since the vectors were computed are embedded here.
        _embed(index.embedding_model, [chunk.text for chunk in pending], known)
        vectors = np.stack([known[index.embedding_model, chunk.text] for chunk in pending])
        if not store_embeddings(index, [chunk.chunk_id for chunk in pending], vectors):
            return


def _count(version: DocumentVersion, holding: Sequence[Index], num_chunks: int) -> None:
    if any(index.state == IndexState.LIVE for index in holding):
        DocumentVersion.objects.filter(pk=version.pk).update(
            num_chunks=num_chunks, chunks_done=num_chunks
        )
    IndexedVersion.objects.filter(version=version, index__in=holding).update(num_chunks=num_chunks)
