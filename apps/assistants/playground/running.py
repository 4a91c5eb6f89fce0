"""The playground: one question to several variants of a recipe at once, side by side.

Nothing is stored. What runs belongs to the request: whoever leaves the page ends the models' work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from apps.assistants.answering.pipeline import Answering, Delta, Restart, Status
from apps.assistants.recipe import Recipe
from apps.gateway.models import Endpoint
from apps.prompts.spec import PromptSpec
from apps.retrieval.search.profiles import RetrievalProfile
from apps.traces.recorder import Recorder
from inference.errors import ModelError
from inference.types import Sampling

logger = logging.getLogger(__name__)
MAX_VARIANTS = 4
UNEXPECTED = "Something went wrong on our side. It is in the server's log."
READER_NEEDS_PASSAGES = "The built-in reader quotes passages; without retrieval it has none."


@dataclass(frozen=True, slots=True)
class Variant:
    """What to try. An endpoint of None is the built-in reader, which does not use the prompt.

    `collection_ids` of None are the assistant's own.
    """

    spec: PromptSpec
    endpoint: Endpoint | None
    sampling: Sampling
    profile: RetrievalProfile
    has_passages: bool = True
    collection_ids: tuple[UUID, ...] | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What a variant took. Times in milliseconds, cost in US dollars."""

    first_token_ms: float | None
    total_ms: float
    input_tokens: int
    output_tokens: int
    cost: Decimal
    num_passages: int
    is_declined: bool
    is_estimated: bool


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a variant: the whole answer with its times, tokens and cost."""

    content: str
    measured: Measured
    passages: tuple[int, ...]
    """The numbers of the passages that it was given, which its citations point at."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A variant without an answer, and why, in words for people."""

    reason: str


VariantEvent = Status | Delta | Restart | Finished | Failed


def vary(recipe: Recipe, variant: Variant) -> Recipe:
    """The assistant's recipe with what the variant changes."""
    own = recipe.frozen
    ids = own.collection_ids if variant.collection_ids is None else variant.collection_ids
    frozen = replace(
        own,
        spec=variant.spec,
        sampling=variant.sampling,
        profile=variant.profile,
        collection_ids=ids,
    )
    return Recipe(recipe.workspace_id, frozen, variant.endpoint)


async def run_variant(
    recipe: Recipe, variant: Variant, *, question: str
) -> AsyncGenerator[VariantEvent, None]:
    """Answer with one variant; the last event is Finished or Failed."""
    if variant.endpoint is None and not variant.has_passages:
        yield Failed(READER_NEEDS_PASSAGES)
        return
    recorder = Recorder("playground")
    answering = Answering(
        vary(recipe, variant),
        question=question,
        history=(),
        recorder=recorder,
        has_passages=variant.has_passages,
    )
    try:
        async with aclosing(answering.events()) as events:
            async for event in events:
                yield event
    except ModelError as error:
        yield Failed(error.message)
        return
    except Exception:
        logger.exception("a playground variant failed")
        yield Failed(UNEXPECTED)
        return
    outcome = answering.outcome
    numbers = tuple(passage.number for passage in outcome.passages)
    yield Finished(outcome.content, _measure(answering, recorder), numbers)


def _measure(answering: Answering, recorder: Recorder) -> Measured:
    outcome = answering.outcome
    return Measured(
        first_token_ms=recorder.first_token_ms,
        total_ms=recorder.elapsed_ms(),
        input_tokens=outcome.usage.input_tokens,
        output_tokens=outcome.usage.output_tokens,
        cost=outcome.cost,
        num_passages=len(outcome.passages),
        is_declined=outcome.is_declined,
        is_estimated=bool(recorder.attributes.get("usage.estimated")),
    )


async def run_variants(
    recipe: Recipe, variants: Sequence[Variant], *, question: str
) -> AsyncGenerator[tuple[int, VariantEvent], None]:
    """All variants at once: (its place, what happened), until each has ended.

    Closing the generator cancels what still runs.
    """
    queue: asyncio.Queue[tuple[int, VariantEvent]] = asyncio.Queue()

    async def run(place: int, variant: Variant) -> None:
        async with aclosing(run_variant(recipe, variant, question=question)) as events:
            async for event in events:
                await queue.put((place, event))

    tasks = [asyncio.create_task(run(n, variant)) for n, variant in enumerate(variants)]
    try:
        left = len(tasks)
        while left:
            place, event = await queue.get()
            left -= isinstance(event, Finished | Failed)
            yield place, event
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
