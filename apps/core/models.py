"""The job table: every piece of background work is a row here before it is a message anywhere."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.core.ids import uuid7


class JobKind(models.TextChoices):
    PARSE_VERSION = "parse_version", "Read a document"
    EMBED_VERSION = "embed_version", "Make a document searchable"
    FETCH_URL = "fetch_url", "Fetch a web page"
    REINDEX_PASSAGES = "reindex_passages", "Make changed passages searchable"
    BUILD_INDEX = "build_index", "Build an index"
    DISCARD_INDEX = "discard_index", "Remove what is left of an index"
    INDEX_VECTORS = "index_vectors", "Index the vectors of a large collection"
    ADD_CONTEXTS = "add_contexts", "Describe passages with a model"
    CHANGE_DOCUMENTS = "change_documents", "Change many documents"
    PURGE_DOCUMENT = "purge_document", "Remove what is left of a deleted document"
    SEED_DEMO = "seed_demo", "Fill the demo workspace"
    RUN_EXPERIMENT = "run_experiment", "Run an experiment"
    RUN_PROBE = "run_probe", "Test how steady answers are"
    JUDGE_ARENA = "judge_arena", "Compare answers with a judge"
    MEASURE_RETRIEVAL = "measure_retrieval", "Compare two retrieval profiles"
    SUGGEST_QUESTIONS = "suggest_questions", "Find questions that the documents answer"
    SYNTHESISE = "synthesise", "Make questions from documents"


class JobState(models.TextChoices):
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Working"
    SUCCEEDED = "succeeded", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class Job(models.Model):
    """One unit of background work.

    States: queued -> running -> succeeded | failed | cancelled; running -> queued again when its
    worker stops beating; failed | cancelled -> queued on a retry. `(kind, key)` is unique, so
    the same work cannot be queued twice.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, related_name="jobs"
    )
    kind = models.CharField(max_length=40, choices=JobKind.choices)
    key = models.CharField(max_length=120)
    payload = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True)
    worker = models.CharField(max_length=120, blank=True)
    cancel_requested = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    available_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="job_kind_key")]
        indexes = [
            models.Index(
                fields=["state", "available_at"],
                name="job_open",
                condition=models.Q(state__in=["queued", "running"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} ({self.state})"
