"""Reads of API keys."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from apps.workspaces.models import ApiKey, Membership, Role, Workspace


def list_api_keys(workspace: Workspace | UUID) -> QuerySet[ApiKey]:
    """Keys with their owners: those in use first, then the revoked ones."""
    return (
        ApiKey.objects.filter(workspace=workspace)
        .select_related("owner", "created_by")
        .order_by("-revoked_at", "-created_at")
    )


def working_keys(workspace_id: UUID) -> QuerySet[ApiKey]:
    """Keys that are neither revoked nor expired."""
    return ApiKey.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=timezone.now()),
        workspace_id=workspace_id,
        revoked_at=None,
    )


def list_owners(workspace: Workspace) -> QuerySet[Membership]:
    """The members who may take over a key: the workspace's owners, by name."""
    return (
        Membership.objects.filter(workspace=workspace, role=Role.OWNER)
        .select_related("user")
        .order_by("user__name", "user__email")
    )


def count_keys_by_owner(workspace: Workspace) -> dict[UUID, int]:
    """How many working keys each person owns; who owns none is missing."""
    rows = working_keys(workspace.pk).exclude(owner=None).values("owner").annotate(n=Count("pk"))
    return {row["owner"]: row["n"] for row in rows.order_by()}
