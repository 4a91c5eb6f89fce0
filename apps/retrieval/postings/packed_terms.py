"""Postings of one term as bytes: ascending numbers by their gaps, and what each adds to a score.

A frequent term's gaps are short, so most of them take a byte. One that is longer is written as
often as it holds the largest byte, and then the rest; terms with longer gaps take two bytes each
in the same way. The first byte of all says how many. Pure.
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
"""By the bytes of a gap: how it is written, and the largest of them."""


def pack_numbers(numbers: Any) -> bytes:
    """Bytes of ascending int64 numbers, none of them below 0."""
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
    """What each posting adds to the score of its passage, float32, for a term of this weight."""
    return np.frombuffer(packed, _IMPACT).astype(np.float32) * np.float32(weight / FULL_IMPACT)


def count_packed(impacts: bytes) -> int:
    """How many postings have these packed impacts."""
    return len(impacts) // _IMPACT.itemsize
