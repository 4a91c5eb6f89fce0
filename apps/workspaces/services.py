"""Writes: accounts, workspaces, members, invitations, keys, the audit log."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.text import slugify

from apps.workspaces import doors
from apps.workspaces.models import (
    ApiKey,
    AuditEvent,
    ConversationAccess,
    Invitation,
    Membership,
    Role,
    User,
    Workspace,
)
from apps.workspaces.tokens import hash_secret, make_token

INVITATION_DAYS = 7


class LastOwnerError(Exception):
    """A workspace must keep an owner."""


class InvitationError(Exception):
    """The link is unknown, used, withdrawn or too old."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is acting: a signed-in user, a program with a key, or the product itself (neither)."""

    user: User | None = None
    api_key: ApiKey | None = None

    @property
    def key_name(self) -> str:
        """What pages show as the author of what a program made: the name outlives the key."""
        return self.api_key.name if self.api_key else ""


def record_audit(
    workspace_id: UUID,
    *,
    actor: Actor,
    action: str,
    subject: Any,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write one line of the audit log, in the caller's transaction."""
    AuditEvent.objects.create(
        workspace_id=workspace_id,
        actor=actor.user,
        api_key=actor.api_key,
        action=action,
        subject_type=subject._meta.model_name,
        subject_id=str(subject.pk),
        detail=detail or {},
    )


def create_user(email: str, *, name: str = "", password: str | None = None) -> User:
    return User.objects.create_user(email, password, name=name)


def _free_slug(name: str) -> str:
    base = slugify(name)[:50] or "workspace"
    taken = set(Workspace.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    candidate, number = base, 2
    while candidate in taken:
        candidate, number = f"{base}-{number}", number + 1
    return candidate


@transaction.atomic
def create_workspace(name: str, *, owner: User, is_demo: bool = False) -> Workspace:
    """A new workspace with its first owner."""
    workspace = Workspace.objects.create(name=name, slug=_free_slug(name), is_demo=is_demo)
    Membership.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
    record_audit(
        workspace.pk, actor=Actor(user=owner), action="workspace.created", subject=workspace
    )
    return workspace


@transaction.atomic
def create_first_owner(email: str, *, name: str, password: str, workspace_name: str) -> User | None:
    """The owner's account of a fresh installation; None if somebody was faster."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE workspaces_user IN SHARE ROW EXCLUSIVE MODE")
    if User.objects.exists():
        return None
    user = create_user(email, name=name, password=password)
    create_workspace(workspace_name, owner=user)
    return user


def rename_workspace(workspace: Workspace, *, name: str, actor: Actor) -> None:
    workspace.name = name
    workspace.save(update_fields=["name"])
    record_audit(workspace.pk, actor=actor, action="workspace.renamed", subject=workspace)


@transaction.atomic
def set_conversation_access(
    workspace: Workspace, *, access: ConversationAccess, actor: Actor
) -> None:
    """Decide what editors may see of other people's conversations. No change writes nothing."""
    before = workspace.conversation_access
    if access == before:
        return
    workspace.conversation_access = access
    workspace.save(update_fields=["conversation_access"])
    record_audit(
        workspace.pk,
        actor=actor,
        action="workspace.conversation_access_changed",
        subject=workspace,
        detail={"from": before, "to": access},
    )


@transaction.atomic
def delete_workspace(workspace: Workspace) -> None:
    """Everything in it goes with the row, and after that its files.

    The lock makes a second delete, or a write that has just begun, wait and find nothing. The
    hourly tidying removes whatever a worker still writes meanwhile.
    """
    locked = Workspace.objects.select_for_update().filter(pk=workspace.pk).first()
    if locked is not None:
        locked.delete()
        remove_files = partial(doors.remove_workspace_files, str(workspace.pk))
        transaction.on_commit(remove_files, robust=True)


def rename_user(user: User, *, name: str) -> None:
    user.name = name
    user.save(update_fields=["name"])


@transaction.atomic
def invite(workspace: Workspace, *, email: str, role: Role, actor: Actor) -> tuple[Invitation, str]:
    """An invitation and its link token, which is shown once."""
    token = make_token()
    invitation = Invitation.objects.create(
        workspace=workspace,
        email=email.lower(),
        role=role,
        token_hash=hash_secret(token),
        invited_by=actor.user,
        expires_at=timezone.now() + dt.timedelta(days=INVITATION_DAYS),
    )
    record_audit(
        workspace.pk,
        actor=actor,
        action="member.invited",
        subject=invitation,
        detail={"email": email, "role": role},
    )
    return invitation, token


def find_invitation(token: str) -> Invitation:
    """The open invitation behind a link, or InvitationError."""
    invitation = (
        Invitation.objects.select_related("workspace")
        .filter(
            token_hash=hash_secret(token),
            accepted_at=None,
            revoked_at=None,
            expires_at__gt=timezone.now(),
        )
        .first()
    )
    if invitation is None:
        raise InvitationError
    return invitation


@transaction.atomic
def accept_invitation(token: str, *, user: User) -> Workspace:
    """Make the user a member. The link works once; an existing role is never lowered."""
    invitation = find_invitation(token)
    rows = Invitation.objects.filter(pk=invitation.pk, accepted_at=None).update(
        accepted_at=timezone.now()
    )
    if rows != 1:
        raise InvitationError
    membership, created = Membership.objects.get_or_create(
        workspace=invitation.workspace, user=user, defaults={"role": invitation.role}
    )
    if not created and not membership.has_role(Role(invitation.role)):
        membership.role = invitation.role
        membership.save(update_fields=["role"])
    record_audit(
        invitation.workspace_id, actor=Actor(user=user), action="member.joined", subject=membership
    )
    return invitation.workspace


def revoke_invitation(invitation: Invitation, *, actor: Actor) -> None:
    Invitation.objects.filter(pk=invitation.pk, accepted_at=None).update(revoked_at=timezone.now())
    record_audit(
        invitation.workspace_id, actor=actor, action="invitation.revoked", subject=invitation
    )


def _guard_last_owner(membership: Membership) -> None:
    # The workspace row is the lock: two owners who leave at once must not both succeed.
    Workspace.objects.select_for_update().get(pk=membership.workspace_id)
    owners = Membership.objects.filter(workspace_id=membership.workspace_id, role=Role.OWNER)
    if membership.role == Role.OWNER and owners.count() == 1:
        raise LastOwnerError


@transaction.atomic
def change_role(membership: Membership, *, role: Role, actor: Actor) -> None:
    """Raises LastOwnerError rather than leave a workspace without an owner."""
    if role != Role.OWNER:
        _guard_last_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    record_audit(
        membership.workspace_id,
        actor=actor,
        action="member.role_changed",
        subject=membership,
        detail={"email": membership.user.email, "role": role},
    )


@transaction.atomic
def remove_member(membership: Membership, *, actor: Actor) -> None:
    """End a membership; `keys.services.end_membership` ends the person's keys with it.

    Raises LastOwnerError rather than leave a workspace without an owner.
    """
    _guard_last_owner(membership)
    record_audit(
        membership.workspace_id,
        actor=actor,
        action="member.removed",
        subject=membership,
        detail={"email": membership.user.email},
    )
    membership.delete()


def get_or_create_user(email: str) -> tuple[User, bool]:
    """The account of an address; a new one has no password yet."""
    existing = User.objects.filter(email=email.lower()).first()
    if existing is not None:
        return existing, False
    try:
        with transaction.atomic():
            return create_user(email), True
    except IntegrityError:
        return User.objects.get(email=email.lower()), False
