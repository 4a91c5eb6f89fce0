"""Packs small units into chunks. Pure numbers: sizes in, ranges of indices out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

Range = tuple[int, int]
"""Indices, the end excluded."""


def pack(sizes: Sequence[int], *, limit: int, overlap: int = 0) -> Iterator[Range]:
    """Ranges that sum to at most `limit`; each but the first repeats up to `overlap` of the last.

    Something larger than the limit is a range of its own. Every index is in some range.

    >>> list(pack([1, 1, 1, 1, 1], limit=3, overlap=1))
    [(0, 3), (2, 5)]
    """
    first = done = 0
    while done < len(sizes):
        last, total = done, sum(sizes[first:done])
        while first < done and total + sizes[done] > limit:
            total -= sizes[first]
            first += 1  # the overlap leaves no room for what comes next
        while last < len(sizes) and (last == first or total + sizes[last] <= limit):
            total += sizes[last]
            last += 1
        yield first, last
        first, done = _step_back(sizes, first, last, overlap=overlap), last


def _step_back(sizes: Sequence[int], first: int, last: int, *, overlap: int) -> int:
    start, shared = last, 0
    while start - 1 > first and shared + sizes[start - 1] <= overlap:
        start -= 1
        shared += sizes[start]
    return start
