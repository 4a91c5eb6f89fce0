"""Roles that follow the groups which a provider says somebody is in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction

from apps.workspaces.keys.services import end_membership
from apps.workspaces.models import ROLE_RANK, Membership, Role, User, Workspace
from apps.workspaces.services import Actor, LastOwnerError, change_role, record_audit


def read_groups(claims: Mapping[str, Any], *, claim: str) -> frozenset[str]:
    """The groups of a provider's claims: of the user's information, or else of the token."""
    for part in (claims.get("userinfo"), claims.get("id_token"), claims):
        value = part.get(claim) if isinstance(part, Mapping) else None
        if isinstance(value, str):
            return frozenset({value})
        if isinstance(value, list):
            return frozenset(row for row in value if isinstance(row, str))
    return frozenset()


def role_of(group_roles: Mapping[str, str], groups: Collection[str]) -> Role | None:
    """The highest role that one of the groups gives."""
    roles = [Role(role) for group, role in group_roles.items() if group in groups]
    return max(roles, key=ROLE_RANK.__getitem__, default=None)


@transaction.atomic
def apply_groups(user: User, *, provider: str, groups: Collection[str]) -> None:
    """Bring the memberships of whoever signed in through a provider up to date.

    Who is in a group with a role becomes a member, and has that role. Who came by a group and is in
    none any more is no member any more. Of members who were invited, a role is raised and never
    lowered. A last owner stays.
    """
    actor = Actor(user=user)
    for workspace in Workspace.objects.filter(sign_in_provider=provider).exclude(group_roles={}):
        role = role_of(workspace.group_roles, groups)
        membership = Membership.objects.filter(workspace=workspace, user=user).first()
        if membership is None:
            if role is not None:
                _join(workspace, user, role=role, provider=provider)
        elif role is None:
            if membership.from_provider:
                _unless_last_owner(end_membership, membership, actor=actor)
        elif role != membership.role and (
            membership.from_provider or not membership.has_role(role)
        ):
            _unless_last_owner(change_role, membership, role=role, actor=actor)


def _join(workspace: Workspace, user: User, *, role: Role, provider: str) -> None:
    membership = Membership.objects.create(
        workspace=workspace, user=user, role=role, from_provider=provider
    )
    record_audit(
        workspace.pk,
        actor=Actor(user=user),
        action="member.joined",
        subject=membership,
        detail={"provider": provider, "role": role},
    )


def _unless_last_owner(write: Any, membership: Membership, **arguments: Any) -> None:
    try:
        with transaction.atomic():
            write(membership, **arguments)
    except LastOwnerError:
        return
