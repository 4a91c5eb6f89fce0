"""Making questions from documents: a few passages at a time, by a model or by rules."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from uuid import UUID

from apps.chunking.models import Chunk
from apps.core import jobs
from apps.core.models import Job, JobState
from apps.datasets.models import Synthesis
from apps.datasets.synthesis.asking import SAMPLING, Material, compose, read_reply
from apps.datasets.synthesis.services import Made, load_passages, store_made
from apps.datasets.synthesis.templated import draft_question
from apps.gateway.clients import make_client
from inference.errors import ModelError
from inference.http_session import close_sessions
from inference.openai_client import OpenAIClient
from inference.types import Usage
from workers.claims import fence
from workers.failures import PassingTroubleError
from workers.loops import run_async

BATCH = 4
"""Passages asked about at a time; as many calls are repeated at most after a crash."""
GONE = "The model endpoint was deleted. Begin again with another, or without a model."


def synthesise(job: Job) -> None:
    """Work through the plan from where it stands. Raises JobCancelled when nobody wants it."""
    synthesis = (
        Synthesis.objects.select_related("dataset", "endpoint", "created_by")
        .filter(pk=UUID(job.payload["synthesis_id"]))
        .first()
    )
    if synthesis is None:
        return
    if synthesis.model_name and synthesis.endpoint is None:
        jobs.finish(job, JobState.FAILED, reason=GONE)
        return
    try:
        _work(job, synthesis)
    except ModelError as error:
        if error.retryable and job.attempts < 3:
            raise PassingTroubleError(error.message) from error
        jobs.finish(job, JobState.FAILED, reason=error.message)


def _work(job: Job, synthesis: Synthesis) -> None:
    plan: list[int] = synthesis.plan
    for start in range(synthesis.position, len(plan), BATCH):
        chunks = load_passages(synthesis, plan[start : start + BATCH])
        made = _ask(synthesis, chunks) if synthesis.endpoint else [_draft(c) for c in chunks]
        done = min(start + BATCH, len(plan))
        with fence(job):
            store_made(synthesis, made=made, position=done)
            Job.objects.filter(pk=job.pk).update(done=done, total=len(plan))


def _draft(chunk: Chunk) -> Made:
    return Made(chunk, draft_question(chunk.text, heading=chunk.heading))


def _ask(synthesis: Synthesis, chunks: Sequence[Chunk]) -> list[Made]:
    assert synthesis.endpoint is not None
    client = make_client(synthesis.endpoint)

    async def ask_all() -> list[Made]:
        try:
            return list(await asyncio.gather(*(_ask_one(client, chunk) for chunk in chunks)))
        finally:
            await close_sessions()

    return run_async(ask_all)


async def _ask_one(client: OpenAIClient, chunk: Chunk) -> Made:
    material = Material(chunk.text, chunk.heading, chunk.version.document.name)
    reply, usage = "", Usage(0, 0)
    async with aclosing(client.stream(compose(material), sampling=SAMPLING)) as deltas:
        async for delta in deltas:
            reply += delta.text
            usage = delta.usage or usage
    drafted = read_reply(reply, text=chunk.text)
    return Made(chunk, drafted, usage.input_tokens, usage.output_tokens)
