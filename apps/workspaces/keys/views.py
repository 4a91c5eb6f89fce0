"""The settings page of API keys."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.keys.access import get_api_key, get_key_to_revoke
from apps.workspaces.keys.forms import KeyForm, NewOwnerForm
from apps.workspaces.keys.selectors import list_api_keys, list_owners
from apps.workspaces.keys.services import create_api_key, hand_over_key, revoke_api_key
from apps.workspaces.models import Role


@require_http_methods(["GET", "POST"])
@never_cache
@workspace_view(role=Role.EDITOR)
def keys(request: WorkspaceRequest) -> HttpResponse:
    """The keys. A new key is shown here once, and never again."""
    role = Role(request.membership.role)
    if request.method == "GET":
        return _render_keys(request, KeyForm(role=role))
    form = KeyForm(request.POST, role=role)
    if not form.is_valid():
        return _render_keys(request, form, status=422)
    _, secret = create_api_key(
        request.workspace,
        name=form.cleaned_data["name"],
        scopes=form.cleaned_data["scopes"],
        days=form.days(),
        actor=request.actor,
    )
    return _render_keys(request, KeyForm(role=role), new_key=secret)


@require_POST
@workspace_view(role=Role.EDITOR)
def revoke_key(request: WorkspaceRequest, *, key_id: UUID) -> HttpResponse:
    key = get_key_to_revoke(request.membership, key_id)
    revoke_api_key(key, actor=request.actor)
    messages.success(request, f"The key “{key.name}” was revoked. It opens nothing any more.")
    return redirect("workspaces:keys", slug=request.workspace.slug)


@require_POST
@workspace_view(role=Role.OWNER)
def hand_over(request: WorkspaceRequest, *, key_id: UUID) -> HttpResponse:
    """Give a key another owner, so that it goes on when the first one leaves."""
    key = get_api_key(request.workspace, key_id)
    form = NewOwnerForm(request.POST, owners=list_owners(request.workspace))
    if not form.is_valid():
        messages.error(request, "Choose an owner of this workspace. Nothing was changed.")
    else:
        to = form.cleaned_data["to"]
        hand_over_key(key, to=to, actor=request.actor)
        messages.success(request, f"The key “{key.name}” now belongs to {to.user}.")
    return redirect("workspaces:keys", slug=request.workspace.slug)


def _render_keys(
    request: WorkspaceRequest, form: KeyForm, *, status: int = 200, **context: object
) -> HttpResponse:
    return render(
        request,
        "workspaces/settings/keys.html",
        {
            "nav": "settings",
            "section": "keys",
            "keys": list_api_keys(request.workspace),
            "owners": list_owners(request.workspace),
            "form": form,
            **context,
        },
        status=status,
    )
