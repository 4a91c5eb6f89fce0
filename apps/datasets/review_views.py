"""Generating questions from documents, and the queue in which people review them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.core.models import Job, JobState
from apps.datasets import services
from apps.datasets.access import get_dataset, get_draft, get_example
from apps.datasets.forms import ExampleForm
from apps.datasets.models import Example, ReviewState
from apps.datasets.origins import origin_of
from apps.datasets.selectors import count_states, list_syntheses, next_to_review
from apps.datasets.synthesis.services import (
    MAX_QUESTIONS,
    NoPassagesError,
    estimate_cost,
    find_job,
    start_synthesis,
)
from apps.datasets.views import dataset_of
from apps.documents.selectors import list_collections
from apps.gateway.selectors import list_endpoints
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role, Workspace

OPEN = (JobState.QUEUED, JobState.RUNNING)
WITHOUT_MODEL = "No model: from headings and sentences"


class SynthesisForm(forms.Form):
    """`collections` and `endpoint` are the workspace's own."""

    collections = forms.MultipleChoiceField(
        label="From",
        widget=forms.CheckboxSelectMultiple(),
        error_messages={"required": "Choose one."},
    )
    count = forms.IntegerField(label="How many", initial=20, min_value=1, max_value=MAX_QUESTIONS)
    endpoint = forms.ChoiceField(label="Written by", required=False)

    def __init__(self, data: Any, *, workspace: Workspace) -> None:
        super().__init__(data)
        collections = list(list_collections(workspace))
        self.endpoints = {str(item.pk): item for item in list_endpoints(workspace)}
        self._choose("collections", [(str(item.pk), item.name) for item in collections])
        names = [(pk, f"{item.name} ({item.model})") for pk, item in self.endpoints.items()]
        self._choose("endpoint", [("", WITHOUT_MODEL), *names])
        self.fields["collections"].initial = [str(item.pk) for item in collections]

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def synthesis(request: WorkspaceRequest, *, dataset_id: UUID) -> HttpResponse:
    """Choose documents and a model, see the estimated cost, and start; lists earlier jobs."""
    dataset = get_dataset(request.workspace.pk, dataset_id)
    form = SynthesisForm(request.POST or None, workspace=request.workspace)
    estimate = None
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        endpoint = form.endpoints.get(values["endpoint"])
        collections = [UUID(pk) for pk in values["collections"]]
        if endpoint is not None and "confirmed" not in request.POST:
            estimate = estimate_cost(
                request.workspace.pk, collections, endpoint=endpoint, count=values["count"]
            )
        else:
            try:
                start_synthesis(
                    dataset,
                    collection_ids=collections,
                    count=values["count"],
                    endpoint=endpoint,
                    actor=request.actor,
                )
            except NoPassagesError:
                form.add_error("collections", "There is no passage that was not asked about yet.")
            else:
                return redirect(request.path)
    rows = [{"synthesis": item, "job": find_job(item)} for item in list_syntheses(dataset)[:20]]
    context = dataset_of(dataset) | {
        "form": form,
        "estimate": estimate,
        "rows": rows,
        "is_open": any(isinstance(row["job"], Job) and row["job"].state in OPEN for row in rows),
        "counts": count_states(get_draft(request.workspace.pk, dataset_id)),
    }
    return render(request, "datasets/synthesis.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def review(request: WorkspaceRequest, *, dataset_id: UUID) -> HttpResponse:
    """Review one proposal after another: accept, correct, reject, or skip it for now."""
    draft = get_draft(request.workspace.pk, dataset_id)
    if request.method == "POST":
        return _decide(request, dataset_id)
    after = request.GET.get("after", "")
    position = int(after) if after.isdecimal() and len(after) < 9 else 0
    example = next_to_review(draft, after=position)
    return _render(request, draft.dataset, example, ExampleForm(example=example))


def _decide(request: WorkspaceRequest, dataset_id: UUID) -> HttpResponse:
    try:
        example = get_example(request.workspace.pk, UUID(request.POST.get("example", "")))
    except ValueError:
        return redirect(request.path)
    action = request.POST.get("action", "")
    if example.version.dataset_id != dataset_id or not example.version.is_draft:
        return redirect(request.path)
    if action == "accept":
        form = ExampleForm(request.POST, example=example)
        if not form.is_valid():
            return _render(request, example.version.dataset, example, form, status=422)
        services.update_example(example, fields=form.fields_of_example, actor=request.actor)
        services.review_example(example, state=ReviewState.ACCEPTED, actor=request.actor)
    elif action == "reject":
        services.review_example(example, state=ReviewState.REJECTED, actor=request.actor)
    path = reverse("datasets:review", args=[request.workspace.slug, dataset_id])
    return redirect(f"{path}?after={example.position}")


def _render(
    request: WorkspaceRequest,
    dataset: Any,
    example: Example | None,
    form: ExampleForm,
    *,
    status: int = 200,
) -> HttpResponse:
    if example is None:
        messages.success(request, "Everything is reviewed.")
        return redirect(reverse("datasets:dataset", args=[request.workspace.slug, dataset.pk]))
    context = dataset_of(dataset) | {
        "example": example,
        "form": form,
        "origin": origin_of(example, slug=request.workspace.slug),
        "counts": count_states(example.version),
    }
    return render(request, "datasets/review.html", context, status=status)
