"""The page that helps to choose a model."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.assistants.access import get_assistant_by_slug
from apps.datasets.selectors import list_frozen_versions
from apps.evaluation.experiments.model_choice import ModelDemand, compare_models, list_candidates
from apps.evaluation.experiments.model_choice_forms import DemandForm, ModelsForm
from apps.evaluation.experiments.plans import PlanError
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def models(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """List the models that meet the requirements, and compare them on a dataset of the team."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    form = ModelsForm(request.workspace, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            experiment = compare_models(
                assistant,
                list(form.cleaned_data["endpoints"]),
                with_reader=form.cleaned_data["with_reader"],
                version=form.cleaned_data["dataset_version"],
                actor=request.actor,
            )
        except PlanError as error:
            form.add_error(None, error.message)
        else:
            return redirect("evaluation:experiment", request.workspace.slug, experiment.pk)
    demands = DemandForm(request.GET)
    demand = ModelDemand(**demands.cleaned_data) if demands.is_valid() else ModelDemand()
    context = {
        "nav": "assistants",
        "tab": "evaluate",
        "assistant": assistant,
        "demands": demands,
        "candidates": list_candidates(request.workspace.pk, demand),
        "form": form,
        "has_datasets": list_frozen_versions(request.workspace.pk).exists(),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "evaluation/models.html", context, status=status)
