"""Writes of the first steps: whether a person wants to be led."""

from __future__ import annotations

from django.utils import timezone

from apps.workspaces.models import Membership


def dismiss_steps(membership: Membership) -> None:
    """Put the first steps away, for this person in this workspace."""
    membership.steps_dismissed_at = timezone.now()
    membership.save(update_fields=["steps_dismissed_at"])


def resume_steps(membership: Membership) -> None:
    """Show the first steps again."""
    membership.steps_dismissed_at = None
    membership.save(update_fields=["steps_dismissed_at"])
