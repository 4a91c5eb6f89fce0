"""The releases of an assistant: which answers, what changed, promoting and going back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.assistants.access import get_assistant_by_slug, get_release
from apps.assistants.forms import PromoteForm, UsePromptForm
from apps.assistants.models import Assistant, Release
from apps.assistants.recipes.changes import RecipeChange
from apps.assistants.releases.diff import RecipeDifference, diff_releases, tell_changes, tell_recipe
from apps.assistants.releases.promotion import PromotionRefusedError, promote, run_release_checks
from apps.assistants.selectors import find_before, list_promotions, list_releases
from apps.assistants.services import draft_release
from apps.core.text_diff import compare_texts
from apps.workspaces.decorators import workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role


@require_GET
@workspace_view(role=Role.EDITOR)
def releases(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """All releases, newest first, and the history of promotions."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    context = {
        "nav": "assistants",
        "tab": "releases",
        "assistant": assistant,
        "releases": list_releases(assistant),
        "promotions": list_promotions(assistant)[:50],
    }
    return render(request, "assistants/releases.html", context)


@require_GET
@workspace_view(role=Role.EDITOR)
def release(request: WorkspaceRequest, assistant_slug: str, number: int) -> HttpResponse:
    """One release: what it froze, and how it differs from another (?against=, else the current)."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    row = get_release(assistant, number)
    against = _read_against(request, assistant, row)
    return _show_release(request, row, against, PromoteForm(), status=200)


def _read_against(
    request: WorkspaceRequest, assistant: Assistant, release: Release
) -> Release | None:
    text = request.GET.get("against", "")
    if text.isdecimal() and len(text) < 9:
        return get_release(assistant, int(text))
    current = assistant.current
    if current is None or current.pk == release.pk:
        return find_before(release)
    return get_release(assistant, current.number)


def _show_release(
    request: WorkspaceRequest,
    release: Release,
    against: Release | None,
    form: PromoteForm,
    *,
    status: int,
) -> HttpResponse:
    changes = diff_releases(against, release) if against else []
    assistant = release.assistant
    is_current = assistant.current_id == release.pk
    checks = [] if is_current else run_release_checks(release)
    context = {
        "nav": "assistants",
        "tab": "releases",
        "assistant": assistant,
        "release": release,
        "against": against,
        "changes": [_view_change(change) for change in changes],
        "summary": tell_changes(changes),
        "facts": tell_recipe(release),
        "is_current": is_current,
        "is_promoted": is_current or release.promotions.exists(),
        "checks": checks,
        "is_refused": any(not check.ok for check in checks),
        "others": [r for r in list_releases(assistant) if r.pk != release.pk],
        "form": form,
    }
    return render(request, "assistants/release.html", context, status=status)


def _view_change(change: RecipeDifference) -> dict[str, Any]:
    parts = compare_texts(change.old, change.new).parts if change.is_text else ()
    return {**asdict(change), "parts": parts}


@require_POST
@workspace_view(role=Role.EDITOR)
def promote_release(request: WorkspaceRequest, assistant_slug: str, number: int) -> HttpResponse:
    """Answer with this release from now on; a refusal shows why and asks for a reason."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    row = get_release(assistant, number)
    form = PromoteForm(request.POST)
    if not form.is_valid():
        return _show_release(request, row, assistant.current, form, status=422)
    try:
        promotion = promote(
            row, actor=request.actor, override_reason=form.cleaned_data["override_reason"]
        )
    except PromotionRefusedError as refused:
        messages.warning(request, f"Release {number} was not promoted. {refused}")
        return redirect("assistants:release", request.workspace.slug, assistant.slug, number)
    what = "answers again" if promotion.is_rollback else "answers from now on"
    messages.success(request, f"Release {number} {what}.")
    return redirect("assistants:releases", request.workspace.slug, assistant.slug)


@require_POST
@workspace_view(role=Role.EDITOR)
def use_prompt(request: WorkspaceRequest, assistant_slug: str) -> HttpResponse:
    """A candidate that differs from the current release in its prompt."""
    assistant = get_assistant_by_slug(request.workspace.pk, assistant_slug)
    form = UsePromptForm(request.workspace, request.POST)
    if not form.is_valid():
        messages.warning(request, "This version of a prompt is not there.")
        return redirect("assistants:releases", request.workspace.slug, assistant.slug)
    version = form.cleaned_data["prompt_version"]
    change = RecipeChange(prompt_version=version, note=f"Prompt {version}")
    release = draft_release(assistant, change=change, actor=request.actor)
    return redirect("assistants:release", request.workspace.slug, assistant.slug, release.number)
