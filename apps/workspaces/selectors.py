"""Reads for the settings pages."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from apps.workspaces.models import AuditEvent, Invitation, Membership, Workspace


def list_members(workspace: Workspace) -> QuerySet[Membership]:
    """Members with their users, by name."""
    return (
        Membership.objects.filter(workspace=workspace)
        .select_related("user")
        .order_by("user__name", "user__email")
    )


def list_open_invitations(workspace: Workspace) -> QuerySet[Invitation]:
    """Invitations that can still be accepted, newest first."""
    return (
        Invitation.objects.filter(
            workspace=workspace, accepted_at=None, revoked_at=None, expires_at__gt=timezone.now()
        )
        .select_related("invited_by")
        .order_by("-created_at")
    )


def list_audit_events(
    workspace: Workspace,
    *,
    action: str = "",
    member_id: UUID | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
) -> QuerySet[AuditEvent]:
    """Events with who caused them, newest first. Both days are included, in UTC."""
    events = AuditEvent.objects.filter(workspace=workspace).select_related("actor", "api_key")
    if action:
        events = events.filter(action=action)
    if member_id:
        events = events.filter(actor_id=member_id)
    if since:
        events = events.filter(created_at__date__gte=since)
    if until:
        events = events.filter(created_at__date__lte=until)
    return events.order_by("-created_at", "-pk")


def list_audit_actions(workspace: Workspace) -> list[str]:
    """The kinds of events that have happened here."""
    return list(
        AuditEvent.objects.filter(workspace=workspace)
        .order_by("action")
        .values_list("action", flat=True)
        .distinct()
    )
