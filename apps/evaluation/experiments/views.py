"""Pages of experiments: the list, the form for a new one, and a single experiment."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.assistants.access import get_assistant_by_slug
from apps.assistants.models import Assistant
from apps.assistants.selectors import list_assistants
from apps.datasets.selectors import count_authors, list_frozen_versions
from apps.evaluation.access import get_experiment
from apps.evaluation.experiments.abstention import view_abstention
from apps.evaluation.experiments.forms import ExperimentForm
from apps.evaluation.experiments.metrics import read_metrics
from apps.evaluation.experiments.mistakes import count_mistakes, find_correctness
from apps.evaluation.experiments.plans import (
    PlanError,
    cancel_experiment,
    create_experiment,
    delete_experiment,
    resume_experiment,
)
from apps.evaluation.experiments.selectors import (
    ExperimentRow,
    list_experiments,
    list_history,
    list_releases,
    view_components,
    view_progress,
    view_rows,
    view_turns,
)
from apps.evaluation.experiments.self_judging import list_self_judged, warn_of_self_judging
from apps.evaluation.models import Experiment
from apps.evaluation.review.grading import list_trust
from apps.evaluation.verdicts.selectors import view_verdicts
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

PAGE_SIZE = 25
BASE = {"nav": "evaluate", "section": "experiments"}


@require_GET
@workspace_view(role=Role.EDITOR)
def listing(request: WorkspaceRequest) -> HttpResponse:
    """All experiments of the workspace, newest first."""
    context = BASE | _table(request) | {"assistants": list_assistants(request.workspace.pk)}
    return render(request, "evaluation/experiments/list.html", context)


@require_GET
@workspace_view(role=Role.EDITOR)
def of_assistant(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """One assistant's experiments, with the chart over time."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    context = _table(request, assistant=assistant) | {
        "nav": "assistants",
        "tab": "evaluate",
        "assistant": assistant,
    }
    context["history"] = _history(assistant, context["rows"])
    return render(request, "evaluation/experiments/of_assistant.html", context)


def _table(request: WorkspaceRequest, *, assistant: Assistant | None = None) -> dict[str, Any]:
    experiments = list_experiments(request.workspace.pk, assistant=assistant)
    page = Paginator(experiments, PAGE_SIZE).get_page(request.GET.get("page"))
    return {"page": page, "rows": view_rows(list(page.object_list))}


def _history(assistant: Assistant, rows: list[ExperimentRow]) -> dict[str, Any] | None:
    """The headline metric of the newest experiment over time, on the same dataset."""
    newest = next((row for row in rows if row.metric and row.lines), None)
    if newest is None or newest.metric is None:
        return None
    version = newest.experiment.dataset_version
    points = list_history(assistant, newest.metric, dataset_id=version.dataset_id)
    return {
        "labels": [point.label for point in points],
        "values": [point.value for point in points],
        "title": f"{newest.metric.label} of the best release, on {version.dataset.name}",
        "unit": "%" if newest.metric.is_share else newest.metric.unit,
    }


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def new(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """The form for a new experiment; submitting it starts the work."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    if request.method == "GET":
        form = ExperimentForm(assistant, initial=_initial(request, assistant))
        return _show_form(request, assistant, form, status=200)
    form = ExperimentForm(assistant, request.POST)
    if "preset" in request.POST:
        try:
            form.use_preset(request.POST["preset"])
        except KeyError:
            return HttpResponseBadRequest("This is not one of the presets on the page.")
        return _show_form(request, assistant, form, status=200)
    if form.is_valid():
        try:
            experiment = create_experiment(assistant, plan=form.plan(), actor=request.actor)
        except PlanError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return redirect("evaluation:experiment", request.workspace.slug, experiment.pk)
    return _show_form(request, assistant, form, status=422)


def _initial(request: WorkspaceRequest, assistant: Assistant) -> dict[str, Any]:
    """Preselect the newest and the current release, and the dataset version named in the link."""
    newest = list(assistant.releases.order_by("-number").values_list("pk", flat=True)[:2])
    current = [assistant.current_id] if assistant.current_id else []
    return {
        "releases": list(dict.fromkeys([*newest[:1], *current])) or newest,
        "dataset_version": request.GET.get("dataset_version", ""),
        "criteria": request.GET.getlist("criterion"),
    }


def _show_form(
    request: WorkspaceRequest, assistant: Assistant, form: ExperimentForm, *, status: int
) -> HttpResponse:
    context = {
        "nav": "assistants",
        "tab": "evaluate",
        "assistant": assistant,
        "form": form,
        "has_datasets": list_frozen_versions(request.workspace.pk).exists(),
    }
    return render(request, "evaluation/experiments/new.html", context, status=status)


@require_GET
@workspace_view(role=Role.EDITOR)
def experiment(request: WorkspaceRequest, experiment_id: UUID) -> HttpResponse:
    """One experiment with its progress and results."""
    experiment = get_experiment(request.workspace.pk, experiment_id)
    context = _view(experiment) | {"authors": count_authors(experiment.dataset_version)}
    return render(request, "evaluation/experiments/experiment.html", BASE | context)


@require_GET
@workspace_view(role=Role.EDITOR)
def progress(request: WorkspaceRequest, experiment_id: UUID) -> HttpResponse:
    """The part of the page that changes while it runs."""
    experiment = get_experiment(request.workspace.pk, experiment_id)
    return render(request, "evaluation/experiments/_results.html", _view(experiment))


def _view(experiment: Experiment) -> dict[str, Any]:
    releases = list_releases(experiment)
    return {
        "experiment": experiment,
        "assistant": experiment.assistant,
        "releases": releases,
        "metrics": read_metrics(experiment.evaluators),
        "progress": view_progress(experiment),
        "verdicts": [] if experiment.is_open else view_verdicts(experiment, releases),
        "components": view_components(experiment, releases),
        "abstention": view_abstention(experiment, releases),
        "mistakes": count_mistakes(experiment, releases),
        "correctness": find_correctness(experiment),
        "turns": view_turns(experiment, releases),
        "trust": list_trust(experiment),
        "self_judging": warn_of_self_judging(experiment.judge_name, list_self_judged(experiment)),
        "can_compare": len(releases) > 1,
    }


@require_POST
@workspace_view(role=Role.EDITOR)
def cancel(request: WorkspaceRequest, experiment_id: UUID) -> HttpResponse:
    experiment = get_experiment(request.workspace.pk, experiment_id)
    if cancel_experiment(experiment, actor=request.actor):
        messages.success(request, "Stopped. What was answered until then is kept.")
    return redirect("evaluation:experiment", request.workspace.slug, experiment.pk)


@require_POST
@workspace_view(role=Role.EDITOR)
def resume(request: WorkspaceRequest, experiment_id: UUID) -> HttpResponse:
    experiment = get_experiment(request.workspace.pk, experiment_id)
    if resume_experiment(experiment, actor=request.actor):
        messages.success(request, "Continuing with what is missing.")
    else:
        messages.info(request, "Nothing is missing.")
    return redirect("evaluation:experiment", request.workspace.slug, experiment.pk)


@require_POST
@workspace_view(role=Role.EDITOR)
def delete(request: WorkspaceRequest, experiment_id: UUID) -> HttpResponse:
    experiment = get_experiment(request.workspace.pk, experiment_id)
    delete_experiment(experiment, actor=request.actor)
    messages.success(request, f"{experiment.name} is deleted.")
    return redirect("evaluation:list", request.workspace.slug)
