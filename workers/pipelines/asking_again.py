"""Asking releases again for self-verification: the same question, with chance in the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.assistants.answering.unattended import Pace, answer_question
from apps.assistants.recipe import Recipe
from apps.core.aio import run_db
from apps.evaluation.experiments.metrics import Metric, evaluator_needs
from apps.evaluation.experiments.observing import mark_citations
from apps.evaluation.experiments.results import load_questions
from apps.evaluation.experiments.scoring import Subject
from measures.evaluators.base import Need


def find_settings(metrics: Sequence[Metric]) -> Mapping[str, Any] | None:
    """The settings of the metric that asks again; None if the plan has none."""
    asking = [m for m in metrics if Need.ANSWERS_AGAIN in evaluator_needs(m)]
    if not asking:
        return None
    # With several, each compares as many answers as the one that wants most.
    return max((metric.settings for metric in asking), key=lambda settings: settings["k"])


@dataclass(slots=True)
class AskingAgain:
    """Asks releases that have a model `k` more times; adds up what that costs."""

    recipes: Mapping[UUID, Recipe]
    paces: Mapping[UUID, Pace]
    settings: Mapping[str, Any]
    _spent: Decimal = field(default=Decimal(0))

    async def add(self, subjects: Sequence[Subject], *, parallel: int) -> list[Subject]:
        """The subjects with the answers that came again; those without a model unchanged."""
        questions = await run_db(load_questions, [subject.item_id for subject in subjects])
        gate = asyncio.Semaphore(parallel)

        async def one(subject: Subject, seed: int) -> tuple[bool, str | None]:
            recipe = self._warm(self.recipes[subject.release_id], seed)
            async with gate:
                answered = await answer_question(
                    recipe, questions[subject.item_id], pace=self.paces[subject.release_id]
                )
            self._spent += answered.outcome.cost
            text = mark_citations(answered.outcome.content, [])[0]
            return bool(answered.error), None if answered.outcome.is_declined else text

        async def fill(subject: Subject) -> Subject:
            if self.recipes[subject.release_id].endpoint is None:
                return subject
            seeds = range(1, self.settings["k"] + 1)
            outcomes = await asyncio.gather(*(one(subject, seed) for seed in seeds))
            again = tuple(text for failed, text in outcomes if not failed)
            (turn, whole), *turns = subject.observations
            seen = ((turn, replace(whole, answers_again=again)), *turns)
            return replace(subject, observations=seen)

        return list(await asyncio.gather(*map(fill, subjects)))

    def take_cost(self) -> Decimal:
        """US dollars since this was asked last."""
        spent, self._spent = self._spent, Decimal(0)
        return spent

    def _warm(self, recipe: Recipe, seed: int) -> Recipe:
        sampling = replace(
            recipe.frozen.sampling, temperature=self.settings["temperature"], seed=seed
        )
        return replace(recipe, frozen=replace(recipe.frozen, sampling=sampling))
