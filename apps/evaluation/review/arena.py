"""The arena: blind comparisons of two answers, the ratings that follow, preference pairs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from apps.assistants.models import Release
from apps.core.citations import remove_citations
from apps.core.jobs import enqueue
from apps.core.models import Job, JobKind
from apps.core.text import storable
from apps.evaluation.experiments.self_judging import list_answered_by, warn_of_self_judging
from apps.evaluation.models import Experiment, ExperimentItem, Match, Winner
from apps.evaluation.review.habits import describe_habits, read_arena_habits
from apps.gateway.models import Endpoint
from apps.workspaces.models import User
from apps.workspaces.services import Actor, record_audit
from measures.agreement import (
    Agreement,
    TrustBar,
    find_doubts,
    measure_agreement,
)
from measures.judging.habits import Habits
from measures.ratings import Game, rate_bradley_terry, rate_elo

# A pair of answers that this voter has not compared yet, in an order of the voter's own, so that
# several people together cover the experiment evenly. Identical answers cannot be told apart and
# are left out.
NEXT_PAIR = """
SELECT a.id, b.id FROM evaluation_experimentitem a
JOIN evaluation_experimentitem b ON b.experiment_id = a.experiment_id
    AND b.example_id = a.example_id AND b.repetition = a.repetition AND b.release_id > a.release_id
WHERE a.experiment_id = %(experiment)s AND a.state = 'done' AND b.state = 'done'
    AND a.repetition = 1 AND a.answer <> b.answer
    AND NOT EXISTS (
        SELECT 1 FROM evaluation_match m WHERE m.experiment_id = a.experiment_id
        AND least(m.first_id, m.second_id) = least(a.id, b.id)
        AND greatest(m.first_id, m.second_id) = greatest(a.id, b.id)
        AND {whose})
    AND NOT a.id = ANY(%(skipped)s::uuid[])
ORDER BY md5(%(voter)s || a.id::text || b.id::text) LIMIT 1
"""
COUNT_PAIRS = """
SELECT count(*) FILTER (WHERE a.answer <> b.answer), count(*)
FROM evaluation_experimentitem a
JOIN evaluation_experimentitem b ON b.experiment_id = a.experiment_id
    AND b.example_id = a.example_id AND b.repetition = a.repetition AND b.release_id > a.release_id
WHERE a.experiment_id = %s AND a.state = 'done' AND b.state = 'done' AND a.repetition = 1
"""


class VoteError(ValueError):
    """The vote does not refer to a pair of this experiment."""


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """Two answers to one question, in display order; their releases are hidden from the voter."""

    first: ExperimentItem
    second: ExperimentItem


@dataclass(frozen=True, slots=True)
class PairCounts:
    """How many pairs can be compared, and how many are word for word the same."""

    total: int
    identical: int


def find_next_pair(experiment: Experiment, *, voter: User) -> AnswerPair | None:
    """A pair that this person has not compared yet; which answer comes first is random."""
    ids = _next_pair(experiment, voter=str(voter.pk), whose="m.voter_id = %(voter)s::uuid")
    return _load_pair(experiment, ids, seed=str(voter.pk)) if ids else None


def find_next_pair_for_judge(
    experiment: Experiment, *, judge: str, skipped: Sequence[UUID] = ()
) -> AnswerPair | None:
    """A pair that this judge has not compared yet, excluding the skipped items."""
    ids = _next_pair(experiment, voter=judge, whose="m.judge = %(voter)s", skipped=skipped)
    return _load_pair(experiment, ids, seed=judge) if ids else None


def _next_pair(
    experiment: Experiment, *, voter: str, whose: str, skipped: Sequence[UUID] = ()
) -> tuple[UUID, UUID] | None:
    values: dict[str, Any] = {
        "experiment": experiment.pk,
        "voter": voter,
        "skipped": list(skipped),
    }
    with connection.cursor() as cursor:
        # `whose` is one of the two literals above.
        cursor.execute(NEXT_PAIR.format(whose=whose), values)
        ids: tuple[UUID, UUID] | None = cursor.fetchone()
    return ids


def _load_pair(experiment: Experiment, ids: tuple[UUID, UUID], *, seed: str) -> AnswerPair:
    items = {
        item.pk: item
        for item in experiment.items.filter(pk__in=ids).select_related("example", "release")
    }
    first, second = items[ids[0]], items[ids[1]]
    digest = hashlib.sha256(f"{seed}{first.pk}{second.pk}".encode()).digest()
    return AnswerPair(second, first) if digest[0] % 2 else AnswerPair(first, second)


def count_pairs(experiment: Experiment) -> PairCounts:
    """How many pairs the experiment has."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_PAIRS, [experiment.pk])
        different, total = cursor.fetchone()
    return PairCounts(different, total - different)


