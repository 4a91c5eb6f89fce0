"""Addresses of sign-in beyond passwords, by the names with which allauth leads to them.

Only what is listed here is mounted; the pages are ours.
"""

from __future__ import annotations

from typing import Any

from allauth.account.views import ReauthenticateView
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.contrib.auth.decorators import login_not_required
from django.urls import path, reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.generic import RedirectView

from apps.workspaces.signin import views


def _page(view: Any, template: str, **options: Any) -> Any:
    """One of allauth's views on a page of ours, which no browser keeps."""
    return never_cache(view.as_view(template_name=f"workspaces/signin/{template}.html", **options))


to_login = login_not_required(RedirectView.as_view(url=reverse_lazy("login")))

urlpatterns = [
    path("account/login/", to_login, name="account_login"),
    path("account/login/cancelled/", to_login, name="socialaccount_login_cancelled"),
    path("account/login/inactive/", to_login, name="account_inactive"),
    path("account/login/incomplete/", to_login, name="socialaccount_signup"),
    path("login/with/<slug:provider_id>/", views.to_provider, name="openid_connect_login"),
    path(
        "login/with/<slug:provider_id>/callback/",
        views.from_provider,
        name="openid_connect_callback",
    ),
    path("login/passkey/", login_not_required(passkeys.login_webauthn), name="mfa_login_webauthn"),
    path("login/code/", _page(mfa.AuthenticateView, "second_step"), name="mfa_authenticate"),
    path("login/required/<slug:slug>/", views.demands, name="sign_in_demands"),
    path("account/security/", never_cache(views.SecurityView.as_view()), name="mfa_index"),
    path("account/confirm/", _page(ReauthenticateView, "confirm"), name="account_reauthenticate"),
    path(
        "account/confirm/code/", _page(mfa.ReauthenticateView, "confirm"), name="mfa_reauthenticate"
    ),
    path(
        "account/confirm/passkey/",
        _page(passkeys.ReauthenticateWebAuthnView, "confirm_passkey"),
        name="mfa_reauthenticate_webauthn",
    ),
    path(
        "account/security/app/", _page(totp.ActivateTOTPView, "add_app"), name="mfa_activate_totp"
    ),
    path(
        "account/security/app/remove/",
        _page(totp.DeactivateTOTPView, "remove_app"),
        name="mfa_deactivate_totp",
    ),
    path(
        "account/security/codes/",
        _page(codes.ViewRecoveryCodesView, "codes"),
        name="mfa_view_recovery_codes",
    ),
    path(
        "account/security/codes/new/",
        _page(codes.GenerateRecoveryCodesView, "new_codes"),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "account/security/passkeys/new/",
        _page(passkeys.AddWebAuthnView, "add_passkey"),
        name="mfa_add_webauthn",
    ),
    path(
        "account/security/passkeys/<int:pk>/remove/",
        _page(passkeys.RemoveWebAuthnView, "remove_passkey", success_url=reverse_lazy("mfa_index")),
        name="mfa_remove_webauthn",
    ),
]
