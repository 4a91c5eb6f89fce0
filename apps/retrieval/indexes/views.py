"""The pages of a collection's indexes: build another one, compare it, swap it in, throw it away."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.documents.access import get_collection
from apps.documents.models import Collection
from apps.retrieval.indexes import builds
from apps.retrieval.indexes.access import get_index, get_saved_query
from apps.retrieval.indexes.comparison import compare_indexes
from apps.retrieval.indexes.forms import BuildForm, QuestionForm, VectorForm
from apps.retrieval.indexes.questions import choose_questions, forget_question, save_question
from apps.retrieval.indexes.selectors import (
    describe_index,
    describe_indexes,
    find_live,
    list_indexes,
    list_saved_queries,
)
from apps.retrieval.indexes.vector_settings import change_vector_index
from apps.retrieval.models import IndexState
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

RUNNING = "Another index of this collection is being built. Swap it in or throw it away first."
CHANGED = "This index has changed meanwhile. Look again."
REPLACED = "The vector index is being built. Until it is ready, searches use what was there before."
KEPT = "Saved. It counts once the index has more passages than are compared one by one."
CATCHING_UP = (
    "Documents came that this index does not hold yet. It takes them in now and then goes live "
    "by itself; until then the other one answers."
)


@require_http_methods(["GET", "POST"])
@workspace_view()
def indexes(request: WorkspaceRequest, *, collection_id: UUID) -> HttpResponse:
    """A collection's indexes, and the form for another one."""
    collection = get_collection(request.workspace, collection_id)
    if request.method == "GET":
        return _render(request, collection, _new_form(request, collection))
    return _start(request, collection)


def _start(request: WorkspaceRequest, collection: Collection) -> HttpResponse:
    form = BuildForm(request.POST, workspace=request.workspace)
    if not request.membership.has_role(Role.EDITOR) or not form.is_valid():
        return _render(request, collection, form, status=422)
    try:
        builds.start_build(
            collection,
            profile=form.cleaned_data["profile"],
            model=form.chosen_model(),
            kind=form.cleaned_data["vector_index"],
            labels=form.cleaned_data["labels"],
            precision=form.cleaned_data["precision"],
            goes_live=form.cleaned_data["goes_live"],
            actor=request.actor,
        )
    except builds.BuildRunningError:
        form.add_error(None, RUNNING)
        return _render(request, collection, form, status=422)
    messages.success(request, "The index is being built. The live one goes on answering.")
    return _to_indexes(request, collection)


def _new_form(request: WorkspaceRequest, collection: Collection) -> BuildForm:
    live = find_live(collection)
    initial: dict[str, object] = {"profile": request.GET.get("profile", "")}
    if live is not None:
        initial = {
            "profile": request.GET.get("profile") or live.profile_id,
            "model": live.embedding_model,
            "vector_index": live.ann_kind,
            "precision": live.precision,
            "labels": live.labels,
        }
    return BuildForm(workspace=request.workspace, initial=initial)


def _render(
    request: WorkspaceRequest, collection: Collection, form: BuildForm, *, status: int = 200
) -> HttpResponse:
    context = _describe(request, collection)
    context |= {"nav": "documents", "tab": "indexes", "form": form}
    return render(request, "retrieval/indexes/indexes.html", context, status=status)


def _describe(request: WorkspaceRequest, collection: Collection) -> dict[str, object]:
    views = describe_indexes(list_indexes(collection), request.workspace)
    live = next((view for view in views if view.index.state == IndexState.LIVE), None)
    building = [view for view in views if view.index.state == IndexState.BUILDING]
    return {
        "collection": collection,
        "live": live,
        "building": building,
        "retired": [view for view in views if view.index.state == IndexState.RETIRED],
        "vector_form": live
        and VectorForm(
            initial={"vector_index": live.index.ann_kind, "precision": live.index.precision},
            prefix="live",
        ),
        "is_working": any(view.build and view.build.is_running for view in building),
    }


@require_GET
@workspace_view()
def progress(request: WorkspaceRequest, *, collection_id: UUID) -> HttpResponse:
    """The part of the page that changes while an index is being built."""
    collection = get_collection(request.workspace, collection_id)
    return render(request, "retrieval/indexes/_indexes.html", _describe(request, collection))


