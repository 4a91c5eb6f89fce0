"""The page of judges: how far each can be trusted, and the bar that all must reach."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.evaluation.review.forms import JudgeBarForm
from apps.evaluation.review.grading import get_bar, list_judges, set_bar
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def judges(request: WorkspaceRequest) -> HttpResponse:
    """The workspace's judges compared with people's grades; submitting the form changes the bar."""
    form = JudgeBarForm.of(get_bar(request.workspace.pk))
    if request.method == "POST":
        form = JudgeBarForm(request.POST)
        if form.is_valid():
            set_bar(request.workspace, bar=form.bar(), actor=request.actor)
            messages.success(request, "From now on, judges are held to this bar.")
            return redirect("evaluation:judges", request.workspace.slug)
    context = {
        "nav": "evaluate",
        "section": "experiments",
        "trust": list_judges(request.workspace.pk),
        "form": form,
    }
    status = 422 if form.errors else 200
    return render(request, "evaluation/judges.html", context, status=status)
