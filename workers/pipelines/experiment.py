"""Running an experiment: answer the items without an answer, then score those without scores.

The plan is the experiment's items in Postgres, which are asked what is missing. A worker that takes
over after a crash therefore repeats at most the few answers that were in progress.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from apps.assistants.answering.unattended import AnsweredItem, Pace, answer_all
from apps.assistants.recipe import ModelGoneError, Recipe, load_release_recipe
from apps.core.aio import run_db
from apps.core.jobs import JobCancelled
from apps.core.models import Job
from apps.evaluation.experiments.metrics import Metric, evaluator_needs, read_metrics
from apps.evaluation.experiments.results import (
    OpenItem,
    ScoreRow,
    begin_run,
    end_run,
    list_open_items,
    store_answers,
    store_scores,
)
from apps.evaluation.experiments.scoring import CountingJudge, load_subjects, score_subjects
from apps.evaluation.experiments.summaries import refresh_summaries
from apps.evaluation.experiments.surprise import LogprobSource, add_logprobs
from apps.evaluation.models import Experiment, ExperimentState
from apps.gateway.models import Endpoint
from inference.http_session import close_sessions
from measures.evaluators.base import Need
from workers.claims import fence
from workers.loops import run_async
from workers.pipelines.asking_again import AskingAgain, find_settings

WAVE = 16
"""Items loaded at a time, for each answer that is generated in parallel."""
BATCH = 8
"""Answers stored in one transaction; a crash loses at most as many."""
SHOWN_LIVE = 5_000
"""Experiments of at most this many items update their summaries while they run."""
SHOW_EVERY_S = 5.0
GONE = "The model “{name}” of one of the releases was deleted, so it cannot be asked any more."


class StoppedError(Exception):
    """No other item could be answered either; the message says why."""


def run_experiment(job: Job) -> None:
    """Answer and score all items of the job's experiment, then write its summaries."""
    experiment = begin_run(UUID(job.payload["experiment_id"]))
    if experiment is None:
        return
    try:
        run_async(Run(job, experiment, _load_recipes(experiment)).work)
    except ModelGoneError as error:
        _end(job, experiment, ExperimentState.FAILED, GONE.format(name=error))
    except StoppedError as error:
        _end(job, experiment, ExperimentState.FAILED, str(error))
    except JobCancelled:
        refresh_summaries(experiment)
        raise
    else:
        _end(job, experiment, ExperimentState.DONE)


def fail_experiment(job: Job, *, code: str, reason: str) -> None:
    """Fail the experiment of a failed job. Experiments keep the reason and have no code."""
    if experiment_id := job.payload.get("experiment_id"):
        end_run(experiment_id, state=ExperimentState.FAILED, reason=reason)


def _load_recipes(experiment: Experiment) -> dict[UUID, Recipe]:
    return {
        release.pk: load_release_recipe(experiment.workspace_id, release_id=release.pk)
        for release in experiment.releases.all()
    }


def _make_pace(endpoint: Endpoint | None) -> Pace:
    return Pace(per_minute=endpoint.requests_per_minute if endpoint else None)


def _end(job: Job, experiment: Experiment, state: ExperimentState, reason: str = "") -> None:
    refresh_summaries(experiment)
    with fence(job):
        end_run(experiment.pk, state=state, reason=reason)


class Run:
    """One worker's run of an experiment, until nothing is missing."""

    def __init__(self, job: Job, experiment: Experiment, recipes: dict[UUID, Recipe]) -> None:
        self.job, self.experiment, self.recipes = job, experiment, recipes
        self.metrics: list[Metric] = read_metrics(experiment.evaluators)
        # Releases that ask the same endpoint share its rate limit.
        by_endpoint: dict[UUID | None, Pace] = {}
        self.paces = {
            release_id: by_endpoint.setdefault(
                recipe.endpoint.pk if recipe.endpoint else None, _make_pace(recipe.endpoint)
            )
            for release_id, recipe in recipes.items()
        }
        self.judge: CountingJudge | None = None
        if experiment.judge is not None:
            pace = by_endpoint.setdefault(experiment.judge.pk, _make_pace(experiment.judge))
            self.judge = CountingJudge(experiment.judge, pace=pace)
        elif any(metric.is_judge for metric in self.metrics):
            raise ModelGoneError(experiment.judge_name)
        self.sources: dict[UUID, LogprobSource] = {}
        if any(Need.LOGPROBS in evaluator_needs(metric) for metric in self.metrics):
            self.sources = {
                release_id: LogprobSource(recipe.endpoint, pace=self.paces[release_id])
                for release_id, recipe in recipes.items()
                if recipe.endpoint is not None
            }
        settings = find_settings(self.metrics)
        self.again = AskingAgain(recipes, self.paces, settings) if settings else None
        self.stopped = ""

    async def work(self) -> None:
        """Run until nothing is missing. Raises StoppedError, or JobCancelled once cancelled."""
        try:
            await self._work()
        finally:
            await close_sessions()

    async def _work(self) -> None:
        shown_at = time.monotonic()
        while True:
            items = await run_db(
                list_open_items, self.experiment, limit=WAVE * self.experiment.parallel
            )
            if not items:
                return
            await self._answer(items)
            await self._score([item.item_id for item in items])
            if self.stopped:
                raise StoppedError(self.stopped)
            if self.experiment.total <= SHOWN_LIVE and time.monotonic() - shown_at > SHOW_EVERY_S:
                await run_db(refresh_summaries, self.experiment)
                shown_at = time.monotonic()

    async def _answer(self, items: Sequence[OpenItem]) -> None:
        await answer_all(
            self.recipes,
            [(item.release_id, item.question) for item in items if item.question],
            parallel=self.experiment.parallel,
            paces=self.paces,
            store=self._store,
            batch=BATCH,
        )

    async def _store(self, answered: list[AnsweredItem]) -> None:
        """A failure that would end every other question too ends the run, and nothing is marked."""
        stopping = [one for one in answered if one.stops_all]
        if stopping:
            self.stopped = stopping[0].error
        good = [one for one in answered if not one.stops_all]
        await run_db(self._store_answers, good)

    async def _score(self, item_ids: Sequence[UUID]) -> None:
        for start in range(0, len(item_ids), WAVE):
            part = item_ids[start : start + WAVE]
            subjects = await add_logprobs(
                await run_db(load_subjects, part), self.sources, parallel=self.experiment.parallel
            )
            if self.again is not None:
                subjects = await self.again.add(subjects, parallel=self.experiment.parallel)
            rows = await score_subjects(
                subjects, self.metrics, judge=self.judge, parallel=self.experiment.parallel
            )
            await run_db(self._store_scores, rows, [subject.item_id for subject in subjects])

    def _store_scores(self, rows: list[ScoreRow], item_ids: list[UUID]) -> None:
        spent = self.judge.take_cost() if self.judge else Decimal(0)
        spent += sum((source.take_cost() for source in self.sources.values()), Decimal(0))
        spent += self.again.take_cost() if self.again else Decimal(0)
        with fence(self.job):
            store_scores(self.experiment, rows, item_ids=item_ids, spent=spent)

    def _store_answers(self, answered: list[AnsweredItem]) -> None:
        with fence(self.job):
            store_answers(self.experiment, answered)
