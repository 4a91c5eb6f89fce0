"""Where answers and vectors come from: model endpoints and their encrypted credentials."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.workspaces.models import WorkspaceModel


class Endpoint(WorkspaceModel):
    """An OpenAI-compatible server and the model to ask it for. Prices in US dollars per million.

    `requests_per_minute` limits background work only; chat is not held back. What
    models are chosen by: `licence`, `is_private` (what is asked stays in the house), `size_b`
    (billions of parameters).
    """

    name = models.CharField(max_length=120)
    base_url = models.URLField(max_length=500)
    model = models.CharField(max_length=200)
    api_key_encrypted = models.BinaryField(default=b"")
    context_tokens = models.PositiveIntegerField(default=8192)
    input_price = models.DecimalField(max_digits=10, decimal_places=4, default=0)
    output_price = models.DecimalField(max_digits=10, decimal_places=4, default=0)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    licence = models.CharField(max_length=60, blank=True)
    is_private = models.BooleanField(default=False)
    size_b = models.FloatField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    check_ok = models.BooleanField(null=True)
    check_message = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="endpoint_name")]

    def __str__(self) -> str:
        return self.name


class EmbeddingModel(WorkspaceModel):
    """What turns texts into vectors: a server with `/v1/embeddings`, or a folder on this machine.

    Name, address and key may change. What the vectors depend on never does, because indexes were
    built with it: another model is another row. `name_in_index` is how an index knows it.
    """

    class Kind(models.TextChoices):
        SERVER = "server", "A model server"
        FOLDER = "folder", "A folder on this machine"

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    base_url = models.CharField(max_length=500, blank=True)
    model = models.CharField(max_length=200, blank=True)
    api_key_encrypted = models.BinaryField(default=b"")
    folder = models.CharField(max_length=200, blank=True)
    dimensions = models.PositiveIntegerField()
    max_tokens = models.PositiveIntegerField(default=512)
    query_prefix = models.CharField(max_length=200, blank=True)
    passage_prefix = models.CharField(max_length=200, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    check_ok = models.BooleanField(null=True)
    check_message = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="embedding_model_name")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name_in_index(self) -> str:
        """A name that is unique in the installation and never changes."""
        return f"model:{self.pk}"
