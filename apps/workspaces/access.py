"""How a request gets into a workspace. Missing and forbidden look the same on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import Http404
from django.utils import timezone

from apps.workspaces.models import ApiKey, Invitation, Membership, User, Workspace
from apps.workspaces.tokens import KEY_PREFIX, hash_secret


@dataclass(frozen=True, slots=True)
class KeyAccess:
    """What the API key of a request gives access to."""

    key: ApiKey
    workspace_id: UUID
    scopes: frozenset[str]


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


def find_key(secret: str) -> KeyAccess | None:
    """The key behind a secret, unless it is unknown or revoked. Notes its use once a minute."""
    if not secret.startswith(KEY_PREFIX):
        return None
    key = ApiKey.objects.filter(key_hash=hash_secret(secret), revoked_at=None).first()
    if key is None:
        return None
    now = timezone.now()
    if key.last_used_at is None or (now - key.last_used_at).total_seconds() > 60:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return KeyAccess(key=key, workspace_id=key.workspace_id, scopes=frozenset(key.scopes))


def get_api_key(workspace: Workspace, key_id: UUID) -> ApiKey:
    key = ApiKey.objects.filter(workspace=workspace, pk=key_id).first()
    if key is None:
        raise Http404
    return key


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
