"""Describing a collection's passages with a model: its cost, how far it is, start and stop."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum

from apps.core.jobs import enqueue
from apps.core.models import Job, JobKind, JobState
from apps.documents.models import Collection
from apps.gateway.models import Endpoint
from apps.gateway.services import compute_cost
from apps.retrieval.models import Index, IndexState, PassageContext
from apps.retrieval.passages import contexts
from apps.retrieval.passages.contexts import Estimate
from apps.workspaces.services import Actor, record_audit

OPEN = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class Offer:
    """An endpoint, and roughly what all waiting passages would cost with it, in US dollars."""

    endpoint: Endpoint
    cost: Decimal


@dataclass(frozen=True, slots=True)
class ContextsView:
    """The state of a collection. `job` is the latest, open or ended; None if there was none."""

    index: Index | None
    described: int
    estimate: Estimate
    offers: list[Offer]
    examples: list[PassageContext]
    spent_input: int
    spent_output: int
    job: Job | None

    @property
    def is_running(self) -> bool:
        return self.job is not None and self.job.state in OPEN

    @property
    def is_removing(self) -> bool:
        return self.is_running and self.job is not None and bool(self.job.payload.get("remove"))

    @property
    def state(self) -> str:
        """What the badge says; empty where there is nothing to say."""
        if self.is_running:
            return "removing" if self.is_removing else "describing"
        return JobState.FAILED if self.job and self.job.state == JobState.FAILED else ""


def view_contexts(collection: Collection) -> ContextsView:
    """What the page shows."""
    index = Index.objects.filter(collection=collection, state=IndexState.LIVE).first()
    if index is None:
        return ContextsView(None, 0, Estimate(0, 0, 0), [], [], 0, 0, None)
    waiting = contexts.estimate(index)
    kept = PassageContext.objects.filter(chunk__in=contexts.list_chunks(index))
    spent = kept.aggregate(read=Sum("input_tokens"), written=Sum("output_tokens"))
    return ContextsView(
        index=index,
        described=kept.count(),
        estimate=waiting,
        offers=[
            Offer(endpoint, _cost(endpoint, waiting))
            for endpoint in Endpoint.objects.filter(workspace=collection.workspace_id).order_by(
                "name"
            )
        ],
        examples=list(kept.select_related("chunk__version__document").order_by("pk")[:3]),
        spent_input=spent["read"] or 0,
        spent_output=spent["written"] or 0,
        job=_find_job(collection),
    )


def _cost(endpoint: Endpoint, waiting: Estimate) -> Decimal:
    return compute_cost(
        input_tokens=waiting.input_tokens,
        output_tokens=waiting.output_tokens,
        input_price=endpoint.input_price,
        output_price=endpoint.output_price,
    )


def _find_job(collection: Collection) -> Job | None:
    return Job.objects.filter(kind=JobKind.ADD_CONTEXTS, key=str(collection.pk)).first()


def start(collection: Collection, *, endpoint: Endpoint, actor: Actor) -> Job:
    """Describe the passages that wait. While a job is open for the collection, it goes on."""
    payload: dict[str, object] = {
        "collection_id": str(collection.pk), "endpoint_id": str(endpoint.pk),
    }  # fmt: skip
    return _enqueue(collection, payload, action="contexts.started", actor=actor)


def start_removing(collection: Collection, *, actor: Actor) -> Job:
    """Remove all contexts of a collection."""
    payload = {"collection_id": str(collection.pk), "remove": True}
    return _enqueue(collection, payload, action="contexts.removed", actor=actor)


def _enqueue(
    collection: Collection, payload: dict[str, object], *, action: str, actor: Actor
) -> Job:
    record_audit(collection.workspace_id, actor=actor, action=action, subject=collection)
    return enqueue(
        JobKind.ADD_CONTEXTS,
        workspace_id=collection.workspace_id,
        key=str(collection.pk),
        payload=payload,
    )


def stop(collection: Collection) -> None:
    """Ask an open job to end; what is described stays."""
    rows = Job.objects.filter(kind=JobKind.ADD_CONTEXTS, key=str(collection.pk))
    rows.filter(state=JobState.QUEUED).update(state=JobState.CANCELLED)
    rows.filter(state=JobState.RUNNING).update(cancel_requested=True)