def record_vote(
    experiment: Experiment,
    *,
    first_id: UUID,
    second_id: UUID,
    winner: str,
    voter: User | None = None,
    judge: str = "",
    reason: str = "",
    consistent: bool | None = None,
    took_first: float | None = None,
) -> Match | None:
    """Store a vote; None if this voter has already compared the two. Raises VoteError."""
    items = {
        item.pk: item
        for item in experiment.items.filter(pk__in=[first_id, second_id], state="done")
    }
    first, second = items.get(first_id), items.get(second_id)
    if first is None or second is None or winner not in Winner.values:
        raise VoteError
    if first.example_id != second.example_id or first.release_id == second.release_id:
        raise VoteError
    known = Match.objects.filter(
        experiment=experiment, voter=voter, judge=judge, first_id__in=items, second_id__in=items
    )
    if known.exists():
        return None
    try:
        with transaction.atomic():
            return Match.objects.create(
                workspace_id=experiment.workspace_id,
                experiment=experiment,
                first=first,
                second=second,
                winner=winner,
                reason=storable(reason),
                voter=voter,
                judge=judge,
                consistent=consistent,
                took_first=took_first,
            )
    except IntegrityError:
        return None  # sent twice at once


@dataclass(frozen=True, slots=True)
class Standing:
    """A release's rank. `low` and `high` bound its Bradley-Terry rating with 95 % confidence."""

    release: Release
    elo: float
    rating: float
    low: float
    high: float
    wins: int
    losses: int
    ties: int


def list_matches(experiment: Experiment) -> QuerySet[Match]:
    """All votes in the order in which they were given."""
    return (
        Match.objects.filter(experiment=experiment)
        .select_related("first__release", "second__release", "first__example", "voter")
        .order_by("created_at", "pk")
    )


RESULTS = {Winner.FIRST: 1.0, Winner.SECOND: 0.0, Winner.TIE: 0.5, Winner.NEITHER: 0.5}
"""A vote's result for the first answer; "neither is good" counts as a tie."""


def rank_releases(matches: Sequence[Match]) -> list[Standing]:
    """Rate by Elo in voting order and by Bradley-Terry over all votes, best first."""
    releases = {
        item.release_id: item.release for match in matches for item in (match.first, match.second)
    }
    games = [
        Game(match.first.release_id, match.second.release_id, RESULTS[Winner(match.winner)])
        for match in matches
    ]
    elo = rate_elo(games)
    standings = []
    for rating in rate_bradley_terry(games):
        own = [
            (game.result if game.first == rating.player else 1 - game.result)
            for game in games
            if rating.player in (game.first, game.second)
        ]
        standings.append(
            Standing(
                release=releases[rating.player],
                elo=elo[rating.player],
                rating=rating.value,
                low=rating.low,
                high=rating.high,
                wins=own.count(1.0),
                losses=own.count(0.0),
                ties=own.count(0.5),
            )
        )
    return standings


def export_preferences(experiment: Experiment) -> Iterator[bytes]:
    """Decided votes as JSON lines with prompt, chosen and rejected, for preference tuning.

    Citations are removed, because their numbers mean nothing without the passages.
    """
    for match in list_matches(experiment).iterator(chunk_size=500):
        if match.winner not in (Winner.FIRST, Winner.SECOND):
            continue
        is_first = match.winner == Winner.FIRST
        chosen, rejected = (match.first, match.second) if is_first else (match.second, match.first)
        yield orjson.dumps(_preference(match, chosen, rejected)) + b"\n"


