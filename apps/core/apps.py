from __future__ import annotations

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "apps.core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.core.doors import open_doors
        from apps.core.forms import say_plainly
        from apps.core.logs import keep_texts_out

        keep_texts_out()
        say_plainly()
        open_doors()
