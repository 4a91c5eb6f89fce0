"""What a request's API key opens, and who may touch a key."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Q, Subquery
from django.http import Http404
from django.utils import timezone

from apps.workspaces.models import ROLE_RANK, ROLE_SCOPES, ApiKey, Membership, Role, Workspace
from apps.workspaces.tokens import KEY_PREFIX, hash_secret

ROLE_OF_OWNER = Subquery(
    Membership.objects.filter(user=OuterRef("owner"), workspace=OuterRef("workspace")).values(
        "role"
    )[:1]
)


@dataclass(frozen=True, slots=True)
class KeyAccess:
    """What the API key of a request gives access to; `role` is its owner's."""

    key: ApiKey
    workspace_id: UUID
    scopes: frozenset[str]
    role: Role

    def has_role(self, role: Role) -> bool:
        """Whether the key's owner may do what `role` may."""
        return ROLE_RANK[self.role] >= ROLE_RANK[role]


def find_key(secret: str) -> KeyAccess | None:
    """The key behind a secret, unless it is unknown, revoked or expired, or its owner has left.

    The scopes are those that the owner's role still allows. Notes the key's use once a minute.
    """
    if not secret.startswith(KEY_PREFIX):
        return None
    now = timezone.now()
    key = (
        ApiKey.objects.filter(
            Q(expires_at=None) | Q(expires_at__gt=now),
            key_hash=hash_secret(secret),
            revoked_at=None,
        )
        .annotate(owner_role=ROLE_OF_OWNER)
        .first()
    )
    if key is None or key.owner_role is None:
        return None
    if key.last_used_at is None or (now - key.last_used_at).total_seconds() > 60:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    role = Role(key.owner_role)
    scopes = ROLE_SCOPES[role].intersection(key.scopes)
    return KeyAccess(key=key, workspace_id=key.workspace_id, scopes=scopes, role=role)


def get_api_key(workspace: Workspace | UUID, key_id: UUID) -> ApiKey:
    """The workspace's key with its owner, or Http404."""
    key = (
        ApiKey.objects.filter(workspace=workspace, pk=key_id)
        .select_related("owner", "made_with")
        .first()
    )
    if key is None:
        raise Http404
    return key


def get_key_to_revoke(membership: Membership, key_id: UUID) -> ApiKey:
    """The key, for its owner and for owners of the workspace; PermissionDenied for others."""
    key = get_api_key(membership.workspace, key_id)
    if key.owner_id != membership.user_id and not membership.has_role(Role.OWNER):
        raise PermissionDenied
    return key
