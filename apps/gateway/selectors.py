"""Reads of endpoints."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from apps.gateway.models import Endpoint
from apps.workspaces.models import Workspace


def list_endpoints(workspace: Workspace | UUID) -> QuerySet[Endpoint]:
    """A workspace's endpoints by name."""
    return Endpoint.objects.filter(workspace=workspace).order_by("name")
