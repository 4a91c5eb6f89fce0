"""Buttons that turn a compared profile into a candidate release."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.assistants.access import get_assistant_by_slug
from apps.assistants.recipes.changes import RecipeError
from apps.lab.access import get_run
from apps.lab.candidates import draft_candidate
from apps.lab.forms import CandidateForm
from apps.lab.runs import tell_origin
from apps.lab.views import profile_forms
from apps.retrieval.search.profiles import RetrievalProfile
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

NOTE = "From the retrieval lab"


@require_POST
@workspace_view(role=Role.EDITOR)
def use_profile(request: WorkspaceRequest) -> HttpResponse:
    """A candidate from one of the two profiles in the query string, as the lab shows them."""
    form = CandidateForm(request.POST)
    here = f"{reverse('lab:lab', args=[request.workspace.slug])}?{request.GET.urlencode()}"
    if not form.is_valid():
        return _refuse(request, back=here)
    side = profile_forms(request)[form.cleaned_data["side"]]
    if not side.is_valid():
        messages.error(request, "This profile has a mistake; the lab marks it.")
        return redirect(here)
    return _draft(request, form, side.profile, note=NOTE, back=here)


@require_POST
@workspace_view(role=Role.EDITOR)
def use_measured(request: WorkspaceRequest, *, lab_run_id: UUID) -> HttpResponse:
    """A candidate from one side of a measured comparison."""
    run = get_run(request.workspace.pk, lab_run_id)
    back = reverse("lab:run", args=[request.workspace.slug, run.pk])
    form = CandidateForm(request.POST)
    if not form.is_valid():
        return _refuse(request, back=back)
    side = form.cleaned_data["side"]
    profile = RetrievalProfile.parse(run.profiles[side])
    return _draft(request, form, profile, note=tell_origin(run, side), back=back)


def _refuse(request: WorkspaceRequest, *, back: str) -> HttpResponse:
    messages.error(request, "No candidate was made: choose a profile and an assistant.")
    return redirect(back)


def _draft(
    request: WorkspaceRequest,
    form: CandidateForm,
    profile: RetrievalProfile,
    *,
    note: str,
    back: str,
) -> HttpResponse:
    slug = request.workspace.slug
    assistant = get_assistant_by_slug(request.workspace.pk, form.cleaned_data["assistant"])
    try:
        release = draft_candidate(assistant, profile, note=note, actor=request.actor)
    except RecipeError as error:
        messages.error(request, f"No candidate was made. {error}")
        return redirect(back)
    if release.pk == assistant.current_id:
        messages.success(request, f"{assistant.name} searches like this already.")
        return redirect(back)
    messages.success(
        request, f"Release {release.number} is kept as a candidate. It does not answer yet."
    )
    return redirect("assistants:release", slug, assistant.slug, release.number)
