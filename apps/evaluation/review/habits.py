"""How judges judge, whatever they judge: wavering, going by the order, liking long answers."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import QuerySet
from django.db.models.functions import Length

from apps.core.charts import PointInput
from apps.evaluation.experiments.metrics import Metric
from apps.evaluation.models import Match, Score
from measures.judging.habits import Habits, LengthBin, Verdict, measure_habits
from measures.statistics import Interval

NEWEST = 5_000
"""The most verdicts that are read for one judge; the newest ones."""
POINTS = {"first": 1.0, "second": 0.0}


def read_habits(scores: QuerySet[Score]) -> Habits:
    """The habits of the judge that gave these scores; one query."""
    rows = scores.order_by("-pk").values_list("value", Length("item__answer"), "details")[:NEWEST]
    return measure_habits([Verdict(value, length or 0, found) for value, length, found in rows])


def read_arena_habits(matches: Sequence[Match]) -> Habits:
    """The habits of one judge of the arena: of length, whether the longer answer wins."""
    verdicts = [
        Verdict(
            POINTS.get(match.winner, 0.5),
            len(match.first.answer) - len(match.second.answer),
            {"consistent": match.consistent, "took_first": match.took_first},
        )
        for match in matches
    ]
    return measure_habits(verdicts)


def describe_habits(habits: Habits) -> list[str]:
    """Sentences for people, with the field's terms in brackets; empty where nothing is known."""
    sentences = []
    if habits.undecided:
        sentences.append(f"{habits.undecided:,} of {habits.verdicts:,} verdicts undecided.")
    if habits.spread is not None:
        sentences.append(
            f"Asked again, its grades lie {habits.spread:.2f} apart (standard deviation, over "
            f"{habits.repeated:,} {_plural('answer', habits.repeated)})."
        )
    if habits.consistent is not None and habits.position_bias is not None:
        sentences.append(
            f"Shown {habits.swapped:,} {_plural('pair', habits.swapped)} in both orders, it said "
            f"the same on {_percent(habits.consistent)}, and went by the order alone on "
            f"{_percent(habits.position_bias)} (position bias). It called {habits.ties:,} a tie."
        )
    if habits.took_first is not None:
        sentences.append(
            f"It preferred the answer shown first in {habits.took_first * 100:.0f} % of its "
            "choices; 50 % would be even."
        )
    if habits.length is not None:
        sentences.append(
            f"Length against score: {_signed(habits.length.estimate)} (from "
            f"{_signed(habits.length.low)} to {_signed(habits.length.high)}, Spearman's rank "
            f"correlation over {habits.length.count:,}). {_judge_length(habits.length)}"
        )
    return sentences


def _judge_length(length: Interval) -> str:
    if length.low > 0:
        return "Longer answers score higher (verbosity bias, unless they are better)."
    if length.high < 0:
        return "Shorter answers score higher."
    return "No sign that it goes by length."


def _percent(share: Interval) -> str:
    return f"{share.estimate * 100:.0f} % ({share.low * 100:.0f} to {share.high * 100:.0f})"


def _signed(value: float) -> str:
    sign = "+" if value > 0 else "\u2212" if value < 0 else ""
    return f"{sign}{abs(value):.2f}"


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def plot_lengths(metric: Metric, bins: Sequence[LengthBin]) -> list[PointInput]:
    """Score by length of the answer, as points with bounds for a chart."""
    scale = 100 if metric.is_share else 1
    return [
        PointInput(
            label=f"{one.score.count:,} {_plural('answer', one.score.count)}",
            x=one.middle,
            y=one.score.estimate * scale,
            low=one.score.low * scale,
            high=one.score.high * scale,
        )
        for one in bins
    ]
