"""Changing many documents of a collection at once: a job, document by document."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from apps.core import jobs
from apps.core.ids import uuid7
from apps.core.models import Job, JobKind, JobState
from apps.documents.listing.filters import DocumentFilter
from apps.documents.listing.rows import filter_documents
from apps.documents.models import Collection
from apps.documents.selectors import of_newest
from apps.documents.services import ENDED_BADLY
from apps.workspaces.models import ApiKey, User
from apps.workspaces.services import Actor, record_audit

SHOWN_FOR = dt.timedelta(minutes=5)
"""How long the table says what the latest change came to."""
OPEN_JOBS = (JobState.QUEUED, JobState.RUNNING)


class Action(models.TextChoices):
    """What can be done to many documents, with the verb of its button."""

    DELETE = "delete", "Delete"
    RETRY = "retry", "Try again"
    ADD_TAG = "add_tag", "Add tag"
    REMOVE_TAG = "remove_tag", "Remove tag"
    MOVE = "move", "Move"


DOING = {
    Action.DELETE: "Deleting",
    Action.RETRY: "Trying again",
    Action.ADD_TAG: "Tagging",
    Action.REMOVE_TAG: "Untagging",
    Action.MOVE: "Moving",
}
DONE = {
    Action.DELETE: "deleted",
    Action.RETRY: "started again",
    Action.ADD_TAG: "tagged",
    Action.REMOVE_TAG: "untagged",
    Action.MOVE: "moved",
}
LEFT_OUT = {
    "busy": "still being worked on",
    "gone": "no longer here",
    "known": "the same content is in the other collection already",
    "name_taken": "the name is taken in the other collection",
    "not_failed": "neither failed nor cancelled",
    "same_tags": "nothing to change",
    "too_many_tags": "has as many tags as a document may have",
    "target_gone": "the other collection was deleted",
}
"""Why a document was left as it was."""


class NothingSelectedError(Exception):
    """No document of the collection is meant."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Documents of a collection: these, or with `ids` None all that the filter leaves."""

    ids: tuple[UUID, ...] | None = None
    filter: DocumentFilter = field(default_factory=DocumentFilter)

    def list_ids(self, collection: Collection, action: Action) -> list[UUID]:
        """The documents that are meant; of those to try again, only what can be."""
        documents = filter_documents(collection, self.filter)
        if self.ids is not None:
            documents = documents.filter(pk__in=self.ids)
        if action == Action.RETRY:
            documents = documents.annotate(reached=of_newest("state")).filter(
                reached__in=ENDED_BADLY
            )
        return list(documents.values_list("pk", flat=True))


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done: `tag` goes with the actions on tags, `target` with a move."""

    action: Action
    tag: str = ""
    target: Collection | None = None


@dataclass(frozen=True, slots=True)
class ChangeView:
    """How far a change has come. `left_out` counts documents by the reason that kept them."""

    id: UUID
    action: Action
    state: str
    done: int
    total: int
    left_out: Mapping[str, int]
    target_name: str
    tag: str

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_JOBS

    @property
    def changed(self) -> int:
        return self.done - sum(self.left_out.values())

    @property
    def sentence(self) -> str:
        """What is being done, or what it came to."""
        object_ = "document" if self.total == 1 else "documents"
        to = f" to “{self.target_name}”" if self.target_name else ""
        of_tag = f" “{self.tag}”" if self.tag and self.action == Action.ADD_TAG else ""
        if self.is_open:
            verb = DOING[self.action]
            return f"{verb} {self.total:,} {object_}{to}: {self.done:,} of {self.total:,}"
        were = "was" if self.changed == 1 else "were"
        noun = "document" if self.changed == 1 else "documents"
        return f"{self.changed:,} {noun} {were} {DONE[self.action]}{of_tag}{to}."

    @property
    def left_out_sentences(self) -> list[str]:
        return [f"{count:,} left: {LEFT_OUT[code]}." for code, count in self.left_out.items()]


def start_change(
    collection: Collection, change: Change, selection: Selection, *, actor: Actor
) -> ChangeView:
    """Queue the change of these documents. Raises NothingSelectedError."""
    ids = selection.list_ids(collection, change.action)
    if not ids:
        raise NothingSelectedError
    with transaction.atomic():
        job = jobs.enqueue(
            JobKind.CHANGE_DOCUMENTS,
            workspace_id=collection.workspace_id,
            key=str(uuid7()),
            payload={
                "collection_id": str(collection.pk),
                "action": change.action,
                "tag": change.tag,
                "target_id": str(change.target.pk) if change.target else "",
                "target_name": change.target.name if change.target else "",
                "ids": [str(pk) for pk in ids],
                "user_id": str(actor.user.pk) if actor.user else "",
                "api_key_id": str(actor.api_key.pk) if actor.api_key else "",
                "left_out": {},
            },
        )
        Job.objects.filter(pk=job.pk).update(total=len(ids))
        job.total = len(ids)
        record_audit(
            collection.workspace_id,
            actor=actor,
            action="documents.change_started",
            subject=collection,
            detail={
                "collection": collection.name,
                "action": change.action,
                "documents": len(ids),
                **({"tag": change.tag} if change.tag else {}),
                **({"to": change.target.name} if change.target else {}),
            },
        )
    return view_change(job)


def view_change(job: Job) -> ChangeView:
    payload = job.payload
    return ChangeView(
        id=job.pk,
        action=Action(payload["action"]),
        state=job.state,
        done=job.done,
        total=job.total,
        left_out=payload["left_out"],
        target_name=payload["target_name"],
        tag=payload["tag"],
    )


def find_change(collection: Collection, change_id: UUID) -> ChangeView | None:
    """One change of the collection's documents; None if there is no such."""
    job = _list_changes(collection).filter(pk=change_id).first()
    return view_change(job) if job else None


def find_latest_change(collection: Collection) -> ChangeView | None:
    """The change that is going on, or the one that ended a little while ago."""
    recent = models.Q(finished_at__gt=timezone.now() - SHOWN_FOR)
    changes = _list_changes(collection).filter(recent | models.Q(state__in=OPEN_JOBS))
    job = changes.order_by("-created_at").first()
    return view_change(job) if job else None


def _list_changes(collection: Collection) -> models.QuerySet[Job]:
    return Job.objects.filter(
        kind=JobKind.CHANGE_DOCUMENTS,
        workspace_id=collection.workspace_id,
        payload__collection_id=str(collection.pk),
    )


def read_actor(payload: Mapping[str, Any]) -> Actor:
    """Who asked for a change; nobody where the person or the key has gone since."""
    users, keys = User.objects, ApiKey.objects
    return Actor(
        user=users.filter(pk=payload["user_id"]).first() if payload["user_id"] else None,
        api_key=keys.filter(pk=payload["api_key_id"]).first() if payload["api_key_id"] else None,
    )


def record_progress(job: Job, *, done: int, left_out: Counter[str]) -> None:
    """Store how far a change has come; whoever takes the job over goes on there."""
    job.done, job.payload["left_out"] = done, dict(left_out)
    Job.objects.filter(pk=job.pk, state=JobState.RUNNING, worker=job.worker).update(
        done=done, payload=job.payload
    )
