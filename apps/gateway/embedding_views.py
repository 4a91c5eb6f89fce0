"""The settings page of embedding models."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.core.embedder import get_embedder
from apps.gateway.access import get_embedding_model
from apps.gateway.credentials import KeyNeededError
from apps.gateway.embedding_forms import FolderForm, NameForm, ServerForm
from apps.gateway.embedding_services import (
    InUseError,
    add_model,
    change_model,
    check_model,
    delete_model,
    list_models,
)
from apps.gateway.models import EmbeddingModel
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role
from inference.errors import ModelError, ModelFilesError

IN_USE = "Indexes were built with “{}”. Throw them away, or build them anew with another model."


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.OWNER)
def embedding_models(request: WorkspaceRequest) -> HttpResponse:
    """All embedding models, and the forms for another one."""
    is_folder = "folder" in request.POST
    server = ServerForm(None if is_folder else request.POST or None, workspace=request.workspace)
    folder = FolderForm(request.POST if is_folder else None, workspace=request.workspace)
    form = folder if is_folder else server
    if request.method == "POST" and form.is_valid() and _add(request, form):
        return redirect("gateway:embedding_models", slug=request.workspace.slug)
    return _render(request, form=server, folder_form=folder)


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.OWNER)
def embedding_model(request: WorkspaceRequest, *, model_id: UUID) -> HttpResponse:
    """The page of embedding models, with the form filled for one of them."""
    row = get_embedding_model(request.workspace, model_id)
    form = NameForm(request.POST or None, workspace=request.workspace, row=row)
    if request.method == "POST" and form.is_valid() and _change(request, row, form):
        return redirect("gateway:embedding_models", slug=request.workspace.slug)
    return _render(request, form=form, editing=row)


@require_POST
@workspace_view(role=Role.OWNER)
def test_embedding_model(request: WorkspaceRequest, *, model_id: UUID) -> HttpResponse:
    """Embed one question and show how that went."""
    row = check_model(get_embedding_model(request.workspace, model_id))
    if request.htmx:
        return render(request, "gateway/_endpoint_check.html", {"endpoint": row})
    level = messages.SUCCESS if row.check_ok else messages.ERROR
    messages.add_message(request, level, row.check_message)
    return redirect("gateway:embedding_models", slug=request.workspace.slug)


@require_POST
@workspace_view(role=Role.OWNER)
def remove_embedding_model(request: WorkspaceRequest, *, model_id: UUID) -> HttpResponse:
    row = get_embedding_model(request.workspace, model_id)
    try:
        delete_model(row, actor=request.actor)
    except InUseError:
        messages.error(request, IN_USE.format(row.name))
    else:
        messages.success(request, f"“{row.name}” was deleted.")
    return redirect("gateway:embedding_models", slug=request.workspace.slug)


def _add(request: WorkspaceRequest, form: ServerForm | FolderForm) -> bool:
    try:
        row = add_model(request.workspace, fields=form.as_fields(), actor=request.actor)
    except (ModelError, ModelFilesError, ValueError) as error:
        form.add_error(None, str(error))
        return False
    messages.success(
        request,
        f"“{row.name}” was added: {row.dimensions} numbers a passage. Build an index with it.",
    )
    return True


def _change(request: WorkspaceRequest, row: EmbeddingModel, form: NameForm) -> bool:
    values = form.cleaned_data
    key: str | None = values.get("api_key") or None
    if values.get("remove_key") and not key:
        key = ""
    try:
        changed = change_model(
            row,
            name=values["name"],
            base_url=values.get("base_url", ""),
            api_key=key,
            actor=request.actor,
        )
    except ValueError as error:
        form.add_error("base_url", str(error))
        return False
    except KeyNeededError as error:
        form.add_error("api_key", str(error))
        return False
    checked = check_model(changed)
    if checked.check_ok:
        messages.success(request, f"“{row.name}” was saved and works: {checked.check_message}")
    else:
        messages.warning(
            request, f"“{row.name}” was saved, but it does not work: {checked.check_message}"
        )
    return True


def _render(
    request: WorkspaceRequest,
    *,
    form: forms.Form,
    folder_form: FolderForm | None = None,
    editing: EmbeddingModel | None = None,
) -> HttpResponse:
    return render(
        request,
        "gateway/embedding_models.html",
        {
            "nav": "settings",
            "section": "embedding_models",
            "models": list_models(request.workspace),
            "builtin": _builtin(),
            "form": form,
            "folder_form": folder_form,
            "editing": editing,
        },
        status=422 if request.method == "POST" else 200,
    )


def _builtin() -> str:
    try:
        embedder = get_embedder()
    except ModelFilesError:
        return ""
    return f"{embedder.name}, {embedder.dimensions} numbers"
