"""The editor of an example, and actions on several at once."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.datasets import services
from apps.datasets.access import get_draft, get_example
from apps.datasets.forms import ExampleForm
from apps.datasets.models import ReviewState
from apps.datasets.origins import origin_of
from apps.datasets.views import dataset_of, to_dataset
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

MAX_CHOSEN = 500
FULL = f"A dataset holds at most {services.MAX_EXAMPLES:,} examples."


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def new(request: WorkspaceRequest, *, dataset_id: UUID) -> HttpResponse:
    """Write an example."""
    draft = get_draft(request.workspace.pk, dataset_id)
    form = ExampleForm(request.POST) if request.method == "POST" else ExampleForm()
    if request.method == "POST" and form.is_valid():
        try:
            services.add_example(draft.dataset, fields=form.fields_of_example, actor=request.actor)
        except services.TooManyError:
            form.add_error(None, FULL)
        else:
            messages.success(request, "The example was added to the draft.")
            if "another" in request.POST:
                return redirect(request.path)
            return to_dataset(request, dataset_id)
    context = dataset_of(draft.dataset) | {"version": draft, "form": form, "example": None}
    return render(request, "datasets/example.html", context, status=_status(form))


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def example(request: WorkspaceRequest, *, example_id: UUID) -> HttpResponse:
    """Change an example of the draft, or read a frozen one."""
    example = get_example(request.workspace.pk, example_id)
    if request.method == "POST" and not example.version.is_draft:
        return HttpResponseBadRequest("This version is frozen. Change the example in the draft.")
    form = ExampleForm(request.POST if request.method == "POST" else None, example=example)
    if request.method == "POST" and form.is_valid():
        services.update_example(example, fields=form.fields_of_example, actor=request.actor)
        messages.success(request, "The example was saved.")
        return to_dataset(request, example.version.dataset_id)
    context = dataset_of(example.version.dataset) | {
        "version": example.version,
        "example": example,
        "form": form,
        "origin": origin_of(example, slug=request.workspace.slug),
        "states": ReviewState.choices,
    }
    return render(request, "datasets/example.html", context, status=_status(form))


def _status(form: ExampleForm) -> int:
    return 422 if form.errors else 200


@require_POST
@workspace_view(role=Role.EDITOR)
def remove(request: WorkspaceRequest, *, example_id: UUID) -> HttpResponse:
    example = get_example(request.workspace.pk, example_id)
    if not example.version.is_draft:
        return HttpResponseBadRequest("This version is frozen.")
    services.remove_example(example)
    messages.success(request, "The example was removed from the draft.")
    return to_dataset(request, example.version.dataset_id)


@require_POST
@workspace_view(role=Role.EDITOR)
def bulk(request: WorkspaceRequest, *, dataset_id: UUID) -> HttpResponse:
    """Accept, reject or remove the examples that were ticked."""
    draft = get_draft(request.workspace.pk, dataset_id)
    ids = _read_ids(request.POST.getlist("chosen"))
    action = request.POST.get("action", "")
    if action == "remove":
        count = services.remove_examples(draft, ids=ids)
    elif action in ReviewState.values:
        state = ReviewState(action)
        count = services.review_examples(draft, ids=ids, state=state, actor=request.actor)
    else:
        return HttpResponseBadRequest("This is not one of the actions on the page.")
    done = {"remove": "removed from the draft", "proposed": "put back for review"}
    said = done.get(action, action)
    messages.success(request, f"{count:,} example{'s' if count != 1 else ''} {said}.")
    address = reverse("datasets:dataset", args=[request.workspace.slug, dataset_id])
    query = request.META.get("QUERY_STRING", "")
    return redirect(f"{address}?{query}" if query else address)


def _read_ids(values: list[str]) -> list[UUID]:
    """The valid ids, at most MAX_CHOSEN."""
    ids: list[UUID] = []
    for value in values[:MAX_CHOSEN]:
        try:
            ids.append(UUID(value))
        except ValueError:
            continue
    return ids
