"""The list of assistants, their recipe, and how programs reach them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.assistants.access import get_assistant_by_slug, get_current
from apps.assistants.forms import AssistantForm, NewAssistantForm
from apps.assistants.models import Assistant
from apps.assistants.recipes.forms import RecipeForm
from apps.assistants.releases.promotion import PromotionRefusedError
from apps.assistants.selectors import list_assistants
from apps.assistants.services import (
    change_recipe,
    create_assistant,
    delete_assistant,
    draft_release,
    update_assistant,
)
from apps.assistants.snippets import list_snippets
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role

CANDIDATE = (
    "Release {number} is kept as a candidate. It does not answer yet. "
    '<a href="{url}">Look at it</a>'
)


@require_GET
@workspace_view()
def listing(request: WorkspaceRequest) -> HttpResponse:
    return _show_list(request, NewAssistantForm(request.workspace), status=200)


def _show_list(request: WorkspaceRequest, form: AssistantForm, *, status: int) -> HttpResponse:
    rows = [_row(assistant) for assistant in list_assistants(request.workspace.pk)]
    context = {"nav": "assistants", "assistants": rows, "form": form}
    return render(request, "assistants/list.html", context, status=status)


def _row(assistant: Assistant) -> dict[str, Any]:
    release = assistant.current
    return {
        "assistant": assistant,
        "collections": [c.name for c in release.collections.all()] if release else [],
        "endpoint_name": release.endpoint.name if release and release.endpoint else "",
    }


@require_POST
@workspace_view(role=Role.EDITOR)
def create(request: WorkspaceRequest) -> HttpResponse:
    form = NewAssistantForm(request.workspace, request.POST)
    if not form.is_valid():
        return _show_list(request, form, status=422)
    assistant = create_assistant(
        request.workspace,
        name=form.cleaned_data["name"],
        collections=list(form.cleaned_data["collections"]),
        actor=request.actor,
    )
    return redirect("chat:new", request.workspace.slug, assistant.slug)


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def recipe(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """Show the current recipe; saving makes the next release, promoted or kept as a candidate."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    release = get_current(assistant)
    if request.method == "GET":
        form = RecipeForm(request.workspace, release=release)
        return _show_recipe(request, assistant, form, status=200)
    form = RecipeForm(request.workspace, request.POST, release=release)
    if not form.is_valid():
        return _show_recipe(request, assistant, form, status=422)
    try:
        _save_recipe(request, assistant, form)
    except PromotionRefusedError as refused:
        messages.warning(request, f"It is kept as a candidate. {refused}")
        return redirect("assistants:releases", request.workspace.slug, assistant.slug)
    return redirect("assistants:recipe", request.workspace.slug, assistant.slug)


def _save_recipe(request: WorkspaceRequest, assistant: Assistant, form: RecipeForm) -> None:
    values = form.cleaned_data
    update_assistant(
        assistant,
        name=values["name"],
        description=values["description"],
        example_questions=form.example_list(),
        actor=request.actor,
    )
    before = assistant.current_id
    change = form.read_change()
    if "as_candidate" in request.POST:
        release = draft_release(assistant, change=change, actor=request.actor)
        arguments = [request.workspace.slug, assistant.slug, release.number]
        url = reverse("assistants:release", args=arguments)
        saved: str = format_html(CANDIDATE, number=release.number, url=url)
    else:
        release = change_recipe(assistant, change=change, actor=request.actor)
        saved = f"Saved. Release {release.number} answers from now on."
    same = release.pk == before
    messages.success(request, "Saved. The recipe is as it was." if same else saved)


def _show_recipe(
    request: WorkspaceRequest, assistant: Assistant, form: RecipeForm, *, status: int
) -> HttpResponse:
    context = {
        "nav": "assistants",
        "tab": "recipe",
        "assistant": assistant,
        "form": form,
        "groups": form.groups(),
    }
    return render(request, "assistants/recipe.html", context, status=status)


@require_POST
@workspace_view(role=Role.EDITOR)
def delete(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    delete_assistant(assistant, actor=request.actor)
    messages.success(request, f"{assistant.name} is deleted.")
    return redirect("assistants:list", request.workspace.slug)


@require_GET
@workspace_view()
def share(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """How people and programs reach the assistant."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    base_url = request.build_absolute_uri("/v1")
    chat = reverse("chat:new", args=[request.workspace.slug, assistant.slug])
    context = {
        "nav": "assistants",
        "tab": "share",
        "assistant": assistant,
        "base_url": base_url,
        "chat_url": request.build_absolute_uri(chat),
        "examples": list_snippets(base_url, assistant.slug),
    }
    return render(request, "assistants/share.html", context)