def _preference(match: Match, chosen: ExperimentItem, rejected: ExperimentItem) -> dict[str, Any]:
    example = match.first.example
    return {
        "prompt": example.question,
        "chosen": remove_citations(chosen.answer).strip(),
        "rejected": remove_citations(rejected.answer).strip(),
        "history": example.history,
        "example": str(example.key),
        "chosen_release": chosen.release.number,
        "rejected_release": rejected.release.number,
        "by": "judge" if match.judge else "person",
        "reason": match.reason,
    }


# Judges


@transaction.atomic
def ask_judge(experiment: Experiment, endpoint: Endpoint, *, actor: Actor) -> Job:
    """Let a model compare what it has not compared yet, in the background."""
    record_audit(
        experiment.workspace_id,
        actor=actor,
        action="arena.judged",
        subject=experiment,
        detail={"name": experiment.name, "model": endpoint.model},
    )
    return enqueue(
        JobKind.JUDGE_ARENA,
        workspace_id=experiment.workspace_id,
        key=f"{experiment.pk}:{endpoint.pk}",
        payload={"arena_id": str(experiment.pk), "endpoint_id": str(endpoint.pk)},
    )


def list_judging(experiment: Experiment) -> QuerySet[Job]:
    """The jobs of models that compare answers, with their progress."""
    return Job.objects.filter(
        workspace_id=experiment.workspace_id,
        kind=JobKind.JUDGE_ARENA,
        payload__arena_id=str(experiment.pk),
    ).order_by("created_at")


@dataclass(frozen=True, slots=True)
class JudgeAgreement:
    """How a judge's votes agree with people's on the same pairs. No `doubts`: it is trusted.

    `self_judged` are the releases that it compared and whose model it is.
    """

    judge: str
    votes: int
    agreement: Agreement | None
    habits: Habits
    self_judged: tuple[Release, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def habit_words(self) -> list[str]:
        return describe_habits(self.habits)

    @property
    def warning(self) -> str:
        return warn_of_self_judging(self.judge, self.self_judged)

    @property
    def is_trusted(self) -> bool:
        return not self.doubts

    @property
    def share(self) -> str:
        """How often it agrees, in percent."""
        return f"{self.agreement.accuracy.estimate * 100:.0f} %" if self.agreement else ""


def compare_judges(matches: Sequence[Match], *, bar: TrustBar) -> list[JudgeAgreement]:
    """Each judge's agreement with the first person who compared the same pair."""
    people: dict[frozenset[UUID], tuple[UUID, float]] = {}
    for match in matches:
        if not match.judge:
            people.setdefault(_pair_key(match), (match.first_id, RESULTS[Winner(match.winner)]))
    agreements = []
    for judge in dict.fromkeys(match.judge for match in matches if match.judge):
        own = [match for match in matches if match.judge == judge]
        both = [
            (_for(match.first_id, RESULTS[Winner(match.winner)], people[key][0]), people[key][1])
            for match in own
            if (key := _pair_key(match)) in people
        ]
        agreement = measure_agreement([a for a, _ in both], [b for _, b in both])
        doubts = tuple(find_doubts(agreement, bar))
        releases = {item.release for match in own for item in (match.first, match.second)}
        agreements.append(
            JudgeAgreement(
                judge=judge,
                votes=len(own),
                agreement=agreement,
                habits=read_arena_habits(own),
                self_judged=tuple(list_answered_by(judge, releases)),
                doubts=doubts,
            )
        )
    return agreements


def _pair_key(match: Match) -> frozenset[UUID]:
    return frozenset((match.first_id, match.second_id))


def _for(first: UUID, result: float, item_id: UUID) -> float:
    """Convert a result for `first` into one for the item that the other voter saw first."""
    return result if first == item_id else 1 - result
