from __future__ import annotations

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "apps.gateway"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.core import doors

        doors.open_embedding_model.fill("apps.gateway.embedding_models.open_embedding_model")
        doors.list_embedding_models.fill("apps.gateway.embedding_models.list_embedding_models")
