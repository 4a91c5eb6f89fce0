from __future__ import annotations

from django.apps import AppConfig


class RetrievalConfig(AppConfig):
    name = "apps.retrieval"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.documents import doors

        doors.follow_labels.fill("apps.retrieval.passages.relabel.follow_labels")
