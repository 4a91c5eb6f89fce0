"""Pages of measured comparisons: start one, watch it, read the results."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.assistants.recipes.fields import SETTINGS
from apps.assistants.selectors import list_assistants
from apps.core.models import JobState
from apps.datasets.selectors import list_labelled_versions
from apps.documents.selectors import list_collections
from apps.lab.access import get_run, list_runs
from apps.lab.forms import MeasureForm
from apps.lab.models import LabRun
from apps.lab.profiles import KEYS
from apps.lab.results import summarise
from apps.lab.runs import (
    NO_CASES,
    NoCasesError,
    RunFields,
    cancel_run,
    count_passages,
    delete_run,
    enqueue,
    find_job,
    start_run,
)
from apps.lab.views import BASE, choose_collections, chosen_indexes, profile_forms
from apps.retrieval.search.profiles import RetrievalProfile
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

ROWS = 25


@require_GET
@workspace_view(role=Role.EDITOR)
def runs(request: WorkspaceRequest) -> HttpResponse:
    """The list of runs."""
    page = Paginator(list_runs(request.workspace.pk), ROWS).get_page(request.GET.get("page"))
    rows = [
        {"run": run, "job": find_job(run), "counted": count_passages(run)}
        for run in page.object_list
    ]
    return render(request, "lab/runs.html", BASE | {"page": page, "rows": rows})


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def measure(request: WorkspaceRequest) -> HttpResponse:
    """Choose the cases for two profiles, which come from the query string as in the lab."""
    forms = profile_forms(request)
    collections = list(list_collections(request.workspace))
    chosen = choose_collections(request, collections)
    versions = list_labelled_versions(request.workspace.pk)
    form = MeasureForm(request.POST or None, versions=versions)
    if request.method == "POST" and form.is_valid() and all(f.is_valid() for f in forms.values()):
        fields = RunFields(
            profiles={key: forms[key].profile for key in KEYS},
            collection_ids=[item.pk for item in chosen],
            k=form.cleaned_data["k"],
            indexes=chosen_indexes(request),
        )
        try:
            run = start_run(form.version, fields=fields, actor=request.actor)
        except NoCasesError:
            form.add_error("version_id", NO_CASES)
        else:
            return _to_run(request, run.pk)
    context = BASE | {
        "form": form,
        "profiles": [
            (key, item.profile.describe() if item.is_valid() else item.base.describe())
            for key, item in forms.items()
        ],
        "chosen": chosen,
        "indexes": [(key, index) for key, index in chosen_indexes(request).items() if index],
        "versions": versions,
        "query": request.GET.urlencode(),
    }
    status = 422 if form.errors else 200
    return render(request, "lab/measure.html", context, status=status)


@require_GET
@workspace_view(role=Role.EDITOR)
def run(request: WorkspaceRequest, *, lab_run_id: UUID) -> HttpResponse:
    """The results of a run; the page reloads while it is running."""
    run = get_run(request.workspace.pk, lab_run_id)
    job = find_job(run)
    is_open = job is not None and job.state in (JobState.QUEUED, JobState.RUNNING)
    context = BASE | {
        "run": run,
        "job": job,
        "is_open": is_open,
        "counted": count_passages(run),
        "profiles": [(key, _describe(run, key)) for key in KEYS],
        "differences": _differences(run),
        "summary": summarise(run),
        "assistants": list_assistants(request.workspace.pk),
    }
    return render(request, "lab/run.html", context)


def _describe(run: LabRun, key: str) -> list[str]:
    return RetrievalProfile.parse(run.profiles[key]).describe()


def _differences(run: LabRun) -> list[tuple[str, Any, Any]]:
    first, second = (RetrievalProfile.parse(run.profiles[key]) for key in KEYS)
    return [
        (SETTINGS[name].label, _tell(name, a), _tell(name, b))
        for name, a, b in first.differences(second)
    ]


def _tell(name: str, value: Any) -> Any:
    return SETTINGS[name].tell_choice(value) or value


@require_POST
@workspace_view(role=Role.EDITOR)
def cancel(request: WorkspaceRequest, *, lab_run_id: UUID) -> HttpResponse:
    cancel_run(get_run(request.workspace.pk, lab_run_id))
    return _to_run(request, lab_run_id)


@require_POST
@workspace_view(role=Role.EDITOR)
def resume(request: WorkspaceRequest, *, lab_run_id: UUID) -> HttpResponse:
    """Continue with the cases that are missing."""
    enqueue(get_run(request.workspace.pk, lab_run_id))
    return _to_run(request, lab_run_id)


@require_POST
@workspace_view(role=Role.EDITOR)
def delete(request: WorkspaceRequest, *, lab_run_id: UUID) -> HttpResponse:
    delete_run(get_run(request.workspace.pk, lab_run_id))
    messages.success(request, "The comparison was deleted.")
    return redirect(reverse("lab:runs", args=[request.workspace.slug]))


def _to_run(request: WorkspaceRequest, run_id: UUID) -> HttpResponse:
    return redirect(reverse("lab:run", args=[request.workspace.slug, run_id]))
