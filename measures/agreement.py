"""How far a judge agrees with people, and whether that is enough to trust it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from measures.statistics import Interval, cohen_kappa, spearman, wilson_interval


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a judge's labels agree with people's on the same answers.

    ``accuracy`` is the share of equal labels with its Wilson interval; ``kappa`` is Cohen's, which
    subtracts agreement by chance; ``spearman`` shows whether the order is right even if the level
    is not. Both are ``None`` where they are undefined. ``failures`` are answers without a verdict
    from the judge; they count as disagreement.
    """

    accuracy: Interval
    kappa: float | None
    spearman: float | None
    count: int
    failures: int


@dataclass(frozen=True, slots=True)
class TrustBar:
    """What a judge has to reach before its scores may decide anything.

    A kappa of .6 is where Landis and Koch (1977) begin to call agreement substantial.
    """

    accuracy: float = 0.75
    kappa: float = 0.6
    count: int = 30


def measure_agreement(
    judge: Sequence[float | None], people: Sequence[float], *, tolerance: float = 0.0
) -> Agreement | None:
    """Compare grades or preferences; ``None`` without labels.

    ``judge`` has ``None`` where there was no verdict. Grades within ``tolerance`` count as equal
    for the accuracy; kappa is over the labels as they are, of those with a verdict.
    """
    if len(judge) != len(people):
        raise ValueError("the judge and people must have labelled the same answers")
    pairs = [(a, b) for a, b in zip(judge, people, strict=True) if a is not None]
    equal = sum(abs(a - b) <= tolerance for a, b in pairs)
    accuracy = wilson_interval(equal, len(people))
    if accuracy is None:
        return None
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    return Agreement(
        accuracy, cohen_kappa(left, right), spearman(left, right), len(people),
        len(people) - len(pairs),
    )  # fmt: skip


def find_doubts(agreement: Agreement | None, bar: TrustBar) -> list[str]:
    """Why a judge is not trusted, in plain words; empty when it is."""
    if agreement is None:
        return ["Nobody has labelled answers to compare it with."]
    doubts = []
    if agreement.count < bar.count:
        doubts.append(f"Only {_count(agreement.count)}; {bar.count} are needed.")
    if agreement.accuracy.estimate < bar.accuracy:
        doubts.append(
            f"It agrees with people on {agreement.accuracy.estimate:.0%}; the bar is "
            f"{bar.accuracy:.0%}."
        )
    if agreement.kappa is None:
        doubts.append("Beyond chance nothing can be said: all labels are the same.")
    elif agreement.kappa < bar.kappa:
        doubts.append(f"Cohen's kappa is {agreement.kappa:.2f}; the bar is {bar.kappa:.2f}.")
    return doubts


def _count(number: int) -> str:
    return f"{number} labelled answer{'' if number == 1 else 's'}"
