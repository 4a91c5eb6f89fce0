from __future__ import annotations

from django.apps import AppConfig


class AssistantsConfig(AppConfig):
    name = "apps.assistants"
    default_auto_field = "django.db.models.BigAutoField"
