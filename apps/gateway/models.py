"""Where answers come from: model endpoints and their encrypted credentials."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.workspaces.models import WorkspaceModel


class Endpoint(WorkspaceModel):
    """An OpenAI-compatible server and the model to ask it for. Prices in US dollars per million."""

    name = models.CharField(max_length=120)
    base_url = models.URLField(max_length=500)
    model = models.CharField(max_length=200)
    api_key_encrypted = models.BinaryField(default=b"")
    context_tokens = models.PositiveIntegerField(default=8192)
    input_price = models.DecimalField(max_digits=10, decimal_places=4, default=0)
    output_price = models.DecimalField(max_digits=10, decimal_places=4, default=0)
    checked_at = models.DateTimeField(null=True, blank=True)
    check_ok = models.BooleanField(null=True)
    check_message = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="endpoint_name")]

    def __str__(self) -> str:
        return self.name
