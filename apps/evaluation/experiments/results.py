"""Writes of the worker: answers, scores and progress.

Every function may be called twice: items that already have their answer or scores are skipped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.assistants.answering.outcome import CitedPassage
from apps.assistants.answering.snapshots import snapshot
from apps.assistants.answering.unattended import AnsweredItem, ItemQuestion
from apps.core.text import storable, storable_json
from apps.documents.models import Document
from apps.evaluation.models import (
    OPEN_ITEMS,
    Experiment,
    ExperimentItem,
    ExperimentState,
    ItemPassage,
    ItemState,
    Score,
)
from apps.traces.services import RunRow, store


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An item without its answer (`question`) or without its scores (None)."""

    item_id: UUID
    release_id: UUID
    question: ItemQuestion | None


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A score as an evaluator gave it."""

    item_id: UUID
    metric: str
    value: float | None
    label: str = ""
    reason: str = ""
    turn: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)


def begin_run(experiment_id: UUID) -> Experiment | None:
    """Mark the experiment as running and return it; None if it was deleted or cancelled."""
    now = timezone.now()
    Experiment.objects.filter(pk=experiment_id, started_at=None).update(started_at=now)
    Experiment.objects.filter(pk=experiment_id, state=ExperimentState.QUEUED).update(
        state=ExperimentState.RUNNING
    )
    running = Experiment.objects.filter(pk=experiment_id, state=ExperimentState.RUNNING)
    return running.select_related("judge").first()


def end_run(experiment_id: UUID, *, state: ExperimentState, reason: str = "") -> None:
    """Record how a run ended, unless somebody has stopped it before."""
    Experiment.objects.filter(
        pk=experiment_id, state__in=[ExperimentState.QUEUED, ExperimentState.RUNNING]
    ).update(state=state, reason=reason, finished_at=timezone.now())


def list_open_items(experiment: Experiment, *, limit: int) -> list[OpenItem]:
    """Open items, ordered so that all releases advance together."""
    rows = (
        ExperimentItem.objects.filter(experiment=experiment, state__in=OPEN_ITEMS)
        .select_related("example")
        .order_by("repetition", "position", "release_id")[:limit]
    )
    return [
        OpenItem(
            item.pk,
            item.release_id,
            _question(item, ask_earlier=experiment.with_turns)
            if item.state == ItemState.PENDING
            else None,
        )
        for item in rows
    ]


def load_questions(item_ids: Sequence[UUID]) -> dict[UUID, ItemQuestion]:
    """What items ask, to ask it again: after the turns that were asked then, if there were any."""
    items = ExperimentItem.objects.filter(pk__in=item_ids).select_related("example")
    questions = {item.pk: _question(item, ask_earlier=False) for item in items}
    turns = {item.pk: tuple((t["question"], t["answer"]) for t in item.turns) for item in items}
    return {pk: replace(one, earlier=turns[pk] or one.earlier) for pk, one in questions.items()}


def _question(item: ExperimentItem, *, ask_earlier: bool) -> ItemQuestion:
    example = item.example
    return ItemQuestion(
        item_id=item.pk,
        text=example.question,
        context=example.context,
        earlier=tuple((turn["question"], turn["answer"]) for turn in example.history),
        ask_earlier=ask_earlier and bool(example.history),
    )


@transaction.atomic
def store_answers(experiment: Experiment, answered: Sequence[AnsweredItem]) -> None:
    """Store answers with their snapshots and traces; count failures on the item."""
    open_items = {
        item.pk: item
        for item in ExperimentItem.objects.select_for_update()
        .filter(pk__in=[one.item_id for one in answered], state=ItemState.PENDING)
        .order_by("pk")
    }
    pending = [one for one in answered if one.item_id in open_items]
    good = [one for one in pending if not one.error]
    alive = _lock_documents(good)
    store(_list_runs(experiment, open_items, good))
    for one in pending:
        _fill_item(open_items[one.item_id], one, alive)
    ExperimentItem.objects.bulk_update(
        [open_items[one.item_id] for one in pending], fields=ITEM_FIELDS
    )
    ItemPassage.objects.bulk_create(
        ItemPassage(
            workspace_id=experiment.workspace_id,
            item_id=one.item_id,
            turn=turn,
            score=passage.hit.score,
            **snapshot(passage),
        )
        for one in good
        for turn, passage in _list_passages(one)
        if passage.hit.document_id in alive
    )
    failed = sum(open_items[one.item_id].state == ItemState.FAILED for one in pending)
    Experiment.objects.filter(pk=experiment.pk).update(
        cost=F("cost") + sum(one.outcome.cost for one in good), failed=F("failed") + failed
    )


ITEM_FIELDS = [
    "state", "attempts", "error", "answer", "is_declined", "turns", "trace", "duration_ms",
    "first_token_ms", "input_tokens", "output_tokens", "cost", "finished_at",
]  # fmt: skip


def _list_passages(one: AnsweredItem) -> Iterator[tuple[int, CitedPassage]]:
    """Each passage with its turn: 0 for the item's own question."""
    for turn, outcome in enumerate([one.outcome, *(outcome for _, outcome in one.turns)]):
        yield from ((turn, passage) for passage in outcome.passages)


