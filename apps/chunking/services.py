"""Writes of chunks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from apps.chunking.models import Chunk, ChunkingProfile
from apps.chunking.planning import (
    HEADING_CHARS,
    CutVersion,
    build_chunk,
    compose,
    cut_version,
    read_changes,
)
from apps.chunking.strategies import DEFAULT_STRATEGY, get_strategy
from apps.documents.models import DocumentVersion
from apps.workspaces.models import Workspace

DEFAULT_PROFILE = "Standard"


def default_profile(workspace: Workspace) -> ChunkingProfile:
    """The profile that new collections use; created on first use."""
    profile, _ = ChunkingProfile.objects.get_or_create(
        workspace=workspace,
        name=DEFAULT_PROFILE,
        defaults={
            "splitter": DEFAULT_STRATEGY,
            "params": get_strategy(DEFAULT_STRATEGY).defaults(),
        },
    )
    return profile


def split_version(version: DocumentVersion, *, profile: ChunkingProfile) -> int:
    """Cut the version's pages into chunks and store them; returns how many there are.

    People's changes to the document's chunks are applied wherever their text is still present.
    Repeating the call changes nothing while pages, profile and changes are the same, so existing
    vectors remain. Otherwise the old chunks are replaced, and their vectors and postings deleted,
    in one transaction.
    """
    return store_chunks(version, cut_version(version, profile=profile), profile=profile)


@transaction.atomic(savepoint=False)
def store_chunks(version: DocumentVersion, cut: CutVersion, *, profile: ChunkingProfile) -> int:
    """Store the chunks of a version that has been cut already; returns how many there are."""
    # Two workers may briefly process the same version, after one was presumed dead. And a
    # concurrent change is either seen here or finds the chunks that it has to change.
    DocumentVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    planned = compose(cut, read_changes(version.document_id))
    chunks = [
        build_chunk(chunk, version=version, profile=profile, position=position)
        for position, chunk in enumerate(planned)
    ]
    old = Chunk.objects.filter(version=version, profile=profile)
    before = list(old.select_for_update().order_by("position"))
    if [_key(chunk) for chunk in before] != [_key(chunk) for chunk in chunks]:
        old.delete()
        Chunk.objects.bulk_create(chunks, batch_size=500)
    return len(chunks)


COPY_CHUNKS = """
COPY chunking_chunk (workspace_id, version_id, profile_id, position, text, heading, table_head,
    start, "end", first_page, last_page, num_tokens, parent_start, parent_end) FROM STDIN
"""


def store_first_chunks(
    cuts: Sequence[tuple[DocumentVersion, CutVersion]], *, profile: ChunkingProfile
) -> list[int]:
    """Store the chunks of versions that are the first of their documents; returns each number.

    Runs in the caller's transaction. There is no need to look for people's changes: the documents
    have not had any chunks before.
    """
    counts = []
    with connection.cursor() as cursor, cursor.copy(COPY_CHUNKS) as copy:
        for version, cut in cuts:
            planned = compose(cut, ())
            for position, chunk in enumerate(planned):
                piece = chunk.piece
                copy.write_row((
                    version.workspace_id, version.pk, profile.pk, position, chunk.text,
                    piece.heading[:HEADING_CHARS], chunk.table_head, piece.start, piece.end,
                    piece.first_page, piece.last_page, piece.num_tokens, piece.parent_start,
                    piece.parent_end,
                ))  # fmt: skip
            counts.append(len(planned))
    return counts


def _key(chunk: Chunk) -> tuple[Any, ...]:
    return (
        chunk.position, chunk.start, chunk.end, chunk.heading, chunk.table_head, chunk.text,
        chunk.parent_start, chunk.parent_end, chunk.edit_id, chunk.tags,
    )  # fmt: skip


__all__ = ["default_profile", "split_version", "store_chunks", "store_first_chunks"]
