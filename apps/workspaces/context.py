"""What every page of a workspace shows: where we are, and where else we could be."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from apps.workspaces.models import Membership, Role


def workspace(request: HttpRequest) -> dict[str, Any]:
    """The current membership, and lazily the others for the switcher."""
    membership = getattr(request, "membership", None)
    if membership is None:
        return {}
    return {
        "workspace": membership.workspace,
        "membership": membership,
        "can_edit": membership.has_role(Role.EDITOR),
        "is_owner": membership.has_role(Role.OWNER),
        "other_workspaces": lambda: [
            m.workspace
            for m in Membership.objects.select_related("workspace")
            .filter(user=membership.user_id)
            .exclude(pk=membership.pk)
            .order_by("workspace__name")
        ],
    }
