from __future__ import annotations

from django.apps import AppConfig


class GuideConfig(AppConfig):
    name = "apps.guide"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.workspaces import doors as workspaces

        workspaces.choose_start_page.fill("apps.guide.steps.choose_start_page")
