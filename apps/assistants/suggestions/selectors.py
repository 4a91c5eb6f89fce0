"""Reads of suggested questions."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from apps.assistants.models import Assistant, SuggestedQuestion

SHOWN = 4


def list_suggestions(assistant: Assistant) -> QuerySet[SuggestedQuestion]:
    """All that were found in documents that are still there, the hidden ones too."""
    return (
        SuggestedQuestion.objects.filter(assistant=assistant, document__deleted_at=None)
        .select_related("document")
        .order_by("is_hidden", "position", "pk")
    )


def list_shown(assistant: Assistant) -> list[str]:
    """What an empty conversation offers: a person's examples, or else what was found."""
    if assistant.example_questions:
        return list(assistant.example_questions)[:SHOWN]
    shown = list_suggestions(assistant).filter(is_hidden=False)
    return list(shown.values_list("text", flat=True)[:SHOWN])


def get_suggestion(assistant: Assistant, question_id: UUID) -> SuggestedQuestion:
    """A suggested question of the assistant, or Http404."""
    question = SuggestedQuestion.objects.filter(assistant=assistant, pk=question_id).first()
    if question is None:
        raise Http404
    return question
