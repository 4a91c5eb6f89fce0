"""Reads about sign-in: who is expected, and what they have set up."""

from __future__ import annotations

from collections.abc import Collection

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.utils import timezone

from apps.workspaces.models import Invitation, User, Workspace
from apps.workspaces.signin.groups import role_of

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def is_expected(email: str, *, provider: str, groups: Collection[str]) -> bool:
    """Whether a workspace waits for this person: by one of their groups, or by an invitation."""
    is_invited = Invitation.objects.filter(
        email=email.lower(), accepted_at=None, revoked_at=None, expires_at__gt=timezone.now()
    ).exists()
    if is_invited:
        return True
    mapped = Workspace.objects.filter(sign_in_provider=provider).exclude(group_roles={})
    rows = mapped.values_list("group_roles", flat=True)
    return any(role_of(group_roles, groups) for group_roles in rows)


def has_second_factor(user: User) -> bool:
    """Whether somebody has an authenticator app or a passkey."""
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


def is_connected(user: User, *, provider: str) -> bool:
    """Whether somebody has signed in through a provider before."""
    return bool(SocialAccount.objects.filter(user=user, provider=provider).exists())
