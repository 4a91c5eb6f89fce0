"""Pages of datasets: the list, a dataset's examples, and actions on the whole dataset."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.text import storable
from apps.datasets import services
from apps.datasets.access import get_dataset, get_draft, get_version
from apps.datasets.checking import MAX_SHOWN, check_version
from apps.datasets.forms import DatasetForm, FilterForm, FreezeForm
from apps.datasets.models import Dataset, DatasetVersion, ReviewState
from apps.datasets.selectors import (
    ExampleFilter,
    count_states,
    list_datasets,
    list_examples,
    list_slices,
    list_versions,
)
from apps.datasets.slices import LENGTHS
from apps.datasets.transfer.export import EXPORTS, filename_of
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

ROWS = 50
BASE = {"nav": "evaluate", "section": "datasets"}
NAME_TAKEN = "The workspace has a dataset of this name already."
IN_USE = "Experiments use this dataset. Delete them first; their results mean nothing without it."


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def datasets(request: WorkspaceRequest) -> HttpResponse:
    """All datasets, and the form for a new one."""
    form = DatasetForm(request.POST) if request.method == "POST" else DatasetForm()
    if request.method == "POST" and form.is_valid():
        try:
            dataset = services.create_dataset(
                request.workspace, actor=request.actor, **form.cleaned_data
            )
        except services.NameTakenError:
            form.add_error("name", NAME_TAKEN)
        else:
            return to_dataset(request, dataset.pk)
    context = BASE | {"datasets": list_datasets(request.workspace.pk), "form": form}
    status = 422 if form.errors else 200
    return render(request, "datasets/list.html", context, status=status)


@require_GET
@workspace_view(role=Role.EDITOR)
def dataset(request: WorkspaceRequest, *, dataset_id: UUID) -> HttpResponse:
    """The draft with its filters."""
    return _render_version(request, get_draft(request.workspace.pk, dataset_id))


@require_GET
@workspace_view(role=Role.EDITOR)
def version(request: WorkspaceRequest, *, dataset_id: UUID, number: int) -> HttpResponse:
    """A frozen version, to read."""
    return _render_version(request, get_version(request.workspace.pk, dataset_id, number))


def read_filter(request: WorkspaceRequest) -> ExampleFilter:
    """Read the table's filters from the query string."""
    form = FilterForm(request.GET)
    form.is_valid()
    values = form.cleaned_data
    return ExampleFilter(
        text=storable(values.get("q", "")),
        **{
            name: storable(values.get(name, ""))
            for name in ("state", "tag", "source", "language", "length", "answerable")
        },
    )


def _render_version(
    request: WorkspaceRequest, version: DatasetVersion, *, status: int = 200, **forms: object
) -> HttpResponse:
    narrowed = read_filter(request)
    page = Paginator(list_examples(version, narrowed), ROWS).get_page(request.GET.get("page"))
    context: dict[str, Any] = BASE | {
        "dataset": version.dataset,
        "version": version,
        "versions": list_versions(version.dataset),
        "page": page,
        "counts": count_states(version),
        "filters": narrowed,
        "is_filtered": narrowed != ExampleFilter(),
        "states": ReviewState.choices,
        "lengths": LENGTHS.items(),
        "tags": list_slices(version, dimension="tag")[:100],
        "languages": list_slices(version, dimension="language"),
        "sources": list_slices(version, dimension="source"),
        "freeze_form": FreezeForm(),
        "edit_form": DatasetForm(
            initial={"name": version.dataset.name, "description": version.dataset.description},
            prefix="edit",
        ),
        **forms,
    }
    return render(request, "datasets/dataset.html", context, status=status)


@require_GET
@workspace_view(role=Role.EDITOR)
def check(request: WorkspaceRequest, *, dataset_id: UUID, number: int) -> HttpResponse:
    """Questions that are nearly the same, and those that a prompt gives away."""
    version = get_version(request.workspace.pk, dataset_id, number)
    context = dataset_of(version.dataset) | {"version": version, "check": check_version(version)}
    return render(request, "datasets/check.html", context)


@require_POST
@workspace_view(role=Role.EDITOR)
def edit(request: WorkspaceRequest, *, dataset_id: UUID) -> HttpResponse:
    dataset = get_dataset(request.workspace.pk, dataset_id)
    form = DatasetForm(request.POST, prefix="edit")
    if form.is_valid():
        try:
            services.update_dataset(dataset, actor=request.actor, **form.cleaned_data)
        except services.NameTakenError:
            form.add_error("name", NAME_TAKEN)
        else:
            return to_dataset(request, dataset.pk)
    draft = get_draft(request.workspace.pk, dataset_id)
    return _render_version(request, draft, status=422, edit_form=form)


@require_POST
@workspace_view(role=Role.EDITOR)
def delete(request: WorkspaceRequest, *, dataset_id: UUID) -> HttpResponse:
    dataset = get_dataset(request.workspace.pk, dataset_id)
    try:
        services.delete_dataset(dataset, actor=request.actor)
    except services.InUseError:
        messages.error(request, IN_USE)
        return to_dataset(request, dataset_id)
    messages.success(request, f"The dataset “{dataset.name}” was deleted.")
    return redirect("datasets:list", slug=request.workspace.slug)


@require_POST
@workspace_view(role=Role.EDITOR)
def freeze(request: WorkspaceRequest, *, dataset_id: UUID) -> HttpResponse:
    """Make a version of what the draft holds now."""
    dataset = get_dataset(request.workspace.pk, dataset_id)
    form = FreezeForm(request.POST)
    if not form.is_valid():
        draft = get_draft(request.workspace.pk, dataset_id)
        return _render_version(request, draft, status=422, freeze_form=form)
    try:
        version = services.freeze(
            dataset,
            actor=request.actor,
            note=form.cleaned_data["note"],
            nevertheless="nevertheless" in request.POST,
        )
    except services.ConflictError as error:
        draft = get_draft(request.workspace.pk, dataset_id)
        shown = {"conflicts": error.conflicts[:MAX_SHOWN], "num_conflicts": len(error.conflicts)}
        return _render_version(request, draft, status=409, freeze_form=form, **shown)
    except services.NothingToFreezeError:
        messages.error(request, "No example is accepted yet, so there is nothing to freeze.")
        return to_dataset(request, dataset_id)
    messages.success(
        request,
        f"Version {version.number} holds {version.num_examples:,} examples and stays as it is.",
    )
    address = reverse("datasets:version", args=[request.workspace.slug, dataset_id, version.number])
    return redirect(address)


@require_GET
@workspace_view(role=Role.EDITOR)
def export(
    request: WorkspaceRequest, *, dataset_id: UUID, number: int, kind: str
) -> StreamingHttpResponse | HttpResponse:
    """A version as a file that can be imported again: JSON lines or CSV."""
    version = get_version(request.workspace.pk, dataset_id, number)
    if kind not in EXPORTS:
        return HttpResponseBadRequest("There is no such format.")
    write, media_type = EXPORTS[kind]
    rows = list_examples(version).iterator(chunk_size=500)
    response = StreamingHttpResponse(write(rows), content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{filename_of(version, kind)}"'
    return response


def to_dataset(request: WorkspaceRequest, dataset_id: UUID) -> HttpResponse:
    return redirect(_address(request, dataset_id))


def _address(request: WorkspaceRequest, dataset_id: UUID) -> str:
    return reverse("datasets:dataset", args=[request.workspace.slug, dataset_id])


def dataset_of(dataset: Dataset) -> dict[str, Any]:
    """Context that every page of a dataset needs."""
    return BASE | {"dataset": dataset}
