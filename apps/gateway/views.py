"""The settings page of model endpoints."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.gateway.access import get_endpoint
from apps.gateway.credentials import KeyNeededError
from apps.gateway.doors import list_endpoint_uses
from apps.gateway.forms import EndpointForm
from apps.gateway.models import Endpoint
from apps.gateway.selectors import list_endpoints
from apps.gateway.services import (
    SAVING_PATIENCE_S,
    check_endpoint,
    delete_endpoint,
    save_endpoint,
)
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.OWNER)
def endpoints(request: WorkspaceRequest) -> HttpResponse:
    """All endpoints, and the form for another one."""
    return _edit(request, endpoint=None)


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.OWNER)
def endpoint(request: WorkspaceRequest, *, endpoint_id: UUID) -> HttpResponse:
    """The page of endpoints, with the form filled for one of them."""
    return _edit(request, endpoint=get_endpoint(request.workspace.pk, endpoint_id))


@require_POST
@workspace_view(role=Role.OWNER)
def test_endpoint(request: WorkspaceRequest, *, endpoint_id: UUID) -> HttpResponse:
    """Ask the server for one token and show how that went."""
    checked = check_endpoint(get_endpoint(request.workspace.pk, endpoint_id))
    if request.htmx:
        return render(request, "gateway/_endpoint_check.html", {"endpoint": checked})
    level = messages.SUCCESS if checked.check_ok else messages.ERROR
    messages.add_message(request, level, checked.check_message)
    return redirect("gateway:endpoints", slug=request.workspace.slug)


@require_POST
@workspace_view(role=Role.OWNER)
def remove_endpoint(request: WorkspaceRequest, *, endpoint_id: UUID) -> HttpResponse:
    endpoint = get_endpoint(request.workspace.pk, endpoint_id)
    delete_endpoint(endpoint, actor=request.actor)
    messages.success(request, f"“{endpoint.name}” was deleted, and its key with it.")
    return redirect("gateway:endpoints", slug=request.workspace.slug)


def _edit(request: WorkspaceRequest, *, endpoint: Endpoint | None) -> HttpResponse:
    form = EndpointForm(request.POST or None, workspace=request.workspace, endpoint=endpoint)
    if request.method == "POST" and form.is_valid():
        saved = _save(request, form)
        if saved is not None:
            return _say_how_it_went(request, saved)
    uses = list_endpoint_uses(request.workspace.pk)
    return render(
        request,
        "gateway/endpoints.html",
        {
            "nav": "settings",
            "section": "endpoints",
            "rows": [
                {"endpoint": row, "used_by": uses.get(row.pk, [])}
                for row in list_endpoints(request.workspace)
            ],
            "form": form,
            "editing": endpoint,
        },
        status=422 if request.method == "POST" else 200,
    )


def _save(request: WorkspaceRequest, form: EndpointForm) -> Endpoint | None:
    try:
        return save_endpoint(
            request.workspace,
            fields=form.as_fields(),
            actor=request.actor,
            endpoint=form.endpoint,
        )
    except ValueError as error:
        form.add_error("base_url", str(error))
    except KeyNeededError as error:
        form.add_error("api_key", str(error))
    return None


def _say_how_it_went(request: WorkspaceRequest, saved: Endpoint) -> HttpResponse:
    """Test what was saved. One that does not answer is kept, and its form is shown again."""
    checked = check_endpoint(saved, patience_s=SAVING_PATIENCE_S)
    slug = request.workspace.slug
    if checked.check_ok:
        messages.success(request, f"“{checked.name}” was saved and works: {checked.check_message}")
        return redirect("gateway:endpoints", slug=slug)
    messages.warning(
        request, f"“{checked.name}” was saved, but it does not work: {checked.check_message}"
    )
    return redirect("gateway:endpoint", slug=slug, endpoint_id=checked.pk)
