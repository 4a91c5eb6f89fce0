"""Measured comparisons of two retrieval profiles over labelled cases."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.datasets.models import DatasetVersion, Example
from apps.workspaces.models import User, WorkspaceModel


class LabRun(WorkspaceModel):
    """Two profiles over the labelled cases of a dataset version, frozen when it was made.

    `profiles` holds the JSON of both under "a" and "b", `indexes` by side the id of an index that
    is searched instead of the live ones, `collections` the ids that both search. `k` is how many
    passages count. Its job has the progress, its results have the outcome.
    """

    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="+")
    profiles = models.JSONField()
    indexes = models.JSONField(default=dict, blank=True)
    collections = models.JSONField()
    k = models.PositiveSmallIntegerField(default=10)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["workspace", "-created_at"], name="lab_run_recent")]

    def __str__(self) -> str:
        return f"{self.dataset_version} at {self.k}"


class LabResult(WorkspaceModel):
    """What one profile found for one case: metrics by name (shares), and the location of each hit.

    `found` holds [document id, page, whether it is expected] in rank order; `problem` explains
    in a sentence why nothing was found. Milliseconds.
    """

    run = models.ForeignKey(LabRun, on_delete=models.CASCADE, related_name="results")
    example = models.ForeignKey(Example, on_delete=models.CASCADE, related_name="+")
    side = models.CharField(max_length=1)
    metrics = models.JSONField(default=dict)
    found = models.JSONField(default=list)
    duration_ms = models.FloatField()
    problem = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "example", "side"], name="lab_result_once")
        ]

    def __str__(self) -> str:
        return f"{self.example_id} by {self.side}"
