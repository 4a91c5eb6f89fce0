"""Writes of API keys: making, revoking, handing over, and what happens when somebody leaves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from apps.workspaces.keys.selectors import working_keys
from apps.workspaces.models import ApiKey, Membership, Role, Scope, User, Workspace
from apps.workspaces.services import Actor, record_audit, remove_member
from apps.workspaces.tokens import hash_secret, make_key

DEFAULT_DAYS = 90
MAX_DAYS = 3650
DEFAULT_SCOPES = (Scope.READ.value,)


class KeyRefusedError(Exception):
    """The key cannot be made or cannot go to this person. The message is for people."""


@transaction.atomic
def create_api_key(
    workspace: Workspace,
    *,
    name: str,
    actor: Actor,
    scopes: Collection[str] = DEFAULT_SCOPES,
    days: int | None = DEFAULT_DAYS,
) -> tuple[ApiKey, str]:
    """The row and the key itself, which cannot be read again later.

    `days` is how long it works; None is forever. A key that a key makes belongs to that key's owner
    and ends no later than it.
    """
    secret, maker = make_key(), actor.api_key
    if maker is not None:  # held, so that its revocation finds this one or this one finds it
        maker = ApiKey.objects.select_for_update().get(pk=maker.pk)
        if maker.revoked_at is not None:
            raise KeyRefusedError("The key that asks was revoked.")
    expires_at = None if days is None else timezone.now() + dt.timedelta(days=days)
    if maker is not None and maker.expires_at is not None:
        expires_at = min(expires_at or maker.expires_at, maker.expires_at)
    key = ApiKey.objects.create(
        workspace=workspace,
        name=name,
        prefix=secret[:12],
        key_hash=hash_secret(secret),
        scopes=list(scopes),
        created_by=actor.user,
        owner=maker.owner if maker else actor.user,
        made_with=maker,
        expires_at=expires_at,
    )
    record_audit(
        workspace.pk,
        actor=actor,
        action="api_key.created",
        subject=key,
        detail={
            "name": name,
            "scopes": list(scopes),
            "expires_at": expires_at.isoformat() if expires_at else "",
        },
    )
    return key, secret


@transaction.atomic
def revoke_api_key(key: ApiKey, *, actor: Actor, reason: str = "") -> None:
    """From now on the key opens nothing, nor do keys that it made. Twice is harmless."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        record_audit(
            key.workspace_id,
            actor=actor,
            action="api_key.revoked",
            subject=key,
            detail={"name": key.name, "reason": reason},
        )
    for made in ApiKey.objects.filter(made_with=key, revoked_at=None):
        revoke_api_key(made, actor=actor, reason=f"made with the key “{key.name}”")


@transaction.atomic
def hand_over_key(key: ApiKey, *, to: Membership, actor: Actor) -> None:
    """Make another owner of the workspace the key's owner, so that it outlives who made it."""
    if to.role != Role.OWNER:
        raise KeyRefusedError("A key is handed over to an owner of the workspace.")
    before, key.owner = key.owner, to.user
    key.save(update_fields=["owner"])
    record_audit(
        key.workspace_id,
        actor=actor,
        action="api_key.handed_over",
        subject=key,
        detail={"name": key.name, "from": _address(before), "to": to.user.email},
    )


@transaction.atomic
def end_membership(
    membership: Membership, *, actor: Actor, keys_to: Membership | None = None
) -> None:
    """Remove a member. Their keys are revoked, or go to `keys_to`, an owner who stays.

    Raises LastOwnerError and KeyRefusedError.
    """
    remaining = working_keys(membership.workspace_id).filter(owner=membership.user_id)
    if keys_to is not None and keys_to.pk == membership.pk:
        raise KeyRefusedError("Keys are handed over to somebody who stays.")
    keys = list(remaining)
    email = membership.user.email
    remove_member(membership, actor=actor)
    for key in keys:
        if keys_to is not None:
            hand_over_key(key, to=keys_to, actor=actor)
        else:
            revoke_api_key(key, actor=actor, reason=f"{email} is no longer a member")


def _address(user: User | None) -> str:
    return user.email if user else ""
