"""Describing passages with a model, a few at a time, until every passage has its context.

Each round asks Postgres which passages still lack one. A worker that takes over therefore goes on
where the last one stopped, and no description is paid for twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from uuid import UUID

from django.db.models import F

from apps.chunking.models import Chunk
from apps.core import jobs
from apps.core.embedder import get_embedder
from apps.core.jobs import JobCancelled
from apps.core.models import Job, JobState
from apps.gateway.clients import make_client
from apps.gateway.models import Endpoint
from apps.retrieval.models import Index, IndexState
from apps.retrieval.passages import contexts
from apps.retrieval.passages.contexts import Written
from inference.background import run_blocking
from inference.errors import ModelError
from inference.openai.client import OpenAIClient
from inference.types import ChatMessage, Sampling, Usage
from workers.claims import fence, still_wanted

AT_ONCE = 4
RETRY_SECONDS = 20.0
SAMPLING = Sampling(temperature=0.0, max_tokens=300)
NO_ENDPOINT = "The endpoint that should describe the passages was deleted."
NOTHING = "The model's answer held no text."


def add_contexts(job: Job) -> None:
    """Describe the passages of the collection's live index, or with `remove` take contexts away."""
    index = Index.objects.filter(
        workspace_id=job.workspace_id,
        collection_id=UUID(job.payload["collection_id"]),
        state=IndexState.LIVE,
    ).first()
    if index is None:
        raise JobCancelled
    if job.payload.get("remove"):
        _remove(job, index)
        return
    endpoint = Endpoint.objects.filter(
        workspace_id=job.workspace_id, pk=UUID(job.payload["endpoint_id"])
    ).first()
    try:
        if endpoint is None:
            raise ModelError("not_found", NO_ENDPOINT)
        _add(job, index, endpoint)
    except ModelError as error:
        if error.retryable:
            reason = f"{error.message} Trying again soon."
            jobs.postpone(job, seconds=RETRY_SECONDS, reason=reason)
            return
        with fence(job):
            jobs.finish(job, JobState.FAILED, reason=error.message)


def _add(job: Job, index: Index, endpoint: Endpoint) -> None:
    client = make_client(endpoint)
    embedder = get_embedder(index.embedding_model)
    _show(job, done=0, total=contexts.estimate(index).passages)
    while waiting := contexts.list_waiting(index, limit=AT_ONCE):
        if not still_wanted([job]):
            raise JobCancelled
        written = run_blocking(_ask_all(client, waiting, [contexts.compose(c) for c in waiting]))
        with fence(job):
            contexts.store_contexts(index, written, model=endpoint.model, embedder=embedder)
            Job.objects.filter(pk=job.pk).update(done=F("done") + len(written))


def _remove(job: Job, index: Index) -> None:
    embedder = get_embedder(index.embedding_model)
    total = contexts.list_chunks(index).exclude(context=None).count()
    _show(job, done=0, total=total)
    while removed := contexts.remove_contexts(index, embedder=embedder):
        Job.objects.filter(pk=job.pk).update(done=F("done") + removed)
        if not still_wanted([job]):
            raise JobCancelled


def _show(job: Job, *, done: int, total: int) -> None:
    Job.objects.filter(pk=job.pk, state=JobState.RUNNING, worker=job.worker).update(
        done=done, total=total
    )


async def _ask_all(
    client: OpenAIClient, chunks: Sequence[Chunk], prompts: Sequence[list[ChatMessage]]
) -> list[Written]:
    """Ask about several passages at once; raises ModelError only if all failed."""
    results = await asyncio.gather(
        *(
            _ask(client, chunk.pk, messages)
            for chunk, messages in zip(chunks, prompts, strict=True)
        ),
        return_exceptions=True,
    )
    written = [result for result in results if isinstance(result, Written)]
    failed = [result for result in results if isinstance(result, BaseException)]
    # Descriptions that succeeded are paid for and kept; the next round retries the others.
    if failed and not written:
        raise failed[0]
    return written


async def _ask(client: OpenAIClient, chunk_id: int, messages: list[ChatMessage]) -> Written:
    pieces: list[str] = []
    usage: Usage | None = None
    async with aclosing(client.stream(messages, sampling=SAMPLING)) as deltas:
        async for delta in deltas:
            pieces.append(delta.text)
            usage = delta.usage or usage
    text = contexts.clean_context("".join(pieces))
    if not text:
        raise ModelError("invalid_response", NOTHING)
    if usage is None:
        read = sum(len(message.content) for message in messages)
        usage = Usage(
            int(read / contexts.CHARS_PER_TOKEN), int(len(text) / contexts.CHARS_PER_TOKEN)
        )
    return Written(chunk_id, text, usage.input_tokens, usage.output_tokens)
