"""Whether releases decline when the documents hold no answer, and only then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count

from apps.assistants.models import Release
from apps.core.formats import MISSING
from apps.evaluation.experiments.values import ANSWERED
from apps.evaluation.models import Experiment, ExperimentItem
from measures.evaluators.abstention import measure_abstention

AbstentionKey = tuple[bool, bool]
"""Whether the documents answer the question, and whether the release declined."""


@dataclass(frozen=True, slots=True)
class AbstentionCell:
    """A release's rate, as `80.0 %`, and the answers behind it, as `12 of 15`."""

    release: Release
    shown: str
    counts: str


@dataclass(frozen=True, slots=True)
class AbstentionRow:
    """One rate for every release, in plain words and with the field's own term."""

    label: str
    term: str
    explanation: str
    cells: tuple[AbstentionCell, ...]


LABELS = (
    (
        "Noticed that there is no answer",
        "recall of declining",
        "Of the questions that the documents do not answer, how many it declined.",
    ),
    (
        "Was right to decline",
        "precision of declining",
        "Of the questions that it declined, how many the documents really do not answer.",
    ),
    (
        "Declined although there is an answer",
        "false refusals",
        "Of the questions that the documents answer, how many it declined. Fewer are better.",
    ),
)


def view_abstention(experiment: Experiment, releases: Sequence[Release]) -> list[AbstentionRow]:
    """A row for each rate, in one query; empty if every question has an answer and got one.

    Every answer counts, including repetitions.
    """
    counts = _count_outcomes(experiment)
    if all(answerable and not declined for own in counts.values() for answerable, declined in own):
        return []
    columns = [_view_release(release, counts.get(release.pk, Counter())) for release in releases]
    return [
        AbstentionRow(*words, tuple(column[place] for column in columns))
        for place, words in enumerate(LABELS)
    ]


def _count_outcomes(experiment: Experiment) -> dict[UUID, Counter[AbstentionKey]]:
    rows = (
        ExperimentItem.objects.filter(experiment=experiment, state__in=ANSWERED)
        .order_by()
        .values_list("release_id", "example__is_answerable", "is_declined")
        .annotate(count=Count("pk"))
    )
    counts: dict[UUID, Counter[AbstentionKey]] = {}
    for release_id, answerable, declined, count in rows:
        counts.setdefault(release_id, Counter())[answerable, declined] = count
    return counts


def _view_release(release: Release, counts: Counter[AbstentionKey]) -> list[AbstentionCell]:
    """In the order of LABELS."""
    abstention = measure_abstention(counts.elements())
    right, missed, wrong = counts[False, True], counts[False, False], counts[True, True]
    return [
        _view_cell(release, abstention.recall, right, right + missed),
        _view_cell(release, abstention.precision, right, right + wrong),
        _view_cell(release, abstention.false_refusals, wrong, wrong + counts[True, False]),
    ]


def _view_cell(release: Release, rate: float | None, part: int, whole: int) -> AbstentionCell:
    if rate is None:
        return AbstentionCell(release, MISSING, "")
    return AbstentionCell(release, f"{rate * 100:.1f} %", f"{part:,} of {whole:,}")