@require_POST
@workspace_view(role=Role.EDITOR)
def swap(request: WorkspaceRequest, *, index_id: UUID) -> HttpResponse:
    """Make an index live, or roll back to a retired one."""
    index = get_index(request.workspace, index_id)
    try:
        is_live = builds.swap(index, actor=request.actor)
    except builds.WrongStateError:
        messages.error(request, CHANGED)
    else:
        text = "Swapped. Questions are answered from this index now." if is_live else CATCHING_UP
        messages.success(request, text)
    return _to_indexes(request, index.collection)


@require_POST
@workspace_view(role=Role.EDITOR)
def change_vectors(request: WorkspaceRequest, *, index_id: UUID) -> HttpResponse:
    """Change what the vector index of an index is made of."""
    index = get_index(request.workspace, index_id)
    form = VectorForm(request.POST, prefix="live")
    if not form.is_valid():
        messages.error(request, "Choose a vector index and a precision.")
        return _to_indexes(request, index.collection)
    try:
        is_built = change_vector_index(
            index,
            kind=form.cleaned_data["vector_index"],
            precision=form.cleaned_data["precision"],
            actor=request.actor,
        )
    except builds.WrongStateError:
        messages.error(request, CHANGED)
    else:
        messages.success(request, REPLACED if is_built else KEPT)
    return _to_indexes(request, index.collection)


@require_POST
@workspace_view(role=Role.EDITOR)
def cut_anew(request: WorkspaceRequest, *, index_id: UUID) -> HttpResponse:
    """Build an index like this one in which every document is cut again, and swap it in."""
    index = get_index(request.workspace, index_id)
    try:
        builds.build_anew(index, actor=request.actor)
    except builds.BuildRunningError:
        messages.error(request, RUNNING)
    else:
        messages.success(request, "All documents are cut and embedded again beside the live index.")
    return _to_indexes(request, index.collection)


@require_POST
@workspace_view(role=Role.EDITOR)
def throw_away(request: WorkspaceRequest, *, index_id: UUID) -> HttpResponse:
    index = get_index(request.workspace, index_id)
    try:
        builds.throw_away(index, actor=request.actor)
    except builds.WrongStateError:
        messages.error(request, "The live index cannot be thrown away.")
    else:
        messages.success(request, "The index was thrown away.")
    return _to_indexes(request, index.collection)


@require_POST
@workspace_view(role=Role.EDITOR)
def stop(request: WorkspaceRequest, *, index_id: UUID) -> HttpResponse:
    """Stop a build. What it has done stays."""
    index = get_index(request.workspace, index_id)
    builds.stop_build(index, actor=request.actor)
    return _to_indexes(request, index.collection)


@require_POST
@workspace_view(role=Role.EDITOR)
def go_on(request: WorkspaceRequest, *, index_id: UUID) -> HttpResponse:
    """Continue a build that was stopped or failed."""
    index = get_index(request.workspace, index_id)
    try:
        builds.continue_build(index, actor=request.actor)
    except builds.WrongStateError:
        messages.error(request, CHANGED)
    return _to_indexes(request, index.collection)


# Comparing


@require_http_methods(["GET", "POST"])
@workspace_view()
def compare(request: WorkspaceRequest, *, index_id: UUID) -> HttpResponse:
    """Compare what an index and the live one find for the same questions."""
    index = get_index(request.workspace, index_id)
    form = QuestionForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and request.membership.has_role(Role.EDITOR):
        save_question(index.collection, text=form.cleaned_data["text"], actor=request.actor)
        return redirect("retrieval:index_compare", request.workspace.slug, index.pk)
    live = find_live(index.collection)
    if live is None or live.pk == index.pk:
        return _to_indexes(request, index.collection)
    return render(
        request,
        "retrieval/indexes/compare.html",
        {
            "nav": "documents",
            "collection": index.collection,
            "live": describe_index(live),
            "other": describe_index(index),
            "saved": list_saved_queries(index.collection),
            "form": form,
            "compared": compare_indexes(live, index, choose_questions(index.collection)),
        },
        status=422 if request.method == "POST" else 200,
    )


@require_POST
@workspace_view(role=Role.EDITOR)
def remove_question(request: WorkspaceRequest, *, index_id: UUID, query_id: UUID) -> HttpResponse:
    """Delete a saved question."""
    index = get_index(request.workspace, index_id)
    forget_question(get_saved_query(request.workspace, query_id))
    return redirect("retrieval:index_compare", request.workspace.slug, index.pk)


def _to_indexes(request: WorkspaceRequest, collection: Collection) -> HttpResponse:
    return redirect(reverse("retrieval:indexes", args=[request.workspace.slug, collection.pk]))
