"""Expected answers that one of the compared releases wrote itself.

A release that is measured against its own words wins without being better, and loses nothing by
being wrong. Comparisons therefore say how many such examples there are and what holds without
them, and gates decide without them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from apps.assistants.models import Release
from apps.datasets.models import Example
from apps.evaluation.experiments.metrics import Metric, evaluator_needs
from apps.evaluation.models import Experiment
from measures.evaluators.base import Need
from measures.paired import Key

EXPECTING = frozenset({Need.EXPECTED_ANSWER, Need.EXPECTED_PASSAGES, Need.ANSWERABLE})
"""What evaluators read of what is expected. The passages are those that the release cited."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OwnAnswers:
    """Examples whose expected answer one of `releases` (their numbers) wrote.

    `ids` are the examples' ids, `positions` their positions in the version. Empty is false.
    """

    ids: frozenset[UUID] = field(default_factory=frozenset)
    positions: frozenset[int] = field(default_factory=frozenset)
    releases: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ids)

    @property
    def who(self) -> str:
        """`release 1 itself`, `releases 1 and 3 themselves`."""
        if len(self.releases) == 1:
            return f"release {self.releases[0]} itself"
        *first, last = (str(number) for number in self.releases)
        return f"releases {', '.join(first)} and {last} themselves"

    def tell(self, count: int, total: int) -> str:
        """`8 of 12 expected answers are what release 1 itself said`."""
        verb = "is" if total == 1 else "are"
        return f"{count:,} of {total:,} expected answer{'' if total == 1 else 's'} {verb} what " + (
            f"{self.who} said"
        )

    def leave_out(self, values: Iterable[tuple[UUID, T]]) -> list[tuple[UUID, T]]:
        """The values of all other examples, by the examples' ids."""
        return [pair for pair in values if pair[0] not in self.ids]

    def count_in(self, keys: Iterable[Key]) -> int:
        """How many of these examples are its own, by id or by position."""
        return sum(key in self.ids or key in self.positions for key in keys)

    def without(self, values: Mapping[Key, T]) -> dict[Key, T]:
        """The values of all other examples, by id or by position."""
        return {
            key: value
            for key, value in values.items()
            if key not in self.ids and key not in self.positions
        }


def reads_expected(metric: Metric) -> bool:
    """Whether a metric compares with what an example expects."""
    return bool(evaluator_needs(metric) & EXPECTING)


def find_own_answers(
    experiment: Experiment, releases: Sequence[Release], *, metric: Metric | None = None
) -> OwnAnswers:
    """The experiment's examples that one of these releases wrote; none for a metric that
    compares with nothing expected. One query."""
    if metric is not None and not reads_expected(metric):
        return OwnAnswers()
    numbers = {str(release.pk): release.number for release in releases}
    rows = list(
        Example.objects.filter(
            version_id=experiment.dataset_version_id,
            items__experiment=experiment,
            answered_by__release_id__in=list(numbers),
        )
        .distinct()
        .values_list("pk", "position", "answered_by__release_id")
    )
    return OwnAnswers(
        ids=frozenset(pk for pk, _, _ in rows),
        positions=frozenset(position for _, position, _ in rows),
        releases=tuple(sorted({numbers[author] for _, _, author in rows})),
    )


def find_self_measured(experiments: Sequence[Experiment]) -> set[UUID]:
    """Those of the experiments that compare a release with its own answers; two queries."""
    by_version: dict[UUID, set[str]] = defaultdict(set)
    written = Example.objects.filter(
        version__in={one.dataset_version_id for one in experiments},
        answered_by__has_key="release_id",
    )
    for version_id, author in (
        written.order_by().values_list("version_id", "answered_by__release_id").distinct()
    ):
        by_version[version_id].add(author)
    if not by_version:
        return set()
    rows = Experiment.releases.through.objects.filter(experiment__in=experiments)
    releases: dict[UUID, set[str]] = defaultdict(set)
    for experiment_id, release_id in rows.values_list("experiment_id", "release_id"):
        releases[experiment_id].add(str(release_id))
    return {one.pk for one in experiments if by_version[one.dataset_version_id] & releases[one.pk]}
