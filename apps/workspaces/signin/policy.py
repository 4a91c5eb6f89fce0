"""What a workspace asks of a sign-in, and whether a session meets it.

API keys are no sign-in: they work whatever a workspace asks, until they are revoked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from django.db import transaction
from django.http import HttpRequest

from apps.workspaces.models import User, Workspace
from apps.workspaces.services import Actor, record_audit
from apps.workspaces.signin.providers import find_provider
from apps.workspaces.signin.selectors import has_second_factor, is_connected


class Demand(StrEnum):
    PROVIDER = "provider"
    SECOND_FACTOR = "second_factor"


class LockedOutError(Exception):
    """Whoever asks for this would not get in any more. The message is for people."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How people sign in to a workspace. `group_roles`: the role that each group gives."""

    provider: str = ""
    requires_provider: bool = False
    requires_second_factor: bool = False
    group_roles: dict[str, str] = field(default_factory=dict)


class DemandsUnmetError(Exception):
    """The session does not meet what the workspace asks for."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__("sign-in")
        self.workspace = workspace


def list_unmet(request: HttpRequest, user: User, workspace: Workspace) -> list[Demand]:
    """What a workspace asks for and this session has not shown."""
    if not workspace.requires_provider and not workspace.requires_second_factor:
        return []
    records = get_authentication_records(request, user)
    unmet = []
    if workspace.requires_provider and not _came_through(records, workspace.sign_in_provider):
        unmet.append(Demand.PROVIDER)
    if workspace.requires_second_factor and not (
        any(row.get("method") == "mfa" for row in records) and has_second_factor(user)
    ):
        unmet.append(Demand.SECOND_FACTOR)
    return unmet


def _came_through(records: list[dict[str, Any]], provider: str) -> bool:
    return any(
        row.get("method") == "socialaccount" and row.get("provider") == provider for row in records
    )


def read_policy(workspace: Workspace) -> Policy:
    return Policy(
        provider=workspace.sign_in_provider,
        requires_provider=workspace.requires_provider,
        requires_second_factor=workspace.requires_second_factor,
        group_roles=dict(workspace.group_roles),
    )


def check_policy(policy: Policy) -> None:
    """Raise ValueError, with a sentence for people, if a policy cannot hold."""
    if policy.provider and find_provider(policy.provider) is None:
        raise ValueError("There is no such provider in this installation.")
    if policy.requires_provider and not policy.provider:
        raise ValueError("Choose the provider that people have to sign in through.")
    if policy.group_roles and not policy.provider:
        raise ValueError("Choose the provider that the groups come from.")


@transaction.atomic
def save_policy(
    workspace: Workspace, policy: Policy, *, actor: Actor, request: HttpRequest | None = None
) -> None:
    """Change how people sign in, from the next page on.

    Raises ValueError for a policy that cannot hold, and LockedOutError if who asks would not get in
    any more: by this session (`request`), or for a key by what its owner has set up.
    """
    check_policy(policy)
    workspace.sign_in_provider = policy.provider
    workspace.requires_provider = policy.requires_provider
    workspace.requires_second_factor = policy.requires_second_factor
    workspace.group_roles = policy.group_roles
    _check_way_in(workspace, actor=actor, request=request)
    workspace.save(
        update_fields=[
            "sign_in_provider", "requires_provider", "requires_second_factor", "group_roles",
        ]
    )  # fmt: skip
    record_audit(
        workspace.pk,
        actor=actor,
        action="workspace.sign_in_changed",
        subject=workspace,
        detail={
            "provider": policy.provider,
            "requires_provider": policy.requires_provider,
            "requires_second_factor": policy.requires_second_factor,
            "groups": len(policy.group_roles),
        },
    )


def _check_way_in(workspace: Workspace, *, actor: Actor, request: HttpRequest | None) -> None:
    user = actor.user or (actor.api_key.owner if actor.api_key else None)
    if user is None:
        return
    if request is not None:
        unmet = list_unmet(request, user, workspace)
    else:
        unmet = []
        if workspace.requires_provider and not is_connected(
            user, provider=workspace.sign_in_provider
        ):
            unmet.append(Demand.PROVIDER)
        if workspace.requires_second_factor and not has_second_factor(user):
            unmet.append(Demand.SECOND_FACTOR)
    if Demand.PROVIDER in unmet:
        raise LockedOutError("Sign in through the provider yourself first, so that you get in.")
    if Demand.SECOND_FACTOR in unmet:
        raise LockedOutError("Sign in with a second factor yourself first, so that you get in.")
