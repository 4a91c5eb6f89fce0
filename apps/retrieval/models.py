"""Indexes: the vectors and the postings of a collection's current passages."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from pgvector.django import HalfVectorField

from apps.chunking.models import Chunk, ChunkingProfile
from apps.documents.models import Collection, DocumentVersion
from apps.workspaces.models import WorkspaceModel

DIMENSIONS = 384
"""Of the built-in embedding model."""


class IndexState(models.TextChoices):
    BUILDING = "building", "Building"
    LIVE = "live", "Live"
    RETIRED = "retired", "Retired"


class Index(WorkspaceModel):
    """One chunking profile and one embedding model over a collection.

    States: building -> live -> retired. A collection has at most one live index. The two counters
    are of the passages with postings and of their terms; they change in the transactions that
    write and remove postings.
    """

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="indexes")
    profile = models.ForeignKey(ChunkingProfile, on_delete=models.CASCADE, related_name="+")
    embedding_model = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=IndexState.choices)
    num_chunks = models.PositiveIntegerField(default=0)
    total_length = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["collection"], name="index_one_live", condition=models.Q(state="live")
            )
        ]

    def __str__(self) -> str:
        return f"{self.collection} ({self.state})"


class Embedding(models.Model):
    """A passage's vector. Searched once its version is the current one of its document.

    `version` is the passage's, kept here so that a search can tell without reading passages.
    """

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, related_name="+"
    )
    index = models.ForeignKey(Index, on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="+")
    chunk = models.ForeignKey(Chunk, on_delete=models.CASCADE, related_name="embeddings")
    vector = HalfVectorField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chunk", "index"], name="embedding_chunk_index")
        ]

    def __str__(self) -> str:
        return f"vector of {self.chunk_id}"


class Posting(models.Model):
    """How often a term stands in a passage: the inverted index that BM25 is computed from.

    `length` is the passage's number of terms. Rows exist for current versions only, so that
    a search never has to ask. There are a hundred for each passage: no row is checked against
    the rows that it refers to, and the primary key carries what a search reads (migration 0002).
    """

    pk = models.CompositePrimaryKey("index_id", "term", "chunk_id")
    workspace = models.ForeignKey(
        "workspaces.Workspace",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    index = models.ForeignKey(
        Index, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    chunk = models.ForeignKey(
        Chunk, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    term = models.CharField(max_length=80, db_collation="C")
    frequency = models.PositiveSmallIntegerField()
    length = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.term
