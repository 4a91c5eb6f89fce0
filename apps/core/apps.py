from __future__ import annotations

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "apps.core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.core.doors import open_doors
        from apps.core.forms import say_plainly

        say_plainly()
        open_doors()
