"""Indexes: the vectors and the postings of a collection's current chunks."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from pgvector.django import HalfVectorField

from apps.chunking.models import Chunk, ChunkingProfile
from apps.documents.models import Collection, DocumentVersion
from apps.workspaces.models import User, WorkspaceModel

DIMENSIONS = 384
"""Of the built-in embedding model."""


class IndexState(models.TextChoices):
    BUILDING = "building", "Building"
    LIVE = "live", "Live"
    RETIRED = "retired", "Retired"


class BuildStage(models.TextChoices):
    WAITING = "waiting", "Waiting for its turn"
    SPLITTING = "splitting", "Splitting into passages"
    EMBEDDING = "embedding", "Embedding passages"
    READY = "ready", "Ready"


class AnnKind(models.TextChoices):
    """How a large index finds near vectors without comparing all of them."""

    HNSW = "hnsw", "Graph (HNSW)"
    IVFFLAT = "ivfflat", "Lists (IVFFlat)"


class Precision(models.TextChoices):
    """What a vector index keeps of each number of a vector."""

    FULL = "full", "32 bits"
    HALF = "half", "16 bits"
    BINARY = "binary", "1 bit, compared again by 16"


class AnnState(models.TextChoices):
    NONE = "none", "Compared one by one"
    BUILDING = "building", "Being built"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


class Label(models.TextChoices):
    """What people say of a document that can stand in front of its passages, in this order."""

    NAME = "name", "Name of the document"
    TAGS = "tags", "Tags"
    METADATA = "metadata", "Metadata"
    DATE = "date", "Date"


class Index(WorkspaceModel):
    """One chunking profile and one embedding model over a collection.

    States: building -> live -> retired, and live again after a roll back. A retired index that
    lacks newer documents is building until it has them. A collection has at most one live index.
    The counters `num_chunks` and `total_length` cover the chunks with postings and their terms;
    they change in the transactions that write and remove postings. `ready_at` is when the index
    first held all documents; with `goes_live` it is swapped in at that point. An index with
    `discarded_at` is being removed, and nobody can see it any more.

    An index with more than EXACT_SCAN_CHUNKS chunks gets a vector index of its own, of the kind
    and precision stored here; `ann_state` is its progress, `ann_built` what was built.
    `terms_counted` is how many chunks it had when its frequent terms were counted.

    `labels` says which labels of a document are embedded and indexed in front of its chunks.
    """

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="indexes")
    profile = models.ForeignKey(ChunkingProfile, on_delete=models.CASCADE, related_name="+")
    embedding_model = models.CharField(max_length=200)
    dimensions = models.PositiveIntegerField(default=DIMENSIONS)
    state = models.CharField(max_length=10, choices=IndexState.choices)
    stage = models.CharField(max_length=10, choices=BuildStage.choices, default=BuildStage.READY)
    num_chunks = models.PositiveIntegerField(default=0)
    total_length = models.PositiveBigIntegerField(default=0)
    ann_kind = models.CharField(max_length=10, choices=AnnKind.choices, default=AnnKind.HNSW)
    precision = models.CharField(max_length=10, choices=Precision.choices, default=Precision.HALF)
    ann_state = models.CharField(max_length=10, choices=AnnState.choices, default=AnnState.NONE)
    ann_built = models.CharField(max_length=21, blank=True)
    terms_counted = models.PositiveIntegerField(default=0)
    labels = ArrayField(
        models.CharField(max_length=10, choices=Label.choices),
        default=list, db_default=[], blank=True,
    )  # fmt: skip
    goes_live = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    ready_at = models.DateTimeField(null=True, blank=True)
    live_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    discarded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["collection"], name="index_one_live", condition=models.Q(state="live")
            )
        ]

    def __str__(self) -> str:
        return f"{self.collection} ({self.state})"


class IndexedVersion(models.Model):
    """Records that an index that is not live holds a version in full: chunks, vectors, postings.

    A live index holds every current version and needs no such rows; it gets them on retiring.
    """

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, related_name="+"
    )
    index = models.ForeignKey(Index, on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="+")
    num_chunks = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["index", "version"], name="indexed_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.version_id} in {self.index_id}"


class SavedQuery(WorkspaceModel):
    """A question that somebody saved for comparing a collection's indexes."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="+")
    text = models.CharField(max_length=500)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["collection", "text"], name="saved_query_once")
        ]

    def __str__(self) -> str:
        return self.text


class Embedding(models.Model):
    """A chunk's vector. Searched once its version is the current one of its document.

    `version` repeats the chunk's, here and in the table's indexes, so that a search can check it
    without reading chunks.
    """

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, related_name="+"
    )
    index = models.ForeignKey(Index, on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey(
        DocumentVersion, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    chunk = models.ForeignKey(
        Chunk, on_delete=models.CASCADE, related_name="embeddings", db_index=False
    )
    vector = HalfVectorField()

    class Meta:
        # The chunks that pass a filter are listed from this index alone.
        indexes = [
            models.Index(fields=["version", "index"], include=["chunk"], name="embedding_version")
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["chunk", "index"], include=["version"], name="embedding_once"
            )
        ]

    def __str__(self) -> str:
        return f"vector of {self.chunk_id}"


class Posting(models.Model):
    """How often a term stands in a chunk: the inverted index that BM25 is computed from.

    `length` is the chunk's number of terms. Only current versions have rows, so a search need not
    check. There are about a hundred rows for each chunk, which is why no foreign key is enforced
    and the primary key includes the columns that a search reads (migration 0002).
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


class PassageContext(models.Model):
    """What a model says about a chunk, embedded and indexed with it: see `contexts`.

    `text` is a sentence that places the chunk in its document, followed by the questions that it
    answers, one per line. The database deletes it with its chunk (migration 0006).
    """

    chunk = models.OneToOneField(
        Chunk,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="context",
        db_constraint=False,
    )
    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, related_name="+"
    )
    text = models.TextField()
    model = models.CharField(max_length=200)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.text[:60]


class FrequentTerm(models.Model):
    """The postings of a large index's frequent term, packed so that they are read at once.

    `chunk_ids`, relative to `TermLists.base`, and `impacts`, the BM25 share of each posting, have
    the format of `packed_terms`. Terms without a row are rare; their postings are read directly.
    """

    pk = models.CompositePrimaryKey("index_id", "term")
    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    index = models.ForeignKey(Index, on_delete=models.CASCADE, related_name="+", db_index=False)
    term = models.CharField(max_length=80, db_collation="C")
    num_chunks = models.PositiveIntegerField()
    chunk_ids = models.BinaryField(default=bytes)
    impacts = models.BinaryField(default=bytes)

    def __str__(self) -> str:
        return self.term


class TermLists(models.Model):
    """How far a large index's frequent terms are packed.

    Chunks beyond the id `until` are read from the postings. `watch` is the last id of the next
    packing: chunks up to it that get postings from now on are recorded as `LatePassage` rows.
    """

    index = models.OneToOneField(
        Index, on_delete=models.CASCADE, primary_key=True, related_name="term_lists"
    )
    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, related_name="+"
    )
    base = models.BigIntegerField(default=0)
    until = models.BigIntegerField(default=0)
    watch = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"terms of {self.index_id}"


class LatePassage(models.Model):
    """A chunk whose postings were written or changed after packing had passed its id.

    The chunk may be gone: a row without postings finds nothing.
    """

    pk = models.CompositePrimaryKey("index_id", "chunk_id")
    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    index = models.ForeignKey(Index, on_delete=models.CASCADE, related_name="+", db_index=False)
    chunk = models.ForeignKey(
        Chunk, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    noted_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.chunk_id} in {self.index_id}"
