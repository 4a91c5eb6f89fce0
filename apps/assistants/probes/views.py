"""The pages of the steadiness tests: start one, watch it, read its results."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.assistants.models import Probe
from apps.assistants.probes.forms import NeedleForm, PerturbationForm
from apps.assistants.probes.selectors import (
    get_probe,
    list_probes,
    report_needle,
    report_perturbation,
    view_probe,
)
from apps.assistants.probes.services import (
    NeedlePlan,
    cancel_probe,
    delete_probe,
    resume_probe,
    start_needle,
    start_perturbation,
)
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role


@require_GET
@workspace_view(role=Role.EDITOR)
def listing(request: WorkspaceRequest) -> HttpResponse:
    """All tests, and the two forms that start one."""
    return _show_list(
        request, PerturbationForm(request.workspace), NeedleForm(request.workspace), status=200
    )


def _show_list(
    request: WorkspaceRequest, changed: PerturbationForm, needle: NeedleForm, *, status: int
) -> HttpResponse:
    context = {
        "nav": "assistants",
        "probes": list_probes(request.workspace.pk),
        "changed_form": changed,
        "needle_form": needle,
    }
    return render(request, "assistants/probes.html", context, status=status)


@require_POST
@workspace_view(role=Role.EDITOR)
def start_changed(request: WorkspaceRequest) -> HttpResponse:
    """Ask questions in other shapes."""
    form = PerturbationForm(request.workspace, request.POST)
    if not form.is_valid():
        return _show_list(request, form, NeedleForm(request.workspace), status=422)
    probe = start_perturbation(
        form.cleaned_data["assistant"].current,
        endpoint=form.cleaned_data["endpoint"],
        questions=form.cleaned_data["questions"],
        actor=request.actor,
    )
    return redirect("assistants:probe", request.workspace.slug, probe.pk)


@require_POST
@workspace_view(role=Role.EDITOR)
def start_hidden(request: WorkspaceRequest) -> HttpResponse:
    """Hide a fact in long texts."""
    form = NeedleForm(request.workspace, request.POST)
    if form.is_valid():
        values = form.cleaned_data
        plan = NeedlePlan(values["endpoint"], values["lengths"], values["attempts"])
        try:
            probe = start_needle(request.workspace, plan=plan, actor=request.actor)
        except ValueError as error:
            form.add_error("lengths", str(error))
        else:
            return redirect("assistants:probe", request.workspace.slug, probe.pk)
    return _show_list(request, PerturbationForm(request.workspace), form, status=422)


@require_GET
@workspace_view(role=Role.EDITOR)
def probe(request: WorkspaceRequest, probe_id: UUID) -> HttpResponse:
    """One test; while it runs the page asks for itself again."""
    row = get_probe(request.workspace.pk, probe_id)
    context: dict[str, Any] = {"nav": "assistants", "probe": row, "view": view_probe(row)}
    if row.kind == Probe.Kind.NEEDLE:
        context["grid"] = report_needle(row)
    else:
        report, context["moved"] = report_perturbation(row)
        context["report"] = report
        if report.count:
            context["bars"] = [{"label": label, "value": n} for label, n in report.histogram]
    template = "assistants/_probe.html" if request.htmx else "assistants/probe.html"
    return render(request, template, context)


@require_POST
@workspace_view(role=Role.EDITOR)
def cancel(request: WorkspaceRequest, probe_id: UUID) -> HttpResponse:
    cancel_probe(get_probe(request.workspace.pk, probe_id))
    return redirect("assistants:probe", request.workspace.slug, probe_id)


@require_POST
@workspace_view(role=Role.EDITOR)
def resume(request: WorkspaceRequest, probe_id: UUID) -> HttpResponse:
    resume_probe(get_probe(request.workspace.pk, probe_id))
    return redirect("assistants:probe", request.workspace.slug, probe_id)


@require_POST
@workspace_view(role=Role.EDITOR)
def delete(request: WorkspaceRequest, probe_id: UUID) -> HttpResponse:
    delete_probe(get_probe(request.workspace.pk, probe_id), actor=request.actor)
    messages.success(request, "The test is deleted.")
    return redirect("assistants:probes", request.workspace.slug)
