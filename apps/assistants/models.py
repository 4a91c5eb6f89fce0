"""Assistants and their releases. What an answer was made with is never edited."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.documents.models import Collection, Document
from apps.gateway.models import Endpoint
from apps.prompts.models import PromptVersion
from apps.workspaces.models import User, WorkspaceModel


def _name_author(user: User | None, key_name: str) -> str:
    return str(user) if user else f"key “{key_name}”" if key_name else ""


class Assistant(WorkspaceModel):
    """What people chat with. `slug` is its model name in the OpenAI-compatible API.

    `suggested_from` tells the state of the documents that its suggested questions were found in.
    """

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=80)
    description = models.TextField(blank=True)
    example_questions = models.JSONField(default=list, blank=True)
    suggested_from = models.CharField(max_length=64, blank=True)
    current = models.ForeignKey(
        "Release", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "slug"], name="assistant_slug")]

    def __str__(self) -> str:
        return self.name


class Release(WorkspaceModel):
    """An assistant's frozen recipe. No endpoint means the built-in reader.

    `retrieval` holds the fields of a RetrievalProfile, `sampling` those of a Sampling that are set;
    what is missing in early releases has its default. `endpoint_snapshot` keeps the name, URL and
    model that the endpoint had, because endpoints can be edited and deleted; `step_snapshots` the
    same of the endpoints that steps of the retrieval ask, by the profile's field.
    """

    assistant = models.ForeignKey(Assistant, on_delete=models.CASCADE, related_name="releases")
    number = models.PositiveIntegerField()
    prompt_version = models.ForeignKey(PromptVersion, on_delete=models.CASCADE, related_name="+")
    collections = models.ManyToManyField(Collection, related_name="releases")
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    endpoint_snapshot = models.JSONField(default=dict, blank=True)
    step_snapshots = models.JSONField(default=dict, blank=True)
    retrieval = models.JSONField(default=dict)
    sampling = models.JSONField(default=dict)
    note = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    key_name = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assistant", "number"], name="release_number")
        ]

    def __str__(self) -> str:
        return f"{self.assistant} release {self.number}"

    @property
    def author(self) -> str:
        """The person, or the key of the program, that made it."""
        return _name_author(self.created_by, self.key_name)


class SuggestedQuestion(WorkspaceModel):
    """A question that the assistant's documents answer: found in one of them, and tried.

    `original` are the words that it was found with; a person may change `text`, or hide it, and
    both outlive the next search for questions as long as its document is there.
    """

    assistant = models.ForeignKey(
        Assistant, on_delete=models.CASCADE, related_name="suggested_questions"
    )
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField()
    original = models.CharField(max_length=300)
    text = models.CharField(max_length=300)
    is_hidden = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["assistant", "original"], name="suggested_question_once"
            )
        ]
        ordering = ("position", "id")

    def __str__(self) -> str:
        return self.text


class Promotion(WorkspaceModel):
    """A release's beginning to answer. `current` points at the release of the latest one.

    `checks`: [{"name", "ok", "reason", "url"}] as they were found. `override_reason` is set where
    one failed and somebody promoted nevertheless.
    """

    assistant = models.ForeignKey(Assistant, on_delete=models.CASCADE, related_name="promotions")
    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="promotions")
    previous = models.ForeignKey(Release, on_delete=models.SET_NULL, null=True, related_name="+")
    override_reason = models.CharField(max_length=500, blank=True)
    checks = models.JSONField(default=list, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    key_name = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["assistant", "created_at"], name="promotion_recent")]
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return f"{self.release} promoted"

    @property
    def author(self) -> str:
        """The person, or the key of the program, that made it."""
        return _name_author(self.created_by, self.key_name)

    @property
    def is_rollback(self) -> bool:
        return self.previous is not None and self.previous.number > self.release.number


class Probe(WorkspaceModel):
    """A test of how steady answers are: changed questions, or a needle in a haystack.

    `settings` as `probes.plans` writes them. Its cases are made at once, when it is started; its
    job in `core_job` has the probe's id as key, and its state is the probe's.
    """

    class Kind(models.TextChoices):
        PERTURBATION = "perturbation", "Changed questions"
        NEEDLE = "needle", "Needle in a haystack"

    kind = models.CharField(max_length=16, choices=Kind.choices)
    release = models.ForeignKey(Release, on_delete=models.CASCADE, null=True, related_name="+")
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    endpoint_name = models.CharField(max_length=120, blank=True)
    settings = models.JSONField(default=dict)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["workspace", "-created_at"], name="probe_recent")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.created_at:%Y-%m-%d %H:%M}"


class ProbeCase(WorkspaceModel):
    """One thing to ask. `given`: what is varied; `result`: what came of it, None until asked."""

    probe = models.ForeignKey(Probe, on_delete=models.CASCADE, related_name="cases")
    number = models.PositiveIntegerField()
    given = models.JSONField(default=dict)
    answer = models.TextField(blank=True)
    result = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["probe", "number"], name="probe_case")]

    def __str__(self) -> str:
        return f"{self.probe_id} case {self.number}"
