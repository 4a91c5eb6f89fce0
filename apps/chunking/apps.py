from __future__ import annotations

from django.apps import AppConfig


class ChunkingConfig(AppConfig):
    name = "apps.chunking"
    default_auto_field = "django.db.models.BigAutoField"
