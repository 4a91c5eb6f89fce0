"""Two rankings of the same question, from two indexes. Pure.

Indexes that cut differently have no passages in common. Two hits are taken for the same place
when they share more than half of the shorter one's text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.retrieval.search.hits import Hit


@dataclass(frozen=True, slots=True)
class Placed:
    """A hit at its rank, from 1, and the best rank of the same place in the other ranking."""

    rank: int
    hit: Hit
    other_rank: int | None

    @property
    def moved(self) -> int | None:
        """Places it stands higher than in the other ranking; None if it is not there."""
        return None if self.other_rank is None else self.other_rank - self.rank


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both rankings. `overlap` is the share of the second's places that the first has too."""

    before: tuple[Placed, ...]
    after: tuple[Placed, ...]
    overlap: float

    @property
    def num_moved(self) -> int:
        """Places of the second ranking at another rank than in the first."""
        return sum(1 for placed in self.after if placed.moved)

    @property
    def num_new(self) -> int:
        """Places of the second ranking that the first does not have."""
        return sum(1 for placed in self.after if placed.other_rank is None)


def compare(before: Sequence[Hit], after: Sequence[Hit]) -> Comparison:
    """Set two rankings beside each other. Two empty ones agree."""
    first, second = _place(before, after), _place(after, before)
    largest = max(len(before), len(after))
    shared = min(_count_shared(first), _count_shared(second))
    return Comparison(first, second, shared / largest if largest else 1.0)


def _place(hits: Sequence[Hit], others: Sequence[Hit]) -> tuple[Placed, ...]:
    return tuple(Placed(rank, hit, _find(hit, others)) for rank, hit in enumerate(hits, 1))


def _find(hit: Hit, others: Sequence[Hit]) -> int | None:
    return next((n for n, other in enumerate(others, 1) if is_same_place(hit, other)), None)


def _count_shared(placed: Sequence[Placed]) -> int:
    return sum(1 for item in placed if item.other_rank is not None)


def is_same_place(hit: Hit, other: Hit) -> bool:
    """Whether two hits share more than half of the shorter one's text."""
    if hit.version_id != other.version_id:
        return False
    shared = min(hit.end, other.end) - max(hit.start, other.start)
    return shared * 2 > min(hit.end - hit.start, other.end - other.start)
