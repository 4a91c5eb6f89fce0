"""Datasets: questions with expected answers and passages, in frozen versions."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone

from apps.core.ids import uuid7
from apps.gateway.models import Endpoint
from apps.workspaces.models import User, WorkspaceModel

MAX_NAME = 120
MAX_TAG = 60


class Dataset(WorkspaceModel):
    """A named set of examples. It always has one draft version, which people edit."""

    name = models.CharField(max_length=MAX_NAME)
    description = models.TextField(blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="dataset_name")]

    def __str__(self) -> str:
        return self.name


class DatasetVersion(WorkspaceModel):
    """The examples as they were at one moment. Number 0 is the draft, and the only one to edit.

    Freezing copies the draft's accepted examples into a version with the next number, counted
    from 1. A frozen version and its examples are never changed; experiments point at them.
    """

    DRAFT = 0

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(default=DRAFT)
    note = models.CharField(max_length=300, blank=True)
    num_examples = models.PositiveIntegerField(default=0)
    frozen_at = models.DateTimeField(null=True, blank=True)
    frozen_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dataset", "number"], name="dataset_version_number"),
            models.CheckConstraint(
                condition=models.Q(number=0, frozen_at=None)
                | models.Q(number__gt=0, frozen_at__isnull=False),
                name="dataset_version_frozen",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} {'draft' if self.is_draft else f'v{self.number}'}"

    @property
    def is_draft(self) -> bool:
        return self.number == self.DRAFT


class SourceKind(models.TextChoices):
    MANUAL = "manual", "Written here"
    CHAT = "chat", "From a chat"
    FEEDBACK = "feedback", "From feedback"
    LAB = "lab", "From the retrieval lab"
    IMPORT = "import", "From a file"
    SYNTHESIS = "synthesis", "Made from documents"


class ReviewState(models.TextChoices):
    ACCEPTED = "accepted", "Accepted"
    PROPOSED = "proposed", "To review"
    REJECTED = "rejected", "Rejected"


class Example(WorkspaceModel):
    """One labelled case: a question, what a good answer says, and the passages that say it.

    `key` stays the same in every version, so that results on two versions can be joined.
    `expected_passages` holds {document_id, document_name, start, end, text}: the offsets count
    characters of the version's full text, -1 if unknown; text is what it says there.
    `other_answers` are alternative correct wordings. `context` is given along with the question,
    `history` are the turns before it as {question, answer}. With `is_answerable` false, the right
    answer is to say that the documents do not answer the question. `checks` holds values for
    specific evaluators by name: choices, instructions, tests, schema (`CHECKS`).
    `answered_by` says which release or model wrote the expected answer (or declined), as
    {release_id, release, assistant, model}; it is empty where a person did.
    States: proposed -> accepted | rejected; both can be changed again.
    """

    version = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="examples")
    key = models.UUIDField(default=uuid7, editable=False)
    position = models.PositiveIntegerField()
    question = models.TextField()
    expected_answer = models.TextField(blank=True)
    other_answers = models.JSONField(default=list, blank=True)
    expected_passages = models.JSONField(default=list, blank=True)
    is_answerable = models.BooleanField(default=True)
    context = models.TextField(blank=True)
    history = models.JSONField(default=list, blank=True)
    checks = models.JSONField(default=dict, blank=True)
    answered_by = models.JSONField(default=dict, blank=True)
    tags = ArrayField(models.CharField(max_length=MAX_TAG), default=list, blank=True)
    language = models.CharField(max_length=8, blank=True)
    source_kind = models.CharField(
        max_length=10, choices=SourceKind.choices, default=SourceKind.MANUAL
    )
    source_id = models.CharField(max_length=60, blank=True)
    source_note = models.CharField(max_length=200, blank=True)
    state = models.CharField(
        max_length=10, choices=ReviewState.choices, default=ReviewState.ACCEPTED
    )
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    reviewed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="example_key"),
        ]
        indexes = [
            models.Index(fields=["version", "position"], name="example_order"),
            models.Index(fields=["version", "state"], name="example_state"),
            GinIndex(
                fields=["expected_passages"],
                name="example_passages",
                opclasses=["jsonb_path_ops"],
            ),
        ]

    def __str__(self) -> str:
        return self.question[:60]

    @property
    def written_by(self) -> str:
        """Who wrote the expected answer, if no person did: `release 3 of Desk (qwen3)`."""
        if not self.answered_by:
            return ""
        model, number = self.answered_by.get("model"), self.answered_by.get("release")
        if not number:
            return str(model or "a model")
        assistant = self.answered_by.get("assistant")
        name = f"release {number} of {assistant}" if assistant else f"release {number}"
        return f"{name} ({model})" if model else name


class Synthesis(WorkspaceModel):
    """Generates questions from passages: with a model, or from headings and sentences.

    `plan` holds the ids of the passages in processing order. Its job has the progress; generated
    questions wait for review in the draft. Cost in US dollars.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="syntheses")
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    model_name = models.CharField(max_length=200, blank=True)
    plan = models.JSONField(default=list)
    position = models.PositiveIntegerField(default=0)
    num_made = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.num_made} of {len(self.plan)} by {self.model_name or 'rules'}"


class AnnotationTask(WorkspaceModel):
    """People label the examples of a version, each without seeing the others' labels."""

    version = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="tasks")
    name = models.CharField(max_length=MAX_NAME)
    guidelines = models.TextField()
    labels = ArrayField(models.CharField(max_length=40))
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class Annotation(WorkspaceModel):
    """One person's label of one example; a second one replaces the first."""

    task = models.ForeignKey(AnnotationTask, on_delete=models.CASCADE, related_name="annotations")
    example = models.ForeignKey(Example, on_delete=models.CASCADE, related_name="annotations")
    annotator = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    label = models.CharField(max_length=40)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "example", "annotator"], name="annotation_once")
        ]

    def __str__(self) -> str:
        return f"{self.label} by {self.annotator}"
