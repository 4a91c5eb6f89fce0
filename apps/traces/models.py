"""What one answer did, step by step, in OpenTelemetry GenAI names, kept in our own Postgres."""

from __future__ import annotations

from django.db import models

from apps.workspaces.models import WorkspaceModel


class Trace(WorkspaceModel):
    """One run of an assistant.

    `subject_*` and `release_id` point to apps above this one, so they are not foreign keys.
    """

    name = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=40, blank=True)
    subject_id = models.UUIDField(null=True)
    release_id = models.UUIDField(null=True)
    status = models.CharField(max_length=16)
    started_at = models.DateTimeField()
    duration_ms = models.FloatField()
    first_token_ms = models.FloatField(null=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    attributes = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["workspace", "-started_at"], name="trace_recent")]

    def __str__(self) -> str:
        return f"{self.name} {self.id}"


class Span(models.Model):
    """One timed step. `offset_ms` counts from the start of the trace."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        "workspaces.Workspace", on_delete=models.CASCADE, related_name="+"
    )
    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="spans")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=80)
    offset_ms = models.FloatField()
    duration_ms = models.FloatField()
    status = models.CharField(max_length=16, default="ok")
    attributes = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trace", "position"], name="span_position")]

    def __str__(self) -> str:
        return self.name
