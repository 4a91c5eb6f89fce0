"""What allauth asks us: who may come in, where to go next, and how secrets are kept."""

from __future__ import annotations

import time
from typing import Any

import requests
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.core.security.ciphers import cipher_for
from apps.workspaces.models import User
from apps.workspaces.signin.client_address import client_address
from apps.workspaces.signin.groups import apply_groups, read_groups
from apps.workspaces.signin.providers import find_provider, open_session
from apps.workspaces.signin.selectors import is_expected

FRESH_S = 600
"""How long a sign-in through a provider is proof enough to change the second factor."""

NOW_THROUGH_PROVIDER = (
    "This account now belongs to your sign-in there. Its old password was removed; you can choose "
    "a new one under “Change password”."
)
SENTENCES = {
    "mfa/messages/totp_activated.txt": "The authenticator app was added.",
    "mfa/messages/totp_deactivated.txt": "The authenticator app was removed.",
    "mfa/messages/recovery_codes_generated.txt": "Recovery codes were made. Keep them safe.",
    "mfa/messages/webauthn_added.txt": "The passkey was added.",
    "mfa/messages/webauthn_removed.txt": "The passkey was removed.",
    "socialaccount/messages/account_connected.txt": "The account was connected.",
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-in by password or passkey, and what all ways have in common."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People come in by an invitation, by the set-up page, or through a provider."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """Our own sentences; what we have none for is not worth one."""
        if text := message or SENTENCES.get(message_template or "", ""):
            messages.add_message(request, level, text, extra_tags=extra_tags)

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """There is no mail server."""

    def is_reauthentication_required(self, *, app: str) -> bool:
        """Who has neither password nor second factor proves it by a fresh sign-in."""
        request = context.request
        if get_reauthentication_flows(request.user):
            return True
        records = get_authentication_records(request, request.user)
        times = [row["at"] for row in records if row.get("method") == "socialaccount"]
        return not times or time.time() - max(times) > FRESH_S

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if methods or not user.is_authenticated:
            return methods
        return [
            {
                "id": "provider",
                "description": f"Sign in through {provider.name} again",
                "url": reverse("openid_connect_login", args=[provider.id]),
            }
            for row in SocialAccount.objects.filter(user=user)
            if (provider := find_provider(row.provider))
        ]

    def post_login(
        self, request: HttpRequest, user: Any, *, signal_kwargs: Any, **kwargs: Any
    ) -> HttpResponse:
        """After the last step of any sign-in: roles follow what the provider said of groups."""
        login = (signal_kwargs or {}).get("sociallogin")
        if isinstance(login, SocialLogin) and (provider := find_provider(login.account.provider)):
            groups = read_groups(login.account.extra_data, claim=provider.groups_claim)
            apply_groups(user, provider=provider.id, groups=groups)
        response: HttpResponse = super().post_login(
            request, user, signal_kwargs=signal_kwargs, **kwargs
        )
        return response


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Sign-in through an OpenID Connect provider of OIDC_PROVIDERS."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        return [
            SocialApp(
                provider="openid_connect",
                provider_id=row.id,
                name=row.name,
                client_id=row.client_id,
                secret=row.client_secret,
                settings={
                    "server_url": row.issuer,
                    "scope": list(row.scopes),
                    "oauth_pkce_enabled": True,
                    "email_authentication": True,
                    **({"verified_email": True} if row.trust_email else {}),
                },
            )
            for row in settings.OIDC_PROVIDERS
            if provider in (None, "openid_connect", row.id) and client_id in (None, row.client_id)
        ]

    def get_requests_session(self) -> requests.Session:
        return open_session()

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        return reverse("mfa_index")

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """A new account for whom a workspace waits: by a group, or by an open invitation."""
        provider = find_provider(sociallogin.account.provider)
        address = next((row.email for row in sociallogin.email_addresses if row.verified), "")
        if provider is not None and address:
            groups = read_groups(sociallogin.account.extra_data, claim=provider.groups_claim)
            if is_expected(address, provider=provider.id, groups=groups):
                return True
        name = provider.name if provider else ""
        page = "workspaces/signin/not_expected.html"
        context = {"provider_name": name, "address": address}
        raise ImmediateHttpResponse(render(request, page, context, status=403))

    def authenticate_by_email(self, sociallogin: SocialLogin) -> tuple[User, str] | None:
        """The account of a verified address. allauth removes its password, which is said here.

        Whoever made the account may not have been whose address it is: anybody who owns a workspace
        can invite an address and open the link.
        """
        found: tuple[User, str] | None = super().authenticate_by_email(sociallogin)
        if found is not None and found[0].has_usable_password():
            messages.warning(context.request, NOW_THROUGH_PROVIDER)
        return found

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: Any) -> User:
        user: User = super().populate_user(request, sociallogin, data)
        user.email = user.email.lower()
        user.name = str(data.get("name") or data.get("username") or "")[:120]
        return user

    def on_authentication_error(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Back to the sign-in, with a sentence. The reason is the provider's and not for here."""
        messages.error(request, "The sign-in did not work, or was cancelled. Try again.")
        raise ImmediateHttpResponse(redirect("login"))


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of authenticator apps and recovery codes are encrypted at rest."""

    def encrypt(self, text: str) -> str:
        return cipher_for("plumbline second factors").encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return cipher_for("plumbline second factors").decrypt(encrypted_text.encode()).decode()

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        return "My passkey"

    def _get_site_name(self) -> str:
        return "Plumbline"
