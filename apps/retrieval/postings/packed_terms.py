"""The postings of one term as bytes: ids as gaps, and what each posting adds to a score.

A frequent term has short gaps, most of which fit into a byte. A longer gap is written as several
bytes of the largest value, followed by the remainder. Terms with longer gaps use two bytes in the
same way; the first byte of all says which. Pure.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from apps.retrieval.postings.bm25 import bm25_share

FULL_IMPACT = 32_767
_IMPACT = np.dtype("<i2")

POSTING = np.dtype([("chunk_id", ">i8"), ("frequency", ">i4"), ("length", ">i4")])
"""A posting as Postgres sends it."""

_WIDTHS: dict[int, tuple[Any, int]] = {1: (np.dtype("u1"), 0xFF), 2: (np.dtype("<u2"), 0xFFFF)}
"""By the number of bytes for a gap: its type and its largest value."""


def pack_numbers(numbers: Any) -> bytes:
    """Pack ascending int64 numbers, none of them negative."""
    gaps = np.diff(numbers, prepend=0)
    written = [_write_gaps(gaps, width) for width in _WIDTHS]
    return min(written, key=len)


def _write_gaps(gaps: Any, width: int) -> bytes:
    form, largest = _WIDTHS[width]
    times, rest = np.divmod(gaps, largest)
    ends = np.cumsum(times + 1)
    steps = np.full(ends[-1], largest, form)
    steps[ends - 1] = rest
    return bytes([width]) + steps.tobytes()


def unpack_numbers(packed: bytes, *, count: int) -> Any:
    """The `count` numbers that `pack_numbers` was given."""
    form, largest = _WIDTHS[packed[0]]
    steps = np.frombuffer(packed, form, offset=1)
    numbers = np.cumsum(steps, dtype=np.int64)
    return numbers if len(steps) == count else numbers[steps != largest]


def pack_impacts(frequencies: Any, lengths: Any, *, mean_length: float) -> bytes:
    """`bm25_share` of each posting, as a share of FULL_IMPACT."""
    shares: Any = np.rint(FULL_IMPACT * bm25_share(frequencies, lengths, mean_length=mean_length))
    return bytes(shares.astype(_IMPACT).tobytes())


def unpack_impacts(packed: bytes, *, weight: float) -> Any:
    """What each posting adds to the score of its chunk, float32, for a term of this weight."""
    return np.frombuffer(packed, _IMPACT).astype(np.float32) * np.float32(weight / FULL_IMPACT)


def count_packed(impacts: bytes) -> int:
    """How many postings have these packed impacts."""
    return len(impacts) // _IMPACT.itemsize
