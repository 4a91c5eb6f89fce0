from __future__ import annotations

from django.apps import AppConfig


class ChunkingConfig(AppConfig):
    name = "apps.chunking"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.documents import doors

        doors.locate_passage.fill("apps.chunking.selectors.locate_passage")
