"""Postings and vectors of single chunks. Callers hold the locks of document and version."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from apps.chunking.models import Chunk
from apps.retrieval.models import Index
from apps.retrieval.passages.context_text import list_indexed
from apps.retrieval.postings.services import add_to_counters, copy_postings, remove_postings


def add_words(chunk_ids: Sequence[int], *, index: Index) -> None:
    """Index the words of chunks that have no postings in `index` yet."""
    rows = list_indexed(
        Chunk.objects.filter(pk__in=chunk_ids, profile=index.profile_id), index=index
    )
    if rows:
        indexed, length = copy_postings(rows, index=index)
        add_to_counters(index.pk, chunks=indexed, length=length)


def remove_words_and_vectors(chunk_ids: Sequence[int]) -> None:
    """Remove postings and vectors of chunks from every index; the chunks themselves stay."""
    if not chunk_ids:
        return
    remove_postings(chunk_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM retrieval_embedding WHERE chunk_id = ANY(%s)", [list(chunk_ids)]
        )


def remove_chunks(chunk_ids: Sequence[int]) -> None:
    """Delete chunks with their words and vectors."""
    remove_words_and_vectors(chunk_ids)
    if chunk_ids:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM chunking_chunk WHERE id = ANY(%s)", [list(chunk_ids)])
