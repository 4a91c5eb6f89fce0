"""Changing many documents one after the other, each in a transaction of its own.

How far it has come is stored after each document. What the last worker did without storing it is
done again and changes nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from django.http import Http404

from apps.core.jobs import JobCancelled
from apps.core.models import Job
from apps.documents.bulk.changes import Action, read_actor, record_progress
from apps.documents.labels import TooManyTagsError, change_tag
from apps.documents.models import Collection, Document
from apps.documents.services import NotRetryableError, delete_document, retry_document
from apps.retrieval.indexes.moving import NotMovableError, move_document
from apps.workspaces.services import Actor
from workers.claims import still_wanted


def change_documents(job: Job) -> None:
    """Do to each document of the job what it says, and count why others were left out."""
    actor = read_actor(job.payload)
    left_out = Counter[str](job.payload["left_out"])
    for number, pk in enumerate(job.payload["ids"][job.done :], start=job.done + 1):
        if not still_wanted([job]):
            raise JobCancelled
        if reason := _change(UUID(pk), job, actor):
            left_out[reason] += 1
        record_progress(job, done=number, left_out=left_out)


def _change(pk: UUID, job: Job, actor: Actor) -> str:
    """Why the document was left as it was; empty if it was changed."""
    payload = job.payload
    document = (
        Document.objects.select_related("collection", "current")
        .filter(pk=pk, workspace=job.workspace_id, deleted_at=None, collection__deleted_at=None)
        .first()
    )
    action = Action(payload["action"])
    if document is None or str(document.collection_id) != payload["collection_id"]:
        was_done = action in (Action.DELETE, Action.MOVE)
        return "" if was_done else "gone"
    try:
        return _apply(action, document, payload, actor)
    except NotRetryableError:
        return "not_failed"
    except TooManyTagsError:
        return "too_many_tags"
    except NotMovableError as error:
        return error.code
    except Http404:
        return "gone" if action != Action.MOVE else "target_gone"


def _apply(action: Action, document: Document, payload: dict[str, Any], actor: Actor) -> str:
    if action == Action.DELETE:
        delete_document(document, actor=actor)
    elif action == Action.RETRY:
        retry_document(document, actor=actor)
    elif action == Action.MOVE:
        target = Collection.objects.filter(
            pk=payload["target_id"], workspace=document.workspace_id, deleted_at=None
        ).first()
        if target is None:
            return "target_gone"
        move_document(document, target=target, actor=actor)
    else:
        is_removed = action == Action.REMOVE_TAG
        if not change_tag(document, actor=actor, tag=payload["tag"], is_removed=is_removed):
            return "same_tags"
    return ""
