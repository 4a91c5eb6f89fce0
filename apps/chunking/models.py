"""How text is cut, and the resulting chunks."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from apps.documents.models import Document, DocumentVersion
from apps.workspaces.models import User, WorkspaceModel

TAG_CHARS = 60


class ChunkingProfile(WorkspaceModel):
    """A splitter and its parameters. Never edited: different settings make another profile."""

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
        """Only a new profile can be saved: existing chunks were cut with the stored values."""
        if not self._state.adding:
            raise TypeError("A chunking profile is never edited. Make another one.")
        super().save(*args, **kwargs)


class ChunkEdit(WorkspaceModel):
    """What people changed about a stretch of a document's text, kept apart from the chunks.

    It is anchored by the text that was there (`original`, then the characters `start` to `end` of
    the full text) and located again whenever a version is split, whichever the profile. With
    `is_fixed` the stretch is a chunk of its own, which says `text` instead of the original unless
    that is empty; without it, the change only tags the chunks there. No chunk contains a stretch
    that `is_disabled`.
    """

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunk_edits")
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    original = models.TextField()
    original_hash = models.CharField(max_length=64)
    text = models.TextField(blank=True)
    is_fixed = models.BooleanField(default=True)
    is_disabled = models.BooleanField(default=False)
    tags = ArrayField(models.CharField(max_length=TAG_CHARS), default=list)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "start", "end"], name="chunk_edit_span")
        ]

    def __str__(self) -> str:
        return f"edit of {self.start}-{self.end}"


class Chunk(models.Model):
    """What is embedded, found and cited; people read of it as a passage.

    `text` is exactly the version's full text from `start` to `end`, unless the chunk was edited:
    then `edit` is set, and the span is what the text replaces. `parent_start` and `parent_end`
    delimit the larger text that is read when this chunk is found.

    `table_head` is there where the chunk has rows of a table: the lines of the table above the
    chunk that its rows need, often none. Its rows are then embedded and indexed in words; where
    it is null the text is, as it stands (ADR 18).
    """

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, related_name="+"
    )
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="chunks")
    profile = models.ForeignKey(ChunkingProfile, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()
    text = models.TextField()
    heading = models.CharField(max_length=500, blank=True)
    table_head = models.TextField(null=True)  # noqa: DJ001
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    first_page = models.PositiveIntegerField()
    last_page = models.PositiveIntegerField()
    num_tokens = models.PositiveIntegerField()
    parent_start = models.PositiveIntegerField(null=True)
    parent_end = models.PositiveIntegerField(null=True)
    edit = models.ForeignKey(
        ChunkEdit, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    tags = ArrayField(models.CharField(max_length=TAG_CHARS), default=list, db_default=[])

    class Meta:
        # Checked at the end of each statement, so that one statement can renumber chunks.
        constraints = [
            models.UniqueConstraint(
                fields=["version", "profile", "position"],
                name="chunk_position",
                deferrable=models.Deferrable.IMMEDIATE,
            )
        ]
        # Few chunks are edited; a full index would cost every chunk an entry.
        indexes = [
            models.Index(
                fields=["edit"], name="chunk_edited", condition=models.Q(edit__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"passage {self.position}"
