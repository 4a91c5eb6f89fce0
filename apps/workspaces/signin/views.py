"""How people sign in to a workspace, and one's own second factor and passkeys."""

from __future__ import annotations

import logging
from typing import Any, cast

import requests
from allauth.mfa.base.views import IndexView
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from apps.workspaces.access import get_membership
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role, User
from apps.workspaces.signin.forms import PolicyForm
from apps.workspaces.signin.policy import (
    Demand,
    LockedOutError,
    list_unmet,
    read_policy,
    save_policy,
)
from apps.workspaces.signin.providers import find_provider, list_providers
from apps.workspaces.signin.selectors import has_second_factor, is_connected

logger = logging.getLogger(__name__)


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.OWNER)
def policy(request: WorkspaceRequest) -> HttpResponse:
    """What the workspace asks of a sign-in, and which roles groups give."""
    form = PolicyForm(request.POST or None, policy=read_policy(request.workspace))
    if request.method == "POST" and form.is_valid():
        try:
            save_policy(request.workspace, form.as_policy(), actor=request.actor, request=request)
        except (ValueError, LockedOutError) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "How members sign in was changed. It holds from now on.")
            return redirect("workspaces:sign_in", slug=request.workspace.slug)
    return render(
        request,
        "workspaces/settings/sign_in.html",
        {
            "nav": "settings",
            "section": "sign_in",
            "form": form,
            "providers": list_providers(),
        },
        status=422 if request.method == "POST" else 200,
    )


@require_GET
@never_cache
def demands(request: HttpRequest, slug: str) -> HttpResponse:
    """What a workspace asks of its members' sign-ins, and how to get there from here."""
    user = cast(User, request.user)
    workspace = get_membership(user, slug).workspace
    unmet = list_unmet(request, user, workspace)
    target = reverse("workspaces:home", args=[slug])
    if not unmet:
        return redirect(target)
    return render(
        request,
        "workspaces/signin/demands.html",
        {
            "wanted": workspace,
            "needs_provider": Demand.PROVIDER in unmet,
            "needs_factor": Demand.SECOND_FACTOR in unmet,
            "provider": find_provider(workspace.sign_in_provider),
            "has_factor": has_second_factor(user),
            "target": target,
        },
    )


@login_not_required
@never_cache
def to_provider(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Away to a provider."""
    return _ask_provider(openid_connect.login, request, provider_id)


@login_not_required
@never_cache
def from_provider(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Back from a provider."""
    return _ask_provider(openid_connect.callback, request, provider_id)


def _ask_provider(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    """One of allauth's views, for a provider that may be away or may not answer as it should."""
    try:
        return cast(HttpResponse, view(request, provider_id))
    except (requests.RequestException, KeyError, ValueError) as error:
        logger.warning("the provider %s does not answer: %s", provider_id, error)
        messages.error(request, "The sign-in provider does not answer at the moment. Try again.")
        return redirect("login")


class SecurityView(IndexView):  # type: ignore[misc]
    """One's own authenticator app, passkeys, recovery codes and connected providers."""

    template_name = "workspaces/signin/security.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        user = cast(User, self.request.user)
        context["providers"] = [
            (row, is_connected(user, provider=row.id)) for row in list_providers()
        ]
        return context
