from __future__ import annotations

from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    name = "apps.documents"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.workspaces import doors

        doors.remove_workspace_files.fill("apps.documents.storage.remove_workspace_blobs")
