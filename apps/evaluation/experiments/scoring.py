"""Scores an experiment's answers with its frozen evaluators."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from apps.assistants.answering.unattended import Pace
from apps.core.aio import run_db
from apps.core.embedder import get_embedder
from apps.evaluation.experiments.metrics import Metric
from apps.evaluation.experiments.observing import observe, observe_turns
from apps.evaluation.experiments.results import ScoreRow
from apps.evaluation.models import ExperimentItem, ItemPassage, ItemState
from apps.gateway.clients import make_client
from apps.gateway.models import Endpoint
from apps.gateway.services import compute_cost
from inference.errors import ModelError
from inference.types import ChatDelta, ChatMessage, Sampling
from measures.evaluators.base import Need, Observation, Score, Tools
from measures.evaluators.registry import all_evaluators, score

JUDGE_TRIES = 3
ABOUT_TURNS = frozenset(
    {Need.QUESTION, Need.ANSWER, Need.EXPECTED_ANSWER, Need.RETRIEVED, Need.CITATIONS,
     Need.DECLINED, Need.EMBEDDER}
)  # fmt: skip
"""All that earlier turns provide; evaluators that need more only score the whole task."""


TEXTS = frozenset({Need.ANSWER, Need.EXPECTED_ANSWER})
"""The needs of evaluators that merely compare two texts."""


class CountingJudge:
    """The judge's model; adds up its cost, and shares pauses with other callers."""

    def __init__(self, endpoint: Endpoint, *, pace: Pace) -> None:
        self._spent = Decimal(0)
        self._endpoint, self._pace = endpoint, pace
        self._client = make_client(endpoint)

    async def stream(
        self, messages: Sequence[ChatMessage], *, sampling: Sampling
    ) -> AsyncIterator[ChatDelta]:
        """As `inference.protocols.ChatModel`; raises ModelError."""
        for number in range(1, JUDGE_TRIES + 1):
            begun = False
            await self._pace.wait()
            try:
                async with aclosing(self._client.stream(messages, sampling=sampling)) as deltas:
                    async for delta in deltas:
                        begun = True
                        self._count(delta)
                        yield delta
                return
            except ModelError as error:
                if begun or number == JUDGE_TRIES or not error.retryable:
                    raise
                self._pace.hold(error.retry_after or 2.0 ** (number - 1))

    def take_cost(self) -> Decimal:
        """The cost since the last call, in US dollars."""
        spent, self._spent = self._spent, Decimal(0)
        return spent

    def _count(self, delta: ChatDelta) -> None:
        if delta.usage is not None:
            self._spent += compute_cost(
                input_tokens=delta.usage.input_tokens,
                output_tokens=delta.usage.output_tokens,
                input_price=self._endpoint.input_price,
                output_price=self._endpoint.output_price,
            )


@dataclass(frozen=True, slots=True)
class Subject:
    """An item as evaluators see it: the whole task (turn 0) and its earlier turns."""

    item_id: UUID
    release_id: UUID
    observations: tuple[tuple[int, Observation], ...]


def load_subjects(item_ids: Sequence[UUID]) -> list[Subject]:
    """Load items that wait for scores, with all that evaluators read, in two queries. Blocking."""
    waiting = ExperimentItem.objects.filter(pk__in=item_ids, state=ItemState.ANSWERED)
    items = waiting.select_related("example").order_by("pk")
    passages: dict[UUID, dict[int, list[ItemPassage]]] = defaultdict(lambda: defaultdict(list))
    rows = ItemPassage.objects.filter(item_id__in=item_ids).select_related("document")
    for passage in rows.order_by("item_id", "turn", "number"):
        passages[passage.item_id][passage.turn].append(passage)
    return [
        Subject(
            item.pk,
            item.release_id,
            (
                (0, observe(item, passages[item.pk][0])),
                *observe_turns(item, passages[item.pk]),
            ),
        )
        for item in items
    ]


async def score_subjects(
    subjects: Sequence[Subject],
    metrics: Sequence[Metric],
    *,
    judge: CountingJudge | None,
    parallel: int,
) -> list[ScoreRow]:
    """Score these items: evaluators without a model run in a thread, judges concurrently."""
    plain = [metric for metric in metrics if metric.evaluator and not metric.is_judge]
    rows = await run_db(_score_plainly, subjects, plain)
    judges = [metric for metric in metrics if metric.is_judge]
    gate = asyncio.Semaphore(parallel)

    async def ask(subject: Subject, metric: Metric) -> list[ScoreRow]:
        async with gate:
            return await _score(subject, metric, Tools(embedder=get_embedder(), model=judge))

    for judged in await asyncio.gather(*(ask(s, m) for s in subjects for m in judges)):
        rows += judged
    return rows


def _score_plainly(subjects: Sequence[Subject], metrics: Sequence[Metric]) -> list[ScoreRow]:
    tools = Tools(embedder=get_embedder())

    async def run() -> list[ScoreRow]:
        return [
            row
            for subject in subjects
            for metric in metrics
            for row in await _score(subject, metric, tools)
        ]

    return asyncio.run(run())


async def _score(subject: Subject, metric: Metric, tools: Tools) -> list[ScoreRow]:
    """Score the task, and its earlier turns if the evaluator needs nothing that they lack.

    The task's score is about the last answer; scores of earlier turns are kept separately.
    """
    needs = all_evaluators()[metric.evaluator].needs
    about_turns = needs <= ABOUT_TURNS
    rows = []
    for turn, observation in subject.observations:
        if turn and not about_turns:
            continue
        seen = as_texts(observation) if needs == TEXTS else observation
        outcome = await score(metric.evaluator, seen, tools=tools, settings=metric.settings)
        if outcome.status != "not_applicable":
            rows.append(_row(subject.item_id, metric.key, turn, outcome))
    return rows


def as_texts(observation: Observation) -> Observation:
    """Treat declining as an empty answer, which is right where the documents hold no answer.

    SQuAD 2.0 scores this way (Rajpurkar et al., 2018): declining matches exactly if there is no
    answer in the documents, and shares no word with the expected answer if there is one.
    """
    declined = "" if observation.declined else observation.answer
    nothing = observation.answerable is False and not observation.expected_answers
    expected = ("",) if nothing else observation.expected_answers
    return replace(observation, answer=declined, expected_answers=expected)


def _row(item_id: UUID, key: str, turn: int, outcome: Score) -> ScoreRow:
    return ScoreRow(
        item_id, key, outcome.value, outcome.label, outcome.reason, turn, outcome.details
    )