def _lock_documents(answered: Iterable[AnsweredItem]) -> set[UUID]:
    """Lock the documents that still exist, so that none is deleted before this transaction ends."""
    ids = {passage.hit.document_id for one in answered for _, passage in _list_passages(one)}
    documents = Document.objects.select_for_update(no_key=True).filter(pk__in=ids, deleted_at=None)
    return set(documents.order_by("pk").values_list("pk", flat=True))


def _fill_item(item: ExperimentItem, one: AnsweredItem, alive: Collection[UUID]) -> None:
    if one.error:
        item.attempts += 1
        item.error = one.error
        item.state = ItemState.FAILED
        item.finished_at = timezone.now()
        return
    cited = {p.hit.document_id for _, p in _list_passages(one) if p.cited is not None}
    withdrawn = bool(cited - set(alive))
    item.state = ItemState.WITHDRAWN if withdrawn else ItemState.ANSWERED
    item.answer = "" if withdrawn else storable(one.outcome.content)
    item.is_declined = one.outcome.is_declined
    turns = [] if withdrawn else one.turns
    item.turns = [
        {
            "question": turn.question,
            "answer": storable(turn.answer),
            "is_declined": outcome.is_declined,
        }
        for turn, outcome in turns
    ]
    item.trace_id = one.recorder.trace_id
    item.duration_ms = one.duration_ms
    item.first_token_ms = one.recorder.first_token_ms
    item.input_tokens = one.outcome.usage.input_tokens
    item.output_tokens = one.outcome.usage.output_tokens
    item.cost = one.outcome.cost


def _list_runs(
    experiment: Experiment, items: Mapping[UUID, ExperimentItem], answered: Iterable[AnsweredItem]
) -> Iterator[RunRow]:
    for one in answered:
        yield RunRow(
            one.recorder,
            workspace_id=experiment.workspace_id,
            subject_type="experiment_item",
            subject_id=one.item_id,
            release_id=items[one.item_id].release_id,
            status="ok",
            duration_ms=one.duration_ms,
            input_tokens=one.outcome.usage.input_tokens,
            output_tokens=one.outcome.usage.output_tokens,
            cost=one.outcome.cost,
        )


@transaction.atomic
def store_scores(
    experiment: Experiment,
    rows: Sequence[ScoreRow],
    *,
    item_ids: Sequence[UUID],
    spent: Decimal = Decimal(0),
) -> None:
    """Store the scores of items that are waiting for them, and mark the items as done.

    `spent` is what the judges cost, in US dollars.
    """
    waiting = set(
        ExperimentItem.objects.select_for_update()
        .filter(pk__in=item_ids, state=ItemState.ANSWERED)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    Score.objects.bulk_create(
        (
            Score(
                workspace_id=experiment.workspace_id,
                experiment_id=experiment.pk,
                item_id=row.item_id,
                metric=row.metric,
                turn=row.turn,
                value=row.value,
                label=storable(row.label)[:60],
                reason=storable(row.reason),
                details=storable_json(dict(row.details)),
            )
            for row in rows
            if row.item_id in waiting
        ),
        ignore_conflicts=True,
        batch_size=1000,
    )
    ExperimentItem.objects.filter(pk__in=waiting).update(
        state=ItemState.DONE, finished_at=timezone.now()
    )
    Experiment.objects.filter(pk=experiment.pk).update(
        done=F("done") + len(waiting), cost=F("cost") + spent
    )


@transaction.atomic
def withdraw_items(document_id: UUID) -> int:
    """Clear experiment answers that quote a document which is being deleted."""
    quoting = ItemPassage.objects.filter(document_id=document_id, is_cited=True)
    items = ExperimentItem.objects.filter(pk__in=quoting.values("item_id"))
    Score.objects.filter(item__in=items).update(reason="", details={})
    return items.update(answer="", turns=[], state=ItemState.WITHDRAWN)
