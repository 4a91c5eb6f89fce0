"""The playground's page, and the stream of its answers.

The stream is the response of the POST itself: a run that nobody watches is of no use, so it ends
when the page is closed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson
from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.assistants.access import get_assistant_by_slug, get_current
from apps.assistants.answering.pipeline import Delta, Restart, Status
from apps.assistants.playground.forms import PlaygroundForm, initial_values, read_variant
from apps.assistants.playground.running import (
    MAX_VARIANTS,
    Failed,
    Finished,
    Variant,
    VariantEvent,
    run_variants,
)
from apps.assistants.recipe import Recipe, load_recipe, load_release
from apps.assistants.recipes.forms import RecipeForm
from apps.assistants.selectors import list_assistants
from apps.core.aio import run_db
from apps.core.formats import format_count, format_milliseconds, format_money
from apps.core.markdown import CitationLink, render_answer
from apps.core.text import storable
from apps.gateway.selectors import list_endpoints
from apps.prompts.services import add_version
from apps.prompts.spec import PromptError
from apps.retrieval.search.query import MAX_QUESTION
from apps.workspaces.decorators import async_workspace_view, workspace_view
from apps.workspaces.http import WorkspaceRequest
from apps.workspaces.models import Role


@require_http_methods(["GET", "POST"])
@workspace_view(role=Role.EDITOR)
def playground(request: WorkspaceRequest) -> HttpResponse:
    """The form. A POST brings the text of a version into a variant, or saves a variant as one."""
    if request.method == "GET":
        form = _new_form(request)
        return _show(request, form)
    form = PlaygroundForm(request.workspace, request.POST, count=_read_count(request.POST))
    form.fields["question"].required = False
    if (place := _read_place(request, form, "load")) is not None:
        return _show(request, _with_texts(request, form, place))
    place = _read_place(request, form, "save")
    if place is not None and form.is_valid():
        return _save(request, form, place)
    return _show(request, form)


def _new_form(request: WorkspaceRequest) -> PlaygroundForm:
    assistants = list(list_assistants(request.workspace.pk))
    slug = request.GET.get("assistant", "")
    chosen = next((a for a in assistants if a.slug == slug), next(iter(assistants), None))
    count = _read_count(request.GET)
    initial = initial_values(chosen, list(list_endpoints(request.workspace)))
    initial |= {"variants": count, "question": request.GET.get("question", "")[:2000]}
    return PlaygroundForm(request.workspace, initial=initial, count=count)


def _read_count(values: Any) -> int:
    text = values.get("variants", "")
    return min(max(int(text), 1), MAX_VARIANTS) if text in {"1", "2", "3", "4"} else 2


def _read_place(request: WorkspaceRequest, form: PlaygroundForm, action: str) -> int | None:
    text = request.POST.get(action, "")
    return int(text) if text in {str(n) for n in range(form.count)} else None


def _with_texts(request: WorkspaceRequest, form: PlaygroundForm, place: int) -> PlaygroundForm:
    """The form with the texts of one variant's version in its fields, ready to be edited."""
    form.is_valid()
    if not form.cleaned_data.get("assistant"):
        return form
    version = form.read_version(place)
    data = request.POST.copy()
    data[f"v{place}_system"], data[f"v{place}_user"] = version.system, version.user
    filled = PlaygroundForm(request.workspace, data, count=form.count)
    filled.fields["question"].required = False
    return filled


def _save(request: WorkspaceRequest, form: PlaygroundForm, place: int) -> HttpResponse:
    version = form.read_version(place)
    if form.read_spec(place) == version.spec:
        messages.warning(request, f"This is {version} already: nothing was edited.")
        return _show(request, form)
    try:
        successor = add_version(
            version.prompt,
            spec=form.read_spec(place),
            note="From the playground",
            actor=request.actor,
        )
    except PromptError as error:
        messages.warning(request, str(error))
        return _show(request, form)
    messages.success(request, f"{successor} is saved. Nothing answers with it yet.")
    return redirect(
        "prompts:version", request.workspace.slug, successor.prompt_id, successor.number
    )


