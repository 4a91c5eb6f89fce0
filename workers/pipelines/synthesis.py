"""Generating questions from documents, a few passages at a time, with a model or by rules."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from uuid import UUID

from apps.chunking.models import Chunk
from apps.chunking.table_rows import readable_text
from apps.core import jobs
from apps.core.models import Job, JobState
from apps.datasets.models import Synthesis
from apps.datasets.synthesis.asking import SAMPLING, Material, compose, read_reply
from apps.datasets.synthesis.services import PassageDraft, load_passages, store_drafts
from apps.datasets.synthesis.templated import draft_question
from apps.gateway.clients import make_client
from inference.errors import ModelError
from inference.http_session import close_sessions
from inference.openai.client import OpenAIClient
from inference.types import Usage
from workers.claims import fence
from workers.failures import TemporaryError
from workers.loops import run_async

BATCH = 4
"""Passages per transaction; a crash repeats at most as many calls of the model."""
GONE = "The model endpoint was deleted. Start again with another model, or without one."


def synthesise(job: Job) -> None:
    """Continue the plan from its position. Raises JobCancelled once it is cancelled."""
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
            raise TemporaryError(error.message) from error
        jobs.finish(job, JobState.FAILED, reason=error.message)


def _work(job: Job, synthesis: Synthesis) -> None:
    plan: list[int] = synthesis.plan
    for start in range(synthesis.position, len(plan), BATCH):
        chunks = load_passages(synthesis, plan[start : start + BATCH])
        drafts = _ask(synthesis, chunks) if synthesis.endpoint else [_draft(c) for c in chunks]
        done = min(start + BATCH, len(plan))
        with fence(job):
            store_drafts(synthesis, drafts=drafts, position=done)
            Job.objects.filter(pk=job.pk).update(done=done, total=len(plan))


def _draft(chunk: Chunk) -> PassageDraft:
    return PassageDraft(chunk, draft_question(chunk.text, heading=chunk.heading))


def _ask(synthesis: Synthesis, chunks: Sequence[Chunk]) -> list[PassageDraft]:
    assert synthesis.endpoint is not None
    client = make_client(synthesis.endpoint)

    async def ask_all() -> list[PassageDraft]:
        try:
            return list(await asyncio.gather(*(_ask_one(client, chunk) for chunk in chunks)))
        finally:
            await close_sessions()

    return run_async(ask_all)


async def _ask_one(client: OpenAIClient, chunk: Chunk) -> PassageDraft:
    text = readable_text(chunk.text, chunk.table_head)
    material = Material(text, chunk.heading, chunk.version.document.name)
    reply, usage = "", Usage(0, 0)
    async with aclosing(client.stream(compose(material), sampling=SAMPLING)) as deltas:
        async for delta in deltas:
            reply += delta.text
            usage = delta.usage or usage
    drafted = read_reply(reply, text=chunk.text)
    return PassageDraft(chunk, drafted, usage.input_tokens, usage.output_tokens)
