from __future__ import annotations

from django.apps import AppConfig


class AssistantsConfig(AppConfig):
    name = "apps.assistants"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.documents import doors as documents
        from apps.gateway import doors as gateway
        from apps.prompts import doors as prompts

        documents.name_assistants.fill("apps.assistants.selectors.name_assistants")
        gateway.list_endpoint_uses.fill("apps.assistants.selectors.list_endpoint_uses")
        prompts.list_prompt_uses.fill("apps.assistants.selectors.list_prompt_uses")
