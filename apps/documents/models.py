"""Collections of documents, their versions, and the text of each page."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone

from apps.workspaces.models import User, WorkspaceModel


class SharedCollections(models.Manager["Collection"]):
    """The collections that a workspace shares; attached files are in none of its lists."""

    def get_queryset(self) -> models.QuerySet[Collection]:
        return super().get_queryset().filter(is_private=False)


class Collection(WorkspaceModel):
    """A set of documents. `deleted_at` hides it at once; the row goes with its last document.

    A private one holds the files that somebody attached to a conversation: `objects` never has it,
    so that no list, picker, count or release shows it. Only what follows its documents through
    their lives asks `everything`.
    """

    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    is_private = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = SharedCollections()
    everything: models.Manager[Collection] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "name"],
                name="collection_name",
                condition=models.Q(deleted_at=None),
            )
        ]

    def __str__(self) -> str:
        return self.name


class Document(WorkspaceModel):
    """A named source in a collection. Its text is that of its current version.

    `deleted_at` hides it at once from everything; a job then removes what is left of it. Searches
    can be narrowed by `tags` (in lower case), `metadata` (names to texts) and `source_date` (the
    date that the document itself gives).
    """

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="documents")
    name = models.CharField(max_length=400)
    source_url = models.URLField(max_length=2000, blank=True)
    tags = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    source_date = models.DateField(null=True, blank=True)
    current = models.ForeignKey(
        "DocumentVersion", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "name"],
                name="document_name",
                condition=models.Q(deleted_at=None),
            )
        ]
        # What a search may find, and the few rows that wait for their removal.
        indexes = [
            models.Index(
                fields=["collection", "current"],
                name="document_visible",
                condition=models.Q(deleted_at=None),
            ),
            models.Index(
                fields=["collection"],
                name="document_deleted",
                condition=models.Q(deleted_at__isnull=False),
            ),
            GinIndex(fields=["tags"], name="document_tags"),
        ]

    def __str__(self) -> str:
        return self.name


class VersionState(models.TextChoices):
    QUEUED = "queued", "Waiting"
    PROCESSING = "processing", "Working"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


OPEN_STATES = (VersionState.QUEUED, VersionState.PROCESSING)
"""States of a version that is still being worked on."""


class Stage(models.TextChoices):
    WAITING = "waiting", "Waiting for its turn"
    FETCHING = "fetching", "Fetching"
    READING = "reading", "Reading"
    SPLITTING = "splitting", "Splitting into passages"
    EMBEDDING = "embedding", "Making searchable"
    DONE = "done", "Ready"


class DocumentVersion(WorkspaceModel):
    """One upload of a document: its bytes, and how far their ingestion has come.

    States: queued -> processing -> ready | failed | cancelled; failed and cancelled -> queued
    on a retry. A version that is ready becomes its document's `current` in the same transaction.
    """

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(default=0)
    filename = models.CharField(max_length=400)
    media_type = models.CharField(max_length=120, blank=True)
    title = models.CharField(max_length=500, blank=True)
    note = models.TextField(blank=True)
    blob = models.CharField(max_length=200, blank=True)
    state = models.CharField(
        max_length=12, choices=VersionState.choices, default=VersionState.QUEUED
    )
    stage = models.CharField(max_length=12, choices=Stage.choices, default=Stage.WAITING)
    reason = models.TextField(blank=True)
    reason_code = models.CharField(max_length=40, blank=True)
    pages_done = models.PositiveIntegerField(default=0)
    pages_total = models.PositiveIntegerField(default=0)
    num_chunks = models.PositiveIntegerField(default=0)
    chunks_done = models.PositiveIntegerField(default=0)
    num_chars = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    stage_started_at = models.DateTimeField(null=True, blank=True)
    ready_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "number"], name="version_number")
        ]
        indexes = [models.Index(fields=["workspace", "sha256"], name="version_sha256")]

    def __str__(self) -> str:
        return f"{self.filename} v{self.number}"


SURE = 80.0
"""Confidence of text recognition, in percent, below which a person should look at the page."""
PAGES_TO_CHECK = models.Q(confidence__lt=SURE) | (
    models.Q(end=models.F("start")) & ~models.Q(note="")
)
"""Pages that text recognition was not sure of, or of which there is a note but no text at all."""


class Page(models.Model):
    """One page (sheet, slide, chapter) of a version.

    `start` and `end` are character offsets into the version's full text, which is the pages'
    texts joined by a blank line. `blocks` holds [kind, level, start, end] and `boxes` holds
    [start, end, x0, y0, x1, y1] with offsets into this page's text and fractions of the page.
    `confidence` is how sure text recognition was, 0 to 100; None where the text was not recognised.
    """

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, related_name="+"
    )
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="pages")
    number = models.PositiveIntegerField()
    label = models.CharField(max_length=300, blank=True)
    text = models.TextField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    width = models.FloatField(default=0)
    height = models.FloatField(default=0)
    note = models.TextField(blank=True)
    confidence = models.FloatField(null=True, blank=True)
    blocks = models.JSONField(default=list)
    boxes = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "number"], name="page_number")]
        # The few pages that need a person, found without reading the others.
        indexes = [models.Index(fields=["version"], name="page_to_check", condition=PAGES_TO_CHECK)]

    def __str__(self) -> str:
        return f"page {self.number}"

    @property
    def is_to_check(self) -> bool:
        """Whether it needs a person: what PAGES_TO_CHECK says, without a query."""
        is_unsure = self.confidence is not None and self.confidence < SURE
        return is_unsure or (self.end == self.start and bool(self.note))
