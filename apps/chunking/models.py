"""How text is cut, and the pieces."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from apps.documents.models import DocumentVersion
from apps.workspaces.models import WorkspaceModel


class ChunkingProfile(WorkspaceModel):
    """A splitter and its parameters. Never edited: another setting is another profile."""

    name = models.CharField(max_length=120)
    splitter = models.CharField(max_length=40, default="recursive")
    params = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="chunking_profile_name")
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Only a new profile can be saved: passages that exist were cut by it as it is."""
        if not self._state.adding:
            raise TypeError("A chunking profile is never edited. Make another one.")
        super().save(*args, **kwargs)


class Chunk(models.Model):
    """One passage: `text` is the version's full text from `start` to `end`, exactly."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, related_name="+"
    )
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="chunks")
    profile = models.ForeignKey(ChunkingProfile, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()
    text = models.TextField()
    heading = models.CharField(max_length=500, blank=True)
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    first_page = models.PositiveIntegerField()
    last_page = models.PositiveIntegerField()
    num_tokens = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "profile", "position"], name="chunk_position"
            )
        ]

    def __str__(self) -> str:
        return f"passage {self.position}"
