"""The palette's results, and where "Upload files" leads."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from apps.guide.palette.selectors import search_palette
from apps.guide.steps import find_only_collection
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role


@require_GET
@workspace_view()
def palette(request: WorkspaceRequest) -> HttpResponse:
    """The fragment with what fits `q`."""
    text = request.GET.get("q", "")
    groups = search_palette(request.membership, text)
    return render(request, "guide/palette/_results.html", {"groups": groups, "text": text.strip()})


@require_GET
@workspace_view(role=Role.EDITOR)
def upload(request: WorkspaceRequest) -> HttpResponse:
    """To the one collection that files can go to; where there are several, to choose one."""
    collection = find_only_collection(request.workspace.pk)
    if collection is not None:
        return redirect("documents:collection", request.workspace.slug, collection.pk)
    return redirect(reverse("documents:collections", args=[request.workspace.slug]))