def _show(request: WorkspaceRequest, form: PlaygroundForm) -> HttpResponse:
    context = {
        "nav": "assistants",
        "form": form,
        "columns": form.columns(),
        "counts": range(1, MAX_VARIANTS + 1),
        "has_assistants": form.fields["assistant"].queryset.exists(),  # type: ignore[attr-defined]
    }
    return render(request, "assistants/playground.html", context)


@dataclass(frozen=True, slots=True)
class _Begun:
    recipe: Recipe
    variants: list[Variant]
    question: str


@require_POST
@async_workspace_view(role=Role.EDITOR)
async def run(request: WorkspaceRequest) -> HttpResponseBase:
    """Ask all variants; the response streams what each says, as server-sent events."""
    return _stream(await run_db(_begin, request))


@require_POST
@async_workspace_view(role=Role.EDITOR)
async def preview(request: WorkspaceRequest, assistant_slug: str) -> HttpResponseBase:
    """Ask with the recipe's form as it stands, before anything is saved."""
    return _stream(await run_db(_begin_preview, request, assistant_slug))


def _stream(begun: _Begun | dict[str, list[str]]) -> HttpResponseBase:
    if isinstance(begun, dict):
        return JsonResponse({"errors": begun}, status=422)
    response = StreamingHttpResponse(_write(begun), content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


def _begin_preview(request: WorkspaceRequest, slug: str) -> _Begun | dict[str, list[str]]:
    release = get_current(get_assistant_by_slug(request.workspace.pk, slug))
    form = RecipeForm(request.workspace, request.POST, release=release)
    if not form.is_valid():
        return _list_errors(form)
    question = storable(request.POST.get("question", "")).strip()
    if not question:
        return {"Question": ["Ask something first."]}
    if len(question) > MAX_QUESTION:
        return {"Question": [f"At most {MAX_QUESTION:,} characters can be asked at a time."]}
    return _Begun(load_release(release), [read_variant(form)], question)


def _list_errors(form: Form) -> dict[str, list[str]]:
    return {
        str(form.fields[name].label or name): [str(error) for error in errors]
        for name, errors in form.errors.items()
        if name in form.fields
    }


def _begin(request: WorkspaceRequest) -> _Begun | dict[str, list[str]]:
    form = PlaygroundForm(request.workspace, request.POST, count=_read_count(request.POST))
    if not form.is_valid():
        return _list_errors(form)
    recipe = load_recipe(request.workspace.pk, slug=form.cleaned_data["assistant"].slug)
    return _Begun(recipe, form.read_variants(), form.cleaned_data["question"])


async def _write(begun: _Begun) -> AsyncIterator[bytes]:
    running = run_variants(begun.recipe, begun.variants, question=begun.question)
    async with aclosing(running) as events:
        async for place, event in events:
            name, data = _encode(event)
            body = orjson.dumps({"variant": place, **data}).decode()
            yield f"event: {name}\ndata: {body}\n\n".encode()
    yield b"event: end\ndata: {}\n\n"


def _encode(event: VariantEvent) -> tuple[str, dict[str, Any]]:
    if isinstance(event, Status):
        return "status", {"text": event.text}
    if isinstance(event, Delta):
        return "token", {"text": event.text}
    if isinstance(event, Restart):
        return "restart", {}
    if isinstance(event, Failed):
        return "failed", {"reason": event.reason}
    return "done", _tell(event)


def _tell(event: Finished) -> dict[str, Any]:
    measured = event.measured
    chips = {number: CitationLink(number, url="", label="") for number in event.passages}
    return {
        "content": event.content,
        "html": render_answer(event.content, citations=chips),
        "first_token": format_milliseconds(measured.first_token_ms),
        "total": format_milliseconds(measured.total_ms),
        "tokens_in": format_count(measured.input_tokens),
        "tokens_out": format_count(measured.output_tokens)
        + (" (estimated)" if measured.is_estimated else ""),
        "cost": format_money(measured.cost),
        "passages": format_count(measured.num_passages),
    }
