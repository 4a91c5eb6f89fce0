"""Whether measured values stay within the limit that a rule sets. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np

from apps.evaluation.experiments.metrics import Metric
from apps.evaluation.experiments.own_answers import OwnAnswers
from apps.evaluation.experiments.summaries import compare_values
from apps.evaluation.models import GateRule

FEWEST = 5
"""With fewer examples an interval means nothing, and a rule that relies on one fails."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """The outcome of a rule for a release, with the reason in a sentence.

    What cannot be told, for want of numbers, is not ok. `left_out` counts examples.
    """

    ok: bool
    reason: str
    can_tell: bool = True
    left_out: int = 0


def describe_rule(
    kind: str, metric: Metric, *, statistic: str, threshold: float, confidence: float
) -> str:
    """`Groundedness not worse by more than 1.0 points, with 95 % confidence`."""
    shown = metric.show_size(threshold)
    if kind == GateRule.Kind.NOT_WORSE:
        return (
            f"{metric.label} not worse by more than {shown}, with {confidence * 100:.0f} % "
            "confidence"
        )
    name = {"mean": "", "p50": "median of ", "p95": "95th percentile of "}[statistic]
    word = "at least" if kind == GateRule.Kind.AT_LEAST else "at most"
    text = f"{name}{metric.label} {word} {metric.show(threshold)}"
    return text[0].upper() + text[1:]


def compute_level(values: Sequence[float], statistic: str) -> float:
    """The statistic that a rule names, of at least one value."""
    if statistic == GateRule.Statistic.MEAN:
        return float(np.mean(values))
    return float(np.quantile(values, {"p50": 0.5, "p95": 0.95}[statistic]))


def judge_level(
    kind: str, metric: Metric, values: Sequence[float], *, statistic: str, threshold: float
) -> Ruling:
    """Compare a statistic of all answers with a threshold."""
    if not values:
        return Ruling(False, f"No answer has a number for {metric.label}.", can_tell=False)
    value = compute_level(values, statistic)
    at_least = kind == GateRule.Kind.AT_LEAST
    ok = value >= threshold if at_least else value <= threshold
    limit = f"{'at least' if at_least else 'at most'} {metric.show(threshold)}"
    return Ruling(ok, f"It is {metric.show(value)} over {len(values):,} answers; {limit} is asked.")


def judge_change(
    metric: Metric,
    before: Mapping[UUID, float],
    after: Mapping[UUID, float],
    *,
    margin: float,
    confidence: float,
) -> Ruling:
    """Whether the second is not worse than the first by more than a margin.

    A non-inferiority test: at the given one-sided confidence, the harmful bound of the paired
    difference must lie within the margin. Few examples can therefore fail a release that many
    would pass, but not the other way round.
    """
    comparison = compare_values(dict(before), dict(after), metric, confidence=2 * confidence - 1)
    difference = comparison.difference
    if difference is None or difference.count < FEWEST:
        count = difference.count if difference else 0
        return Ruling(
            False,
            f"Only {count} example{'' if count == 1 else 's'} have {metric.label} for both "
            f"releases; {FEWEST} are needed.",
            can_tell=False,
        )
    worst = difference.low if metric.higher_is_better else -difference.high
    ok = worst >= -margin
    change = metric.show_change(difference.estimate)
    bound = metric.show_change(worst if metric.higher_is_better else -worst)
    allowed = metric.show_size(margin)
    reason = (
        f"Against the promoted release: {change}, at worst {bound} with "
        f"{confidence * 100:.0f} % confidence; "
        f"{allowed} worse is allowed."
    )
    gain = difference.estimate if metric.higher_is_better else -difference.estimate
    if not ok and gain >= -margin:
        reason += f" More than {difference.count:,} examples might show that it is within."
    return Ruling(ok, reason)


def tell_change(metric: Metric, before: Mapping[UUID, float], after: Mapping[UUID, float]) -> str:
    """The change over all examples, in a few words; empty if no example has both."""
    difference = compare_values(dict(before), dict(after), metric).difference
    return f"{metric.show_change(difference.estimate)} on all" if difference else ""


def explain_left_out(
    ruling: Ruling, own: OwnAnswers, measured: Mapping[UUID, float], beside: str
) -> Ruling:
    """Say which examples did not count, and what the number would be with them (`beside`)."""
    count = own.count_in(measured)
    if not count:
        return ruling
    words = own.tell(count, len(measured))
    if not ruling.can_tell:
        reason = (
            f"It cannot decide: {words}, which proves nothing about it. {ruling.reason} Correct "
            "these answers, or add examples that people wrote."
        )
        return Ruling(False, reason, can_tell=False, left_out=count)
    reason = f"{ruling.reason} Decided without the {count:,} that prove nothing: {words}."
    if beside:
        reason += f" For comparison: {beside}."
    return replace(ruling, reason=reason, left_out=count)
