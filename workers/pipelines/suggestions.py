"""Finding questions that an assistant's documents answer."""

from __future__ import annotations

from apps.assistants.models import Assistant
from apps.assistants.suggestions.services import (
    find_questions,
    fingerprint_documents,
    store_questions,
)
from apps.core.models import Job
from workers.claims import fence


def suggest_questions(job: Job) -> None:
    """Find and keep the questions of one assistant; twice gives the same.

    Documents that change meanwhile leave another fingerprint, and the next look finds that out.
    """
    assistant = (
        Assistant.objects.select_related("current").filter(pk=job.payload["assistant_id"]).first()
    )
    if assistant is None or assistant.current is None:
        return
    fingerprint = fingerprint_documents(assistant.current)
    found = find_questions(assistant.current)
    with fence(job):
        store_questions(assistant, found=found, fingerprint=fingerprint)
