"""Prompts and their versions. A version is never edited."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.prompts.spec import PromptSpec, spec_from_json
from apps.workspaces.models import User, WorkspaceModel


class Prompt(WorkspaceModel):
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="prompt_name")]

    def __str__(self) -> str:
        return self.name


class PromptVersion(WorkspaceModel):
    """What the model is told. `{{ variable }}` names are filled by a strict renderer.

    `parts` holds what is not in the two texts, as `spec.spec_to_json` writes it.
    """

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    system = models.TextField()
    user = models.TextField()
    parts = models.JSONField(default=dict, blank=True)
    note = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prompt", "number"], name="prompt_version_number")
        ]

    def __str__(self) -> str:
        return f"{self.prompt} v{self.number}"

    @property
    def spec(self) -> PromptSpec:
        return spec_from_json(self.system, self.user, self.parts)


class PromptLabel(WorkspaceModel):
    """A name that points at one version of a prompt and can be moved to another."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="labels")
    version = models.ForeignKey(PromptVersion, on_delete=models.CASCADE, related_name="labels")
    name = models.CharField(max_length=40)
    moved_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    moved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["prompt", "name"], name="prompt_label")]
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
