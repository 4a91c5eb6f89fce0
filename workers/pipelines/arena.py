"""A model as judge in the arena: it compares each pair that it has not seen, in both orders."""

from __future__ import annotations

from uuid import UUID

from apps.assistants.answering.unattended import Pace
from apps.core import jobs
from apps.core.models import Job, JobState
from apps.evaluation.experiments.observing import mark_citations
from apps.evaluation.experiments.scoring import CountingJudge
from apps.evaluation.models import Experiment
from apps.evaluation.review.arena import AnswerPair, find_next_pair_for_judge, record_vote
from apps.gateway.models import Endpoint
from inference.errors import ModelError
from inference.http_session import close_sessions
from measures.judging.verdicts import PairVerdict, UndecidedError, VerdictError, compare_answers
from workers.claims import fence
from workers.loops import run_async

MOST_UNREADABLE = 5
GONE = "The model that should judge was deleted."
UNDECIDED = (
    "{count} of the pairs stayed undecided: the token limit cut both of the judge’s verdicts off."
)
UNREADABLE = "The model’s verdicts could not be read: {error}"


def judge_arena(job: Job) -> None:
    """Vote on every pair that this judge has not voted on."""
    experiment = Experiment.objects.filter(pk=job.payload["arena_id"]).first()
    if experiment is None:
        return
    endpoint = Endpoint.objects.filter(
        workspace_id=job.workspace_id, pk=job.payload["endpoint_id"]
    ).first()
    if endpoint is None:
        jobs.finish(job, JobState.FAILED, reason=GONE)
        return
    judge = CountingJudge(endpoint, pace=Pace(per_minute=endpoint.requests_per_minute))
    skipped: list[UUID] = []
    undecided = unreadable = 0
    while pair := find_next_pair_for_judge(experiment, judge=endpoint.model, skipped=skipped):
        try:
            verdict = run_async(_compare, judge, pair)
        except (VerdictError, ModelError) as error:
            skipped.append(min(pair.first.pk, pair.second.pk))
            skipped.append(max(pair.first.pk, pair.second.pk))
            if isinstance(error, UndecidedError):
                undecided += 1
                continue
            unreadable += 1
            if unreadable >= MOST_UNREADABLE:
                jobs.finish(job, JobState.FAILED, reason=UNREADABLE.format(error=error))
                return
            continue
        with fence(job):
            record_vote(
                experiment,
                first_id=pair.first.pk,
                second_id=pair.second.pk,
                winner=verdict.winner,
                judge=endpoint.model,
                reason=next(iter(verdict.reasons), ""),
                consistent=verdict.consistent,
                took_first=verdict.took_first,
            )
    if undecided:
        jobs.finish(job, JobState.SUCCEEDED, reason=UNDECIDED.format(count=undecided))


async def _compare(judge: CountingJudge, pair: AnswerPair) -> PairVerdict:
    """Raises VerdictError or ModelError."""
    try:
        return await compare_answers(
            judge,
            pair.first.example.question,
            mark_citations(pair.first.answer, [])[0],
            mark_citations(pair.second.answer, [])[0],
        )
    finally:
        await close_sessions()
