"""Finding, keeping and changing an assistant's suggested questions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Max, QuerySet

from apps.assistants.models import Assistant, Release, SuggestedQuestion
from apps.assistants.recipe import load_release
from apps.assistants.suggestions.rules import same_question
from apps.assistants.suggestions.trying import Place, propose_from, try_question
from apps.chunking.models import Chunk
from apps.core import jobs
from apps.core.models import Job, JobKind, JobState
from apps.core.text import storable
from apps.documents.models import Document
from apps.workspaces.services import Actor, record_audit

FOUND = 6
DOCUMENTS = 30
"""The latest documents are looked at; more would not make better questions."""
PASSAGES = 12
TRIES = 60
TRIES_OF_DOCUMENT = 4
MAX_TEXT = 300


@dataclass(frozen=True, slots=True)
class Found:
    """A question and the document that answers it."""

    document_id: UUID
    text: str


def fingerprint_documents(release: Release | None) -> str:
    """The state of what a release answers from: another one after every change of it."""
    if release is None:
        return ""
    totals = _documents(release).aggregate(count=Count("pk"), latest=Max("current__ready_at"))
    state = f"{release.pk} {totals['count']} {totals['latest']}"
    return hashlib.sha256(state.encode()).hexdigest()


def _documents(release: Release) -> QuerySet[Document]:
    return Document.objects.filter(
        collection__in=release.collections.values("pk"), deleted_at=None, current__isnull=False
    )


def refresh_if_stale(assistant: Assistant) -> bool:
    """Queue another search for questions if the documents changed; True while one is going on."""
    release = assistant.current
    if release is None or fingerprint_documents(release) == assistant.suggested_from:
        return False
    return _is_open(look_again(assistant))


def look_again(assistant: Assistant) -> Job:
    """Queue a search for questions. While one is queued or running, that is the one."""
    return jobs.enqueue(
        JobKind.SUGGEST_QUESTIONS,
        workspace_id=assistant.workspace_id,
        key=str(assistant.pk),
        payload={"assistant_id": str(assistant.pk)},
    )


def _is_open(job: Job) -> bool:
    return job.state in (JobState.QUEUED, JobState.RUNNING)


def find_questions(release: Release) -> list[Found]:
    """Questions that the release's documents answer, of different documents first. Blocking."""
    recipe = load_release(release)
    place = Place(recipe.workspace_id, recipe.frozen.collection_ids, recipe.frozen.profile)
    found: list[Found] = []
    waiting = [
        (pk, _propose(pk))
        for pk in _documents(release)
        .order_by("-current__ready_at", "pk")
        .values_list("pk", flat=True)[:DOCUMENTS]
    ]
    tries = 0
    while waiting and len(found) < FOUND and tries < TRIES:
        again = []
        for document_id, proposals in waiting:
            question, used = _first_answered(document_id, proposals, place=place, known=found)
            tries += used
            if question is not None:
                found.append(Found(document_id, question))
                again.append((document_id, proposals))
            if len(found) >= FOUND or tries >= TRIES:
                break
        waiting = again
    return found


def _first_answered(
    document_id: UUID, proposals: Iterator[str], *, place: Place, known: Sequence[Found]
) -> tuple[str | None, int]:
    """The next proposal that its own document answers, and how many were tried."""
    used = 0
    for question in proposals:
        if any(same_question(question, item.text) for item in known):
            continue
        used += 1
        finding = try_question(question, place=place)
        if finding is not None and finding.hit.document_id == document_id:
            return question, used
        if used >= TRIES_OF_DOCUMENT:
            break
    return None, used


def _propose(document_id: UUID) -> Iterator[str]:
    chunks = Chunk.objects.filter(
        version__document=document_id, version__document__current=F("version")
    ).order_by("position")[:PASSAGES]
    yield from propose_from(list(chunks))


def store_questions(assistant: Assistant, *, found: Sequence[Found], fingerprint: str) -> None:
    """Keep what was found. What a person changed or hid stays as they left it."""
    SuggestedQuestion.objects.filter(
        assistant=assistant, is_hidden=False, text=F("original")
    ).exclude(original__in=[item.text for item in found]).delete()
    for position, item in enumerate(found):
        SuggestedQuestion.objects.update_or_create(
            assistant=assistant,
            original=storable(item.text),
            defaults={"position": position, "document_id": item.document_id},
            create_defaults={
                "workspace_id": assistant.workspace_id,
                "position": position,
                "document_id": item.document_id,
                "text": storable(item.text),
            },
        )
    Assistant.objects.filter(pk=assistant.pk).update(suggested_from=fingerprint)


@transaction.atomic
def change_question(
    question: SuggestedQuestion,
    *,
    actor: Actor,
    text: str | None = None,
    is_hidden: bool | None = None,
) -> None:
    """Change the words or whether it is shown, each unless it is None."""
    if text is not None:
        question.text = storable(text).strip()[:MAX_TEXT] or question.original
    if is_hidden is not None:
        question.is_hidden = is_hidden
    question.save(update_fields=["text", "is_hidden"])
    record_audit(
        question.workspace_id,
        actor=actor,
        action="assistant.suggestion_changed",
        subject=question,
        detail={"text": question.text, "hidden": question.is_hidden},
    )
