"""Generates questions from documents: chooses passages, estimates cost, stores proposals."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Avg, F, QuerySet

from apps.chunking.models import Chunk
from apps.core import jobs
from apps.core.models import Job, JobKind
from apps.datasets.examples import ExampleFields, ExpectedPassage
from apps.datasets.models import Dataset, Example, ReviewState, SourceKind, Synthesis
from apps.datasets.services import ExampleSource, add_examples
from apps.datasets.synthesis.asking import OUTPUT_TOKENS, PROMPT_TOKENS
from apps.datasets.synthesis.templated import METHOD, Drafted
from apps.gateway.models import Endpoint
from apps.gateway.services import compute_cost
from apps.retrieval.models import IndexState
from apps.workspaces.services import Actor

MAX_QUESTIONS = 500
LEAST_TOKENS = 12
"""Shorter passages contain nothing worth asking about."""
MAX_CONSIDERED = 100_000


class NoPassagesError(Exception):
    """The collections hold no passage that has not been asked about."""


@dataclass(frozen=True, slots=True)
class PassageDraft:
    """The outcome for one passage: a question or none, and the tokens used."""

    chunk: Chunk
    drafted: Drafted | None
    input_tokens: int = 0
    output_tokens: int = 0


def live_passages(workspace_id: UUID, collection_ids: Sequence[UUID]) -> QuerySet[Chunk]:
    """The passages that a search of these collections can find."""
    return Chunk.objects.filter(
        workspace_id=workspace_id,
        version__document__workspace_id=workspace_id,
        version__document__collection_id__in=collection_ids,
        version__document__deleted_at=None,
        version__document__current_id=F("version_id"),
        profile_id=F("version__document__collection__indexes__profile_id"),
        version__document__collection__indexes__state=IndexState.LIVE,
        num_tokens__gte=LEAST_TOKENS,
    )


def estimate_cost(
    workspace_id: UUID, collection_ids: Sequence[UUID], *, endpoint: Endpoint, count: int
) -> Decimal:
    """The approximate cost of this many questions, in US dollars."""
    tokens = live_passages(workspace_id, collection_ids).aggregate(mean=Avg("num_tokens"))["mean"]
    return compute_cost(
        input_tokens=round(count * (PROMPT_TOKENS + (tokens or 0))),
        output_tokens=count * OUTPUT_TOKENS,
        input_price=endpoint.input_price,
        output_price=endpoint.output_price,
    )


def choose_passages(
    dataset: Dataset, collection_ids: Sequence[UUID], *, count: int, seed: int
) -> list[int]:
    """Ids of passages spread over the documents, without those that the draft already covers."""
    known = set(
        Example.objects.filter(
            version__dataset=dataset, version__number=0, source_kind=SourceKind.SYNTHESIS
        ).values_list("source_id", flat=True)
    )
    by_document: dict[UUID, list[int]] = defaultdict(list)
    rows = live_passages(dataset.workspace_id, collection_ids).order_by("pk")
    for pk, document in rows.values_list("pk", "version__document_id")[:MAX_CONSIDERED]:
        if str(pk) not in known:
            by_document[document].append(pk)
    chance = random.Random(seed)  # noqa: S311 (a sample, no secret)
    piles = list(by_document.values())
    for pile in piles:
        chance.shuffle(pile)
    chance.shuffle(piles)
    chosen: list[int] = []
    while piles and len(chosen) < count:
        chosen += [pile.pop() for pile in piles][: count - len(chosen)]
        piles = [pile for pile in piles if pile]
    return chosen


@transaction.atomic
def start_synthesis(
    dataset: Dataset,
    *,
    collection_ids: Sequence[UUID],
    count: int,
    endpoint: Endpoint | None,
    actor: Actor,
    seed: int = 1,
) -> Synthesis:
    """Plan the passages and queue the job. Raises NoPassagesError."""
    plan = choose_passages(dataset, collection_ids, count=min(count, MAX_QUESTIONS), seed=seed)
    if not plan:
        raise NoPassagesError
    synthesis = Synthesis.objects.create(
        workspace_id=dataset.workspace_id,
        dataset=dataset,
        endpoint=endpoint,
        model_name=endpoint.model if endpoint else "",
        plan=plan,
        created_by=actor.user,
    )
    jobs.enqueue(
        JobKind.SYNTHESISE,
        workspace_id=dataset.workspace_id,
        key=str(synthesis.pk),
        payload={"synthesis_id": str(synthesis.pk)},
    )
    return synthesis


def find_job(synthesis: Synthesis) -> Job | None:
    return Job.objects.filter(kind=JobKind.SYNTHESISE, key=str(synthesis.pk)).first()


def load_passages(synthesis: Synthesis, ids: Sequence[int]) -> list[Chunk]:
    """The passages that still exist, with their documents."""
    chunks = Chunk.objects.select_related("version__document").filter(
        workspace_id=synthesis.workspace_id, pk__in=ids, version__document__deleted_at=None
    )
    return list(chunks.order_by("pk"))


@transaction.atomic
def store_drafts(synthesis: Synthesis, *, drafts: Sequence[PassageDraft], position: int) -> None:
    """Store the questions as proposals and record the progress, in one transaction."""
    note = f"by {synthesis.model_name}" if synthesis.model_name else METHOD
    rows = [
        (
            _fields(item.chunk, item.drafted, model=synthesis.model_name),
            ExampleSource(SourceKind.SYNTHESIS, str(item.chunk.pk), note),
        )
        for item in drafts
        if item.drafted is not None
    ]
    if rows:
        add_examples(
            synthesis.dataset,
            rows=rows,
            actor=Actor(user=synthesis.created_by),
            state=ReviewState.PROPOSED,
        )
    read, written = sum(i.input_tokens for i in drafts), sum(i.output_tokens for i in drafts)
    endpoint = synthesis.endpoint
    cost = Decimal(0)
    if endpoint is not None:
        cost = compute_cost(
            input_tokens=read,
            output_tokens=written,
            input_price=endpoint.input_price,
            output_price=endpoint.output_price,
        )
    Synthesis.objects.filter(pk=synthesis.pk).update(
        position=position,
        num_made=F("num_made") + len(rows),
        input_tokens=F("input_tokens") + read,
        output_tokens=F("output_tokens") + written,
        cost=F("cost") + cost,
    )


def _fields(chunk: Chunk, drafted: Drafted, *, model: str) -> ExampleFields:
    document = chunk.version.document
    return ExampleFields(
        question=drafted.question,
        expected_answer=drafted.answer,
        expected_passages=(
            ExpectedPassage(
                text=chunk.text[drafted.start : drafted.end],
                document_id=str(document.pk),
                document_name=document.name,
                start=chunk.start + drafted.start,
                end=chunk.start + drafted.end,
            ),
        ),
        tags=("generated",),
        answered_by={"model": model} if model else {},
    )
