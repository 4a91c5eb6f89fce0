"""The results of a probe, in numbers and in words. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles

from apps.assistants.probes.perturb import AGAIN, LABELS

CHANGED_BELOW = 0.85
"""Cosine similarity of two answers below which they are counted as different answers."""
BINS = 10


@dataclass(frozen=True, slots=True)
class Move:
    """One answer to a changed question, against the answer to the question as it was."""

    kind: str
    similarity: float
    is_changed: bool


@dataclass(frozen=True, slots=True)
class KindSummary:
    """How answers moved under one kind of change. Similarities from -1 to 1."""

    label: str
    count: int
    changed: int
    lowest: float
    median: float

    @property
    def share(self) -> float:
        return self.changed / self.count


@dataclass(frozen=True, slots=True)
class PerturbationReport:
    """All moves. `histogram`: (label of the bin, how many); `noise`: share when asked again."""

    kinds: tuple[KindSummary, ...]
    histogram: tuple[tuple[str, int], ...]
    count: int
    changed: int
    noise: float | None
    summary: str


def is_changed(similarity: float, *, declined: tuple[bool, bool]) -> bool:
    """Whether the answer is another one: far from the first, or only one of them declines."""
    return declined[0] != declined[1] or similarity < CHANGED_BELOW


def report_moves(moves: Sequence[Move]) -> PerturbationReport:
    """Sum up. Repetitions of the same words count as noise, not as a change of the question."""
    kinds = tuple(
        _summarise(kind, [move for move in moves if move.kind == kind])
        for kind in LABELS
        if any(move.kind == kind for move in moves)
    )
    again = [move for move in moves if move.kind == AGAIN]
    others = [move for move in moves if move.kind != AGAIN]
    changed = sum(move.is_changed for move in others)
    noise = sum(move.is_changed for move in again) / len(again) if again else None
    return PerturbationReport(
        kinds=kinds,
        histogram=_bin(move.similarity for move in others),
        count=len(others),
        changed=changed,
        noise=noise,
        summary=_tell(len(others), changed, noise, kinds),
    )


def _summarise(kind: str, moves: Sequence[Move]) -> KindSummary:
    values = sorted(move.similarity for move in moves)
    median = quantiles(values, n=2)[0] if len(values) > 1 else values[0]
    changed = sum(move.is_changed for move in moves)
    return KindSummary(LABELS[kind], len(moves), changed, values[0], median)


def _bin(values: Iterable[float]) -> tuple[tuple[str, int], ...]:
    counts = [0] * BINS
    for value in values:
        counts[min(max(math.floor(value * BINS), 0), BINS - 1)] += 1
    return tuple(
        (f"{index / BINS:.1f} to {(index + 1) / BINS:.1f}", count)
        for index, count in enumerate(counts)
    )


def _tell(count: int, changed: int, noise: float | None, kinds: Sequence[KindSummary]) -> str:
    if not count:
        return "There is no answer to compare yet."
    said = f"{changed} of {count} changed questions got another answer ({changed / count:.0%})."
    worst = max((k for k in kinds if k.label != LABELS[AGAIN]), key=lambda k: k.share)
    if worst.changed:
        said += f" Most moved: {worst.label.lower()} ({worst.share:.0%})."
    if noise is not None:
        said += f" Asked again word for word, {noise:.0%} changed: that much is chance."
    return said


@dataclass(frozen=True, slots=True)
class GridCell:
    """A place of the heat map: how often the needle was found. `level` 0 (never) to 4 (always)."""

    hits: int
    count: int
    level: int

    @property
    def share(self) -> float:
        return self.hits / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True)
class NeedleReport:
    """Rows by depth, columns by length. A cell without a finished try is None."""

    lengths: tuple[int, ...]
    rows: tuple[tuple[float, tuple[GridCell | None, ...]], ...]
    hits: int
    count: int
    summary: str


def report_needles(results: Mapping[tuple[int, float], Sequence[bool]]) -> NeedleReport:
    """From (length, depth) to whether each try found it."""
    lengths = tuple(sorted({length for length, _ in results}))
    depths = sorted({depth for _, depth in results})
    rows = tuple(
        (depth, tuple(_cell(results.get((length, depth), ())) for length in lengths))
        for depth in depths
    )
    tries = [hit for group in results.values() for hit in group]
    return NeedleReport(lengths, rows, sum(tries), len(tries), _tell_needles(results))


def _cell(tries: Sequence[bool]) -> GridCell | None:
    if not tries:
        return None
    hits = sum(tries)
    level = 4 if hits == len(tries) else min(math.floor(hits / len(tries) * 4), 3)
    return GridCell(hits, len(tries), level)


def _tell_needles(results: Mapping[tuple[int, float], Sequence[bool]]) -> str:
    tries = [hit for group in results.values() for hit in group]
    if not tries:
        return "Nothing has been asked yet."
    said = f"Found in {sum(tries)} of {len(tries)} tries."
    if all(tries):
        return f"{said} Neither length nor position made a difference."
    if not any(tries):
        return f"{said} It was lost everywhere: look at an answer before blaming its position."
    by_depth = _shares(results, part=1)
    by_length = _shares(results, part=0)
    worst_depth = min(by_depth, key=by_depth.__getitem__)
    worst_length = min(by_length, key=by_length.__getitem__)
    return (
        f"{said} It is lost most at {worst_depth:.0%} of the text ({by_depth[worst_depth]:.0%} "
        f"found), and with {worst_length:,.0f} tokens ({by_length[worst_length]:.0%} found)."
    )


def _shares(
    results: Mapping[tuple[int, float], Sequence[bool]], *, part: int
) -> dict[float, float]:
    groups: dict[float, list[bool]] = {}
    for key, tries in results.items():
        groups.setdefault(key[part], []).extend(tries)
    return {key: sum(tries) / len(tries) for key, tries in groups.items() if tries}
