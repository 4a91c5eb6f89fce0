"""How a request gets into a workspace. Missing and forbidden look the same on purpose."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from apps.workspaces.models import Invitation, Membership, User, Workspace


def get_membership(user: User, slug: str) -> Membership:
    """The user's membership of the workspace with this slug, or Http404."""
    membership = (
        Membership.objects.select_related("workspace")
        .filter(user=user, workspace__slug=slug)
        .first()
    )
    if membership is None:
        raise Http404
    return membership


def get_invitation(workspace: Workspace, invitation_id: UUID) -> Invitation:
    invitation = Invitation.objects.filter(workspace=workspace, pk=invitation_id).first()
    if invitation is None:
        raise Http404
    return invitation


def get_member(workspace: Workspace, membership_id: UUID) -> Membership:
    membership = (
        Membership.objects.select_related("user")
        .filter(workspace=workspace, pk=membership_id)
        .first()
    )
    if membership is None:
        raise Http404
    return membership
