"""The questions that indexes are compared with: saved ones, and ones that people asked."""

from __future__ import annotations

from apps.documents.models import Collection
from apps.retrieval import doors
from apps.retrieval.models import SavedQuery
from apps.workspaces.services import Actor

MAX_QUESTIONS = 12


def choose_questions(collection: Collection, *, limit: int = MAX_QUESTIONS) -> list[str]:
    """Saved questions first, then recent ones from conversations, without duplicates."""
    saved = SavedQuery.objects.filter(collection=collection).order_by("-created_at")
    texts = list(saved.values_list("text", flat=True)[:limit])
    texts += doors.list_recent_questions(collection.workspace_id, collection.pk, limit)
    return list(dict.fromkeys(texts))[:limit]


def save_question(collection: Collection, *, text: str, actor: Actor) -> SavedQuery:
    """Save a question, unless it is saved already."""
    saved, _ = SavedQuery.objects.get_or_create(
        collection=collection,
        text=text,
        defaults={"workspace_id": collection.workspace_id, "created_by": actor.user},
    )
    return saved


def forget_question(saved: SavedQuery) -> None:
    """Delete a saved question."""
    saved.delete()
