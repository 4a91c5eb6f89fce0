"""Grows chunks into larger texts to read: with their neighbours, or into their parents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import connection

from apps.chunking import selectors
from apps.chunking.selectors import Parent
from apps.retrieval.search.hits import Hit

LARGEST_GAP = 4
"""The most characters between two chunks that are taken to be only whitespace."""

NEAR = """
SELECT hit.id, near.start, near."end", near.text, near.first_page, near.table_head
FROM chunking_chunk hit
JOIN chunking_chunk near ON near.version_id = hit.version_id AND near.profile_id = hit.profile_id
    AND near.position BETWEEN hit.position - %(reach)s AND hit.position + %(reach)s
    AND near.edit_id IS NULL
WHERE hit.id = ANY(%(ids)s) AND hit.workspace_id = %(workspace)s AND hit.edit_id IS NULL
ORDER BY hit.id, near.position
"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Characters `start` to `end` of a version's full text, and the page they begin on.

    `table_head` is that of the chunk it begins with, or "" if only a later one has table rows.
    """

    start: int
    end: int
    text: str
    page: int
    table_head: str | None = None


def join_neighbours(hits: Sequence[Hit], *, workspace_id: UUID, reach: int) -> list[Hit]:
    """Grow each hit by up to `reach` chunks on either side; drop those inside a better one.

    Offsets and page are those of the whole stretch, so citations still point to the right place.
    """
    if not hits or not reach:
        return list(hits)
    stretches: dict[int, list[Stretch]] = defaultdict(list)
    with connection.cursor() as cursor:
        ids = [hit.chunk_id for hit in hits]
        cursor.execute(NEAR, {"ids": ids, "reach": reach, "workspace": workspace_id})
        for chunk_id, *stretch in cursor.fetchall():
            stretches[chunk_id].append(Stretch(*stretch))
    return _without_contained(hits, [grow(hit, stretches[hit.chunk_id]) for hit in hits])


def read_parents(hits: Sequence[Hit], *, workspace_id: UUID) -> list[Hit]:
    """Replace hits by the larger text that they were cut from; each text is kept once.

    Larger texts include people's edits and omit what they disabled.
    """
    parents = selectors.read_parents([hit.chunk_id for hit in hits], workspace_id=workspace_id)
    grown = [_widen(hit, whole) if (whole := parents.get(hit.chunk_id)) else hit for hit in hits]
    return _without_contained(hits, grown) if parents else grown


def _without_contained(hits: Sequence[Hit], grown: Sequence[Hit]) -> list[Hit]:
    """The grown hits, except those that lie within a better one's stretch."""
    kept: list[Hit] = []
    for hit, whole in zip(hits, grown, strict=True):
        if not any(_holds(better, hit) for better in kept):
            kept.append(whole)
    return kept


def grow(hit: Hit, around: Sequence[Stretch]) -> Hit:
    """The hit as the longest stretch without gaps that it forms with `around`, sorted by start."""
    whole = Stretch(hit.start, hit.end, hit.text, hit.page, hit.table_head)
    for after in (part for part in around if part.start > hit.start):
        whole = _append(whole, after)
    for before in (part for part in reversed(around) if part.start < hit.start):
        joined = _append(before, whole)
        whole = joined if joined.end >= whole.end else whole
    return _widen(hit, whole)


def _widen(hit: Hit, whole: Stretch | Parent) -> Hit:
    return replace(
        hit, start=whole.start, end=whole.end, text=whole.text, page=whole.page,
        table_head=whole.table_head,
    )  # fmt: skip


def _append(first: Stretch, second: Stretch) -> Stretch:
    """Both as one stretch; only the first if there is other text between them."""
    gap = second.start - first.end
    if gap > LARGEST_GAP or second.end <= first.end:
        return first
    # Whitespace between chunks is not stored. Its length has to match, or offsets would shift.
    text = first.text + "\n" * gap + second.text[max(0, -gap) :]
    head = first.table_head
    if head is None and second.table_head is not None:
        head = ""
    return Stretch(first.start, second.end, text, first.page, head)


def _holds(better: Hit, hit: Hit) -> bool:
    same = better.version_id == hit.version_id
    return same and better.start <= hit.start and hit.end <= better.end
