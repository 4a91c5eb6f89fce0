"""How surprised a release's own model is by the expected answers: the input of perplexity.

The model reads the passages that the release retrieved, the question and the expected answer, and
its server reports how probable each token of the answer was. Many servers do not; there is
nothing to score then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from apps.assistants.answering.unattended import Pace, with_patience
from apps.evaluation.experiments.scoring import Subject
from apps.gateway.clients import make_logprob_client
from apps.gateway.models import Endpoint
from apps.gateway.services import compute_cost
from inference.errors import ModelError
from inference.openai.logprobs import ReadText
from measures.evaluators.base import Observation

logger = logging.getLogger(__name__)

MAX_PASSAGES = 12_000
"""The most characters of passages that the model reads."""
SAYS_NOTHING = frozenset({"invalid_response", "not_found", "bad_request"})
"""Failures of servers without log-probabilities; such a server is not asked again."""


class LogprobSource:
    """A release's model; adds up its cost, and shares pauses with the requests for answers."""

    def __init__(self, endpoint: Endpoint, *, pace: Pace) -> None:
        self._endpoint, self._pace = endpoint, pace
        self._client = make_logprob_client(endpoint)
        self._spent = Decimal(0)
        self.is_silent = False

    async def read(self, observation: Observation) -> tuple[float, ...]:
        """Log-probabilities of the first expected answer; empty where there are none."""
        if self.is_silent or not observation.expected_answers:
            return ()
        context = show_context(observation)
        text = f" {observation.expected_answers[0]}"

        async def ask() -> ReadText:
            return await self._client.read(context, text)

        try:
            reply = await with_patience(ask, pace=self._pace)
        except ModelError as error:
            logger.info("no log-probabilities: %s", error.kind)
            self.is_silent = error.kind in SAYS_NOTHING
            return ()
        self._spent += compute_cost(
            input_tokens=reply.input_tokens,
            output_tokens=0,
            input_price=self._endpoint.input_price,
            output_price=self._endpoint.output_price,
        )
        return reply.logprobs

    def take_cost(self) -> Decimal:
        """US dollars since this was asked last."""
        spent, self._spent = self._spent, Decimal(0)
        return spent


def show_context(observation: Observation) -> str:
    """The text before the answer: passages and question, as plain text for any model."""
    passages = "\n\n".join(passage.text for passage in observation.retrieved)[:MAX_PASSAGES]
    return f"{passages}\n\nQuestion: {observation.question}\nAnswer:"


async def add_logprobs(
    subjects: Sequence[Subject], sources: Mapping[UUID, LogprobSource], *, parallel: int
) -> list[Subject]:
    """Add log-probabilities to subjects whose releases have a source; leave others unchanged."""
    gate = asyncio.Semaphore(parallel)

    async def add(subject: Subject) -> Subject:
        source = sources.get(subject.release_id)
        if source is None:
            return subject
        (turn, whole), *turns = subject.observations
        async with gate:
            logprobs = await source.read(whole)
        seen = ((turn, replace(whole, prompt_logprobs=logprobs)), *turns)
        return replace(subject, observations=seen)

    return list(await asyncio.gather(*(add(subject) for subject in subjects)))
