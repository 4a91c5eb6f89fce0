"""What the search benchmark found: cells, the goals, and who is faster where."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

PLUMBLINE = "Plumbline"
RECALL_GOAL = 0.97
P95_GOALS = {100_000: 25.0, 1_000_000: 80.0}
SHARE = {"": "100 %", "tenth": "10 %", "hundredth": "1 %", "thousandth": "0.1 %"}
MODES = ("lexical", "vector", "hybrid")


@dataclass(slots=True)
class Cell:
    """One system, size, mode and selectivity: milliseconds of each question, and recall@10.

    `way` is "same" for a search that does what the product's does (bound to a workspace and a
    collection, lists of 50 in hybrid search), "manual" for one as the manual shows it. The recall
    of a peer's hybrid search is that of its vectors.
    """

    system: str
    size: int
    mode: str
    tag: str
    times: list[float]
    recall: float | None
    way: str = "same"

    @property
    def p50(self) -> float:
        return statistics.median(self.times)

    @property
    def p95(self) -> float:
        if len(self.times) < 2:
            return self.p50
        return statistics.quantiles(self.times, n=20, method="inclusive")[18]

    @property
    def place(self) -> tuple[int, str, str]:
        """What it has in common with those that it is compared with."""
        return self.size, self.mode, self.tag

    def row(self) -> tuple[str, ...]:
        recall = "" if self.recall is None else f"{self.recall:.3f}"
        return (
            f"{self.size:,}", SHARE[self.tag], self.mode, self.system, self.way,
            f"{self.p50:.1f}", f"{self.p95:.1f}", recall, str(len(self.times)),
        )  # fmt: skip


HEAD = ("passages", "filter leaves", "mode", "system", "way", "p50 ms", "p95 ms", "recall@10",
        "questions")  # fmt: skip


@dataclass(slots=True)
class Report:
    cells: list[Cell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, cell: Cell) -> None:
        self.cells.append(cell)
        print("  " + "  ".join(text.ljust(10) for text in cell.row()), flush=True)

    def extend(self, cells: Iterable[Cell]) -> None:
        for cell in cells:
            self.add(cell)

    def note(self, text: str) -> None:
        self.notes.append(text)
        print(f"  {text}", flush=True)

    def sorted(self) -> list[Cell]:
        """By size, selectivity and mode; the product first."""
        tags = list(SHARE)
        return sorted(
            self.cells,
            key=lambda c: (
                c.size, tags.index(c.tag), MODES.index(c.mode), c.system != PLUMBLINE, c.way,
            ),
        )  # fmt: skip


def judge(report: Report, sizes: Sequence[int]) -> bool:
    """Print every goal and whether it was met."""
    own = {cell.place: cell for cell in report.cells if cell.system == PLUMBLINE}
    least = min(own.values(), key=lambda cell: cell.recall or 0)
    met = [(least.recall or 0) >= RECALL_GOAL]
    print(f"\nleast recall@10 {least.recall:.3f} ({' '.join(least.row()[:3])}), goal {RECALL_GOAL}")
    for size in sizes:
        if size not in P95_GOALS:
            continue
        met.append(own[size, "hybrid", ""].p95 <= P95_GOALS[size])
        for tag, share in SHARE.items():
            p95 = own[size, "hybrid", tag].p95
            print(f"hybrid p95 at {size:,}, {share}: {p95:.1f} ms, goal {P95_GOALS[size]:.0f} ms")
    peers = [cell for cell in report.cells if cell.system != PLUMBLINE]
    recalls = {(c.system, c.way, c.size, c.tag): c.recall for c in peers if c.mode == "vector"}
    for peer in peers:
        mine = own[peer.place]
        recall = recalls.get((peer.system, peer.way, peer.size, peer.tag)) or 0.0
        does_the_same = peer.way == "same" and (recall >= RECALL_GOAL or peer.mode == "lexical")
        if mine.p50 <= peer.p50:
            continue
        if does_the_same:
            met.append(False)
        what = "slower than" if does_the_same else "slower than, which does not do the same,"
        print(
            f"{what} {peer.system} ({peer.way}): {' '.join(mine.row()[:3])}, {mine.p50:.1f} "
            f"against {peer.p50:.1f} ms, recall of its vectors {recall:.3f}"
        )
    return all(met)
